import { errorKinds } from "../../contracts/errors.ts";
import { type Result, refuse } from "../../contracts/result.ts";
import type { BeginReply, Once } from "../../contracts/rpc/rate-limiter.ts";
import { idempotencyTtlMs, maxMarks, runningTtlMs } from "./bounds.ts";

type MarkRow = { body_hash: string; attempt: number; running_until_ms: number; answer: string | null };

const reused = refuse("idempotency_key_reused", "Send another body with another Idempotency-Key.");
const overloaded = refuse("overloaded", "Too many Idempotency-Keys are kept here; try again later or send none.");

/** Idempotency-Keys whose home is this object: running, or with the answer that they are repeated with. */
export class Marks {
  readonly #sql: SqlStorage;
  #rows: number | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Marks `id` as running, unless it is known. */
  begin(id: string, bodyHash: string, nowMs: number): BeginReply {
    const known = this.#find(id, nowMs);
    if (known !== undefined) {
      if (known.body_hash !== bodyHash) return { kind: "reused" };
      if (known.answer !== null) return { kind: "replay", answer: known.answer };
      if (known.running_until_ms > nowMs) return { kind: "running", retryAfterMs: known.running_until_ms - nowMs };
    } else if (this.#count() >= maxMarks) {
      return { kind: "overloaded" };
    }
    // Never below the clock, so that attempts grow also over the end of a mark's 24 hours.
    const attempt = Math.max(nowMs, (known?.attempt ?? 0) + 1);
    this.#write(id, bodyHash, attempt, nowMs + runningTtlMs, null, nowMs);
    return { kind: "run", attempt };
  }

  /**
   * Ends the attempt: keeps the answer, or with null lets a repetition of the same body run at once. False when the attempt
   * is not the running one.
   */
  finish(id: string, attempt: number, answer: string | null, nowMs: number): boolean {
    const known = this.#find(id, nowMs);
    if (known === undefined || known.answer !== null || known.attempt !== attempt) return false;
    this.#write(id, known.body_hash, attempt, 0, answer, nowMs);
    return true;
  }

  /** Does `work` once for `once`: its result is kept in the same turn, unless a repetition may end otherwise. */
  once<T>(once: Once | undefined, nowMs: number, work: () => Result<T>): Result<T> {
    if (once === undefined) return work();
    const known = this.#find(once.id, nowMs);
    if (known !== undefined) {
      if (known.body_hash !== once.bodyHash || known.answer === null) return reused;
      return { ...(JSON.parse(known.answer) as Result<T>), replayed: true };
    }
    if (this.#count() >= maxMarks) return overloaded;
    const result = work();
    if (result.ok || errorKinds[result.refusal.code].retry === "final") {
      this.#write(once.id, once.bodyHash, 0, 0, JSON.stringify(result), nowMs);
    }
    return result;
  }

  /** The rows are counted again when next needed: after a rollback, or when rows were deleted. */
  recount(): void {
    this.#rows = undefined;
  }

  #find(id: string, nowMs: number): MarkRow | undefined {
    return this.#sql
      .exec<MarkRow>(
        "SELECT body_hash, attempt, running_until_ms, answer FROM marks WHERE id = ? AND expires_ms > ?",
        id,
        nowMs,
      )
      .toArray()[0];
  }

  #write(
    id: string,
    bodyHash: string,
    attempt: number,
    runningUntilMs: number,
    answer: string | null,
    nowMs: number,
  ): void {
    const rows = this.#count();
    this.#sql.exec(
      `INSERT OR REPLACE INTO marks (id, body_hash, attempt, running_until_ms, answer, expires_ms)
       VALUES (?, ?, ?, ?, ?, ?)`,
      id,
      bodyHash,
      attempt,
      runningUntilMs,
      answer,
      nowMs + idempotencyTtlMs,
    );
    // A row that was replaced counts twice until the next count: the bound errs on the safe side.
    this.#rows = rows + 1;
  }

  #count(): number {
    this.#rows ??= this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM marks").one().count;
    return this.#rows;
  }
}
