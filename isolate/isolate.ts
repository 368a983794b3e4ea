import type { ConfigEntry, LocationHubRpc, Namespace } from "../contracts/rpc/hub.ts";
import { Metrics } from "../core/metrics/metrics.ts";
import type { ConfigView } from "./config-view.ts";

export interface IsolateBindings {
  readonly LOCATION_HUB: Namespace<LocationHubRpc>;
}

/** What one isolate knows and counts. There is one for each isolate, shared by its requests. */
export class Isolate {
  /** The isolate's only instance, made at the first call. */
  static of(_env: IsolateBindings): Isolate {
    throw new Error("in the making");
  }

  readonly id: string = crypto.randomUUID();
  declare readonly config: ConfigView;
  readonly metrics: Metrics = new Metrics();

  /**
   * To be called once at a request's start. Starts a pulse when one is due.
   *
   * @param waitUntil keeps the pulse alive beyond this request
   * @param location the colo that serves the request, or "local"
   * @returns undefined when the snapshot is at most 1 s old, which is the usual case and costs nothing; else a promise that
   *   is fulfilled after the refresh or after 100 ms (2 s without any snapshot): true when there is a configuration
   */
  ready(_waitUntil: (promise: Promise<unknown>) => void, _location: string): Promise<boolean> | undefined {
    throw new Error("in the making");
  }

  /** Pulses now and passes this isolate's metrics on to the root; for `/metrics`. Never rejects. */
  flush(_location: string): Promise<void> {
    throw new Error("in the making");
  }

  /** Makes visible at once what this isolate itself has written. A newer version wins (CP-4). */
  apply(_entry: ConfigEntry): void {
    throw new Error("in the making");
  }

  /** Calls `listener` with the id of each API key that changed, or "all" when it is not known which. */
  onKeyChange(_listener: (keyId: string | "all") => void): void {
    throw new Error("in the making");
  }

  /** Remembers that the API key was used; reported with the next pulse. */
  used(_keyId: string): void {
    throw new Error("in the making");
  }
}
