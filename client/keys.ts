import { segment } from "./path.ts";
import type { ListOptions } from "./resources.ts";
import type { CallOptions, PostOptions, Transport } from "./transport.ts";
import type { ApiKey, ApiKeyPage, CreatedKey, CreateKey } from "./types.ts";

/** API keys. */
export class Keys {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Makes a key. Its secret is in this answer and nowhere else: when the answer was lost and the call repeated, it
   * rejects with `key_already_created`, and `rotate` makes a new secret.
   */
  async create(key: CreateKey, options?: PostOptions): Promise<CreatedKey> {
    return this.#transport.json<CreatedKey>({ method: "POST", path: "/v1/keys", body: key, options });
  }

  /** One page; its `cursor`, when there is one, gives the next. */
  async list({ limit, cursor, ...options }: ListOptions = {}): Promise<ApiKeyPage> {
    return this.#transport.json<ApiKeyPage>({ method: "GET", path: "/v1/keys", query: { limit, cursor }, options });
  }

  async get(id: string, options?: CallOptions): Promise<ApiKey> {
    return this.#transport.json<ApiKey>({ method: "GET", path: at(id), options });
  }

  /**
   * Gives a key a new secret.
   *
   * @param options.graceMs how long the old secret still works, milliseconds. Default 0
   */
  async rotate(
    id: string,
    { graceMs, ...options }: PostOptions & { readonly graceMs?: number } = {},
  ): Promise<CreatedKey> {
    return this.#transport.json<CreatedKey>({ method: "POST", path: `${at(id)}/rotate`, body: { graceMs }, options });
  }

  /** Ends a key. */
  async revoke(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: at(id), goneIsDone: true, options });
  }
}

function at(id: string): string {
  return `/v1/keys/${segment(id)}`;
}
