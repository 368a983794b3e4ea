import { keyAddress, segment } from "./path.ts";
import { type ListOptions, type WriteOptions, write } from "./resources.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { KeyOverride, OverrideInput, OverridePage } from "./types.ts";

/** What single keys of a limit get instead of its numbers. */
export class Overrides {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** In force in the key's object when it answers. */
  async put(limit: string, key: string, override: OverrideInput, options: WriteOptions = {}): Promise<KeyOverride> {
    const address = keyAddress(limit, "overrides", key);
    return this.#transport.json<KeyOverride>({ method: "PUT", ...address, body: override, ...write(options) });
  }

  async get(limit: string, key: string, options?: CallOptions): Promise<KeyOverride> {
    return this.#transport.json<KeyOverride>({ method: "GET", ...keyAddress(limit, "overrides", key), options });
  }

  /** One page; its `cursor`, when there is one, gives the next. */
  async list(name: string, { limit, cursor, ...options }: ListOptions = {}): Promise<OverridePage> {
    const path = `/v1/limits/${segment(name)}/overrides`;
    return this.#transport.json<OverridePage>({ method: "GET", path, query: { limit, cursor }, options });
  }

  async delete(limit: string, key: string, options: WriteOptions = {}): Promise<void> {
    const address = keyAddress(limit, "overrides", key);
    await this.#transport.send({ method: "DELETE", ...address, goneIsDone: true, ...write(options) });
  }
}
