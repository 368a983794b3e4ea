import { segment } from "./path.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { Switch, SwitchInput, SwitchList } from "./types.ts";

/** Feature flags and kill switches. Administrators set them. */
export class Switches {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** In force everywhere within a second. */
  async put(name: string, value: SwitchInput, options?: CallOptions): Promise<Switch> {
    return this.#transport.json<Switch>({ method: "PUT", path: at(name), body: value, options });
  }

  async get(name: string, options?: CallOptions): Promise<Switch> {
    return this.#transport.json<Switch>({ method: "GET", path: at(name), options });
  }

  /** Every switch that was set. */
  async list(options?: CallOptions): Promise<SwitchList> {
    return this.#transport.json<SwitchList>({ method: "GET", path: "/v1/switches", options });
  }

  /** A switch that does not exist is off. */
  async delete(name: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: at(name), goneIsDone: true, options });
  }
}

function at(name: string): string {
  return `/v1/switches/${segment(name)}`;
}
