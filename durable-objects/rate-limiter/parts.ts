import type { Part, WireVerdict } from "../../contracts/rpc/rate-limiter.ts";
import type { Charge } from "../../core/rate-limit/undo.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { idempotencyTtlMs, maxParts, maxRecentParts } from "./bounds.ts";

/** What this object did for one id. */
export interface PartRecord {
  readonly attempt: number;
  readonly bodyHash: string;
  /** One for each check, null where nothing was charged; null altogether when the part was cancelled. */
  readonly charges: readonly (Charge | null)[] | null;
  readonly verdicts: readonly WireVerdict[];
}

type PartRow = { body_hash: string; attempt: number; charges: string | null; verdicts: string };

/**
 * The parts of work that this object has done or been told not to do. With an Idempotency-Key (attempt above 0) they are
 * rows of 24 hours; without one they are in memory, for messages that are late by seconds.
 */
export class Parts {
  readonly #sql: SqlStorage;
  readonly #recent = new RecentMap<string, PartRecord>(maxRecentParts);
  #rows: number | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  find([id, attempt]: Part, nowMs: number): PartRecord | undefined {
    if (attempt === 0) return this.#recent.get(id);
    const row = this.#sql
      .exec<PartRow>(
        "SELECT body_hash, attempt, charges, verdicts FROM parts WHERE id = ? AND expires_ms > ?",
        id,
        nowMs,
      )
      .toArray()[0];
    if (row === undefined) return undefined;
    return {
      attempt: row.attempt,
      bodyHash: row.body_hash,
      charges: row.charges === null ? null : (JSON.parse(row.charges) as (Charge | null)[]),
      verdicts: JSON.parse(row.verdicts) as WireVerdict[],
    };
  }

  /** Whether a part that is not yet known can no longer be recorded. */
  full([, attempt]: Part): boolean {
    return attempt > 0 && this.#count() >= maxParts;
  }

  /** Records what was done, or with `charges: null` that nothing may be done by this attempt. */
  record(
    [id, attempt, bodyHash]: Part,
    charges: PartRecord["charges"],
    verdicts: readonly WireVerdict[],
    nowMs: number,
  ): void {
    if (attempt === 0) {
      this.#recent.set(id, { attempt, bodyHash, charges, verdicts });
      return;
    }
    const rows = this.#count();
    this.#sql.exec(
      "INSERT OR REPLACE INTO parts (id, body_hash, attempt, charges, verdicts, expires_ms) VALUES (?, ?, ?, ?, ?, ?)",
      id,
      bodyHash,
      attempt,
      charges === null ? null : JSON.stringify(charges),
      JSON.stringify(verdicts),
      nowMs + idempotencyTtlMs,
    );
    this.#rows = rows + 1;
  }

  /** The rows are counted again when next needed: after a rollback, or when rows were deleted. */
  recount(): void {
    this.#rows = undefined;
  }

  forget(): void {
    this.#recent.clear();
    this.recount();
  }

  #count(): number {
    this.#rows ??= this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM parts").one().count;
    return this.#rows;
  }
}
