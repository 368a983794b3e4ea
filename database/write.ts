import { type SQL, sql } from "drizzle-orm";
import { type Result, refuse } from "../contracts/result.ts";
import type { Database, Row } from "./database.ts";

/** How long a repeated Idempotency-Key gets the first answer (ID-1). */
export const idempotencyTtlMs = 24 * 60 * 60 * 1000;

/** Who writes, for the audit. */
export interface Actor {
  readonly subject: string;
  readonly requestId: string;
}

/** `"*"`: the resource exists. `"none"`: it does not. Else its version is one of these. */
export type IfMatch = "*" | "none" | readonly number[];

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

/** What a write changes, as its audit row says it. Bodies are JSON texts and never hold a secret (AU-3). */
export interface Subject {
  /** Tenant that owns it, "" for the platform. An expression where the same transaction may mint it. */
  readonly tenantId: string | SQL;
  readonly kind: string;
  readonly name: string;
  readonly action: string | SQL;
  readonly before: SQL | null;
  readonly after: string | null;
}

/** A change as one transaction: the audit row if the guard holds, and everything else only where that row exists. */
export interface Transaction {
  /** Id of the audit row. */
  readonly id: string;
  readonly subject: Subject;
  /** A condition on the state before. */
  readonly guard: SQL;
  /** Statements before the audit row; they carry the guard themselves. */
  readonly prelude?: readonly SQL[];
  /** Statements that change something only where `committed(id)`. */
  readonly effects: readonly SQL[];
  /** What is kept for a repetition of the Idempotency-Key: never a secret. */
  readonly response?: unknown;
  /** Columns that tell why the guard failed, and what the write did: read after the effects. */
  readonly probe: SQL;
}

/** How a transaction ended. */
export type Outcome =
  | { readonly kind: "committed"; readonly version: number; readonly action: string; readonly probe: Row }
  /** The guard failed; `probe` tells why. */
  | { readonly kind: "guarded"; readonly probe: Row }
  /** The Idempotency-Key was used before, with the same body. */
  | { readonly kind: "repeated"; readonly response: unknown }
  | { readonly kind: "refused"; readonly result: Result<never> };

/** Whether the transaction of this id took place. */
export function committed(id: string): SQL {
  return sql`EXISTS (SELECT 1 FROM audit WHERE id = ${id})`;
}

/** The version that the transaction of this id gives to what it changes. */
export function versionOf(id: string): SQL {
  return sql`(SELECT seq FROM audit WHERE id = ${id})`;
}

/** Condition that the version in `current` (an expression, null when there is none) is one that the caller expects. */
export function matches(ifMatch: IfMatch | undefined, current: SQL): SQL {
  if (ifMatch === undefined) return sql`TRUE`;
  if (ifMatch === "*") return sql`${current} IS NOT NULL`;
  if (ifMatch === "none") return sql`${current} IS NULL`;
  return sql`${current} IN (SELECT value FROM json_each(${JSON.stringify(ifMatch)}))`;
}

/** The same decision over a version that was read. */
export function isMatch(ifMatch: IfMatch | undefined, version: number | null): boolean {
  if (ifMatch === undefined) return true;
  if (ifMatch === "none") return version === null;
  return version !== null && (ifMatch === "*" || ifMatch.includes(version));
}

/** Condition that the Idempotency-Key was not used before. */
export function isFirst(write: Write): SQL {
  if (write.idempotency === undefined) return sql`TRUE`;
  return sql`NOT EXISTS (SELECT 1 FROM idempotency WHERE id = ${write.idempotency.id})`;
}

/**
 * Runs the change as one D1 batch, which is one transaction (CP-1, ID-3). A batch whose answer was lost is looked up once:
 * when its audit row is there it was committed; otherwise the outcome is not known and said to be so.
 */
export async function commit(database: Database, write: Write, transaction: Transaction): Promise<Outcome> {
  const { idempotency } = write;
  const outcome = outcomeQuery(transaction, idempotency);
  const statements = [
    ...(idempotency === undefined ? [] : [forget(idempotency.id, write.nowMs)]),
    ...(transaction.prelude ?? []),
    auditRow(write, transaction),
    ...transaction.effects,
    ...(idempotency === undefined ? [] : [remember(idempotency, write.nowMs, transaction)]),
    outcome,
  ];
  let row: Row | undefined;
  try {
    row = (await database.batch(statements)).at(-1)?.[0];
  } catch {
    row = await lookUp(database, outcome);
    if (typeof row?.seq !== "number") return { kind: "refused", result: outcomeUnknown };
  }
  return classify(row ?? {}, idempotency);
}

const outcomeUnknown = refuse(
  "outcome_unknown",
  "The database did not answer. Read the resource before you repeat the request, or repeat it with its Idempotency-Key.",
  1_000,
);

/** The refusal of a write whose If-Match or If-None-Match does not hold (CP-5). */
export const versionMismatch = refuse(
  "version_mismatch",
  "Read the resource again: send the ETag of the version that you mean to change, and If-None-Match only for a new one.",
);

async function lookUp(database: Database, outcome: SQL): Promise<Row | undefined> {
  try {
    return (await database.batch([outcome]))[0]?.[0];
  } catch {
    return undefined;
  }
}

function classify(row: Row, idempotency: IdempotencyKey | undefined): Outcome {
  const { seq, action, body_hash: bodyHash, response } = row;
  if (typeof seq === "number") return { kind: "committed", version: seq, action: String(action), probe: row };
  if (typeof bodyHash !== "string") return { kind: "guarded", probe: row };
  if (bodyHash === idempotency?.bodyHash) return { kind: "repeated", response: JSON.parse(String(response)) };
  const detail = "Send another Idempotency-Key, or the body that this one came with first.";
  return { kind: "refused", result: refuse("idempotency_key_reused", detail) };
}

function auditRow(write: Write, { id, subject, guard }: Transaction): SQL {
  const { tenantId, kind, name, action, before, after } = subject;
  return sql`INSERT INTO audit (id, at_ms, actor, tenant_id, "action", kind, name, "before", "after", request_id)
    SELECT ${id}, ${write.nowMs}, ${write.actor.subject}, ${tenantId}, ${action}, ${kind}, ${name}, ${before}, ${after},
      ${write.actor.requestId}
    WHERE (${guard}) AND ${isFirst(write)}`;
}

function forget(id: string, nowMs: number): SQL {
  return sql`DELETE FROM idempotency WHERE id = ${id} AND expires_at_ms <= ${nowMs}`;
}

function remember({ id, bodyHash }: IdempotencyKey, nowMs: number, transaction: Transaction): SQL {
  return sql`INSERT INTO idempotency (id, body_hash, response, expires_at_ms)
    SELECT ${id}, ${bodyHash}, ${JSON.stringify(transaction.response ?? null)}, ${nowMs + idempotencyTtlMs}
    WHERE ${committed(transaction.id)}`;
}

function outcomeQuery({ id, probe }: Transaction, idempotency: IdempotencyKey | undefined): SQL {
  const kept = sql`SELECT body_hash, response FROM idempotency WHERE id = ${idempotency?.id ?? null}`;
  return sql`SELECT change.seq, change."action", kept.body_hash, kept.response, ${probe}
    FROM (SELECT 1) LEFT JOIN (SELECT seq, "action" FROM audit WHERE id = ${id}) AS change
    LEFT JOIN (${kept}) AS kept`;
}
