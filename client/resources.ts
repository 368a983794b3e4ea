import { segment } from "./path.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { Change, ChangePlan } from "./types.ts";

export interface ListOptions extends CallOptions {
  /** Most items on the page. */
  readonly limit?: number;
  /** From the page before. */
  readonly cursor?: string;
}

export interface WriteOptions extends CallOptions {
  /** A version: when the resource is at another one, nothing is written and the call rejects with `version_mismatch`. */
  readonly ifMatch?: number;
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
  async put(name: string, value: Input, options: WriteOptions = {}): Promise<Output> {
    return this.#transport.json<Output>({ method: "PUT", path: this.#at(name), body: value, ...write(options) });
  }

  /** What `put` would change. Validates, and changes nothing. */
  async planPut(name: string, value: Input, options: WriteOptions = {}): Promise<Change | undefined> {
    const call = { method: "PUT", path: this.#at(name), query: { dryRun: true } } as const;
    const plan = await this.#transport.json<ChangePlan>({ ...call, body: value, ...write(options) });
    return plan.changes[0];
  }

  async get(name: string, options?: CallOptions): Promise<Output> {
    return this.#transport.json<Output>({ method: "GET", path: this.#at(name), options });
  }

  /** One page; its `cursor`, when there is one, gives the next. */
  async list({ limit, cursor, ...options }: ListOptions = {}): Promise<List> {
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
    return `${this.#path}/${segment(name)}`;
  }
}

/** The parts of a write's options that go into its call. */
export function write({ ifMatch, ...options }: WriteOptions): { ifMatch?: string; options: CallOptions } {
  return ifMatch === undefined ? { options } : { ifMatch: `"${ifMatch}"`, options };
}
