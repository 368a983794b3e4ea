/** Who writes, for the audit. */
export interface Actor {
  /** Tenant of the actor; "" for what the platform does itself. */
  readonly tenantId: string;
  readonly subject: string;
  readonly requestId: string;
}

/** `"*"`: the resource exists. Else its version is one of these. */
export type IfMatch = "*" | readonly number[];

/** An Idempotency-Key with all that tells it from others, hashed; and the hash of the body that came with it. */
export interface IdempotencyKey {
  readonly id: string;
  readonly bodyHash: string;
}

/** What every write needs beside its subject. */
export interface Write {
  readonly actor: Actor;
  readonly nowMs: number;
  readonly ifMatch?: IfMatch;
  readonly idempotency?: IdempotencyKey;
}

/** A page of a list: at most `limit` items after `cursor`, an opaque text of an earlier page. */
export interface Page {
  readonly limit: number;
  readonly cursor?: string;
}

export interface Paged<T> {
  readonly items: readonly T[];
  /** Of the next page; undefined at the end. */
  readonly cursor?: string;
}
