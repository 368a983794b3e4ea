import type { ConfigEntry, LocationHubRpc, Namespace } from "../contracts/rpc/hub.ts";
import { idlePatience, isolatePatience, maxUnconfirmedMs } from "../core/config/pulse-schedule.ts";
import { type Clock, Refresher } from "../core/config/refresher.ts";
import { Metrics } from "../core/metrics/metrics.ts";
import { ParcelOutbox } from "../core/metrics/parcel.ts";
import { systemClock } from "./clock.ts";
import type { ConfigView } from "./config-view.ts";
import { Configuration } from "./configuration.ts";

export interface IsolateBindings {
  readonly LOCATION_HUB: Namespace<LocationHubRpc>;
}

/** Most API keys whose use one pulse reports; uses beyond that are reported when they are used again. */
const maxUsedKeys = 1_000;

/** What a listener is told when API keys change: an id, or "all" when it is not known which. */
export type KeyListener = (keyId: string | "all") => void;

let shared: Isolate | undefined;

/** What one isolate knows and counts, and its pulse. There is one for each isolate, shared by its requests. */
export class Isolate {
  /** The isolate's only instance, made at the first call; to be called within a request. */
  static of(env: IsolateBindings): Isolate {
    shared ??= new Isolate(env);
    return shared;
  }

  /** Random: hubs tell isolates apart by it. */
  readonly id: string = crypto.randomUUID();
  readonly metrics: Metrics = new Metrics();
  readonly #hubs: Namespace<LocationHubRpc>;
  readonly #clock: Clock;
  readonly #configuration = new Configuration();
  readonly #refresher: Refresher;
  readonly #outbox = new ParcelOutbox(this.id, this.metrics);
  readonly #keyListeners: KeyListener[] = [];
  #usedKeys = new Set<string>();
  #location = "local";
  #flush = false;

  constructor({ LOCATION_HUB }: IsolateBindings, clock: Clock = systemClock) {
    this.#hubs = LOCATION_HUB;
    this.#clock = clock;
    this.#refresher = new Refresher(clock, () => this.#pulse());
  }

  get config(): ConfigView {
    return this.#configuration;
  }

  /**
   * To be called once at a request's start. Starts a pulse when one is due.
   *
   * @param waitUntil keeps the pulse alive beyond this request
   * @param location the colo that serves the request, or "local"
   * @returns undefined when there is a snapshot that may be used, which is the usual case and costs nothing; else a promise
   *   that is fulfilled after the refresh or after 100 ms (2 s without any snapshot, or after a long rest): true when there
   *   is a configuration
   */
  ready(waitUntil: (promise: Promise<unknown>) => void, location: string): Promise<boolean> | undefined {
    this.#location = location;
    const isConfirmed = this.#configuration.confirmedAgeMs(this.#clock.nowMs()) <= maxUnconfirmedMs;
    const waiting = this.#refresher.ensure(isConfirmed ? isolatePatience : idlePatience, waitUntil);
    if (waiting !== undefined) return waiting.then(() => this.#isConfigured);
    return this.#isConfigured ? undefined : Promise.resolve(false);
  }

  /** Pulses now and has the hub pass this location's metrics on to the root; for `/metrics`. Never rejects. */
  flush(location: string): Promise<void> {
    this.#location = location;
    this.#flush = true;
    return this.#refresher.now();
  }

  /** Makes visible at once what this isolate itself has written (CP-2). A newer version wins (CP-4). */
  apply(entry: ConfigEntry): void {
    this.#configuration.index(this.#configuration.snapshot.put(entry));
  }

  /** Calls `listener` for each API key that changed. It is called within a pulse and must not throw. */
  onKeyChange(listener: KeyListener): void {
    this.#keyListeners.push(listener);
  }

  /** Remembers that the API key was used; reported with the next pulse. */
  used(keyId: string): void {
    if (this.#usedKeys.size < maxUsedKeys) this.#usedKeys.add(keyId);
  }

  get #isConfigured(): boolean {
    return this.#configuration.snapshot.position.epoch > 0;
  }

  /** Metrics and used keys up, changes down. Returns the time of the root's answer. */
  async #pulse(): Promise<number> {
    const sentAtMs = this.#clock.nowMs();
    const { snapshot } = this.#configuration;
    const metrics = this.#outbox.next();
    const usedKeys = [...this.#usedKeys];
    this.#usedKeys = new Set();
    const flush = this.#flush;
    this.#flush = false;
    const hub = this.#hubs.getByName(this.#location);
    const answer = await hub.pulse({ position: snapshot.position, metrics, usedKeys, flush });
    // Also a hub without a configuration has counted.
    if (metrics !== null) this.#outbox.acknowledge(metrics);
    if (!answer.ok) throw new Error(answer.refusal.detail);

    const { delta, ageMs, confirmedAgeMs } = answer.value;
    this.#configuration.index(snapshot.apply(delta));
    for (const key of delta.keys === "all" ? ["all"] : delta.keys) {
      for (const listener of this.#keyListeners) listener(key);
    }
    // The answer is at least as young as the question.
    const answeredAtMs = sentAtMs - ageMs;
    this.#configuration.answeredAtMs = Math.max(this.#configuration.answeredAtMs, answeredAtMs);
    this.#configuration.confirmedAtMs = Math.max(this.#configuration.confirmedAtMs, sentAtMs - confirmedAgeMs);
    return answeredAtMs;
  }
}
