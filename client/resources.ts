import type { Answer } from "./answer.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { Change, ChangePlan } from "./types.ts";

/** A resource with the tag of the version that was read or written. */
export type Tagged<T> = T & {
  /** For `ifMatch`: the next write happens only when nobody has written in between. */
  readonly etag: string;
};

export interface ListOptions extends CallOptions {
  /** Most items on the page. */
  readonly limit?: number;
  /** From the page before. */
  readonly cursor?: string;
}

export interface WriteOptions extends CallOptions {
  /** An etag: when the resource is at another version, nothing is written and the call rejects with `version_mismatch`. */
  readonly ifMatch?: string;
}

/** Resources of one kind, each under its name. */
export class NamedResources<Input, Output, List> {
  readonly #transport: Transport;
  readonly #path: string;

  /** @param path of the collection, such as `/v1/limits` */
  constructor(transport: Transport, path: string) {
    this.#transport = transport;
    this.#path = path;
  }

  /** Creates or replaces. */
  async put(name: string, value: Input, options: WriteOptions = {}): Promise<Tagged<Output>> {
    return tagged(await this.#transport.send({ method: "PUT", path: this.#at(name), body: value, ...write(options) }));
  }

  /** What `put` would change. Validates, and changes nothing. */
  async planPut(name: string, value: Input, options: WriteOptions = {}): Promise<Change | undefined> {
    const call = { method: "PUT", path: this.#at(name), query: { dryRun: true } } as const;
    const plan = await this.#transport.json<ChangePlan>({ ...call, body: value, ...write(options) });
    return plan.changes[0];
  }

  async get(name: string, options?: CallOptions): Promise<Tagged<Output>> {
    return tagged(await this.#transport.send({ method: "GET", path: this.#at(name), options }));
  }

  /** One page; its `cursor`, when there is one, gives the next. */
  list({ limit, cursor, ...options }: ListOptions = {}): Promise<List> {
    return this.#transport.json<List>({ method: "GET", path: this.#path, query: { limit, cursor }, options });
  }

  async delete(name: string, options: WriteOptions = {}): Promise<void> {
    await this.#transport.send({ method: "DELETE", path: this.#at(name), goneIsDone: true, ...write(options) });
  }

  /** What `delete` would change. */
  async planDelete(name: string, options: WriteOptions = {}): Promise<Change | undefined> {
    const call = { method: "DELETE", path: this.#at(name), query: { dryRun: true } } as const;
    const plan = await this.#transport.json<ChangePlan>({ ...call, ...write(options) });
    return plan.changes[0];
  }

  #at(name: string): string {
    return `${this.#path}/${encodeURIComponent(name)}`;
  }
}

/** The parts of a write's options that go into its call. */
export function write({ ifMatch, ...options }: WriteOptions): { ifMatch: string | undefined; options: CallOptions } {
  return { ifMatch, options };
}

/** The body of an answer with its ETag beside it. */
export function tagged<T>({ body, headers }: Answer): Tagged<T> {
  return { ...(body as T), etag: headers.get("etag") ?? "" };
}
