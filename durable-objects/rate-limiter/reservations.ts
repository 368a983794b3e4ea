import { ok, type Result, refuse } from "../../contracts/result.ts";
import type { KeyFigures, ReserveCommand } from "../../contracts/rpc/rate-limiter.ts";
import { check, settle, spent } from "../../core/rate-limit/account.ts";
import { chargeOf, giveBack } from "../../core/rate-limit/undo.ts";
import { maxReservations } from "./bounds.ts";
import { figuresOf } from "./figures.ts";
import type { Ledger } from "./ledger.ts";
import type { Limit, Limits } from "./limits.ts";

export type Reserved = KeyFigures & { readonly reservation: string; readonly expiresMs: number };
export interface Settled {
  readonly reserved: number;
  readonly charged: number;
  readonly uncharged: number;
}

type ReservationRow = {
  limit_id: number;
  key: string;
  cost: number;
  charged_ms: number;
  charged_version: number;
  /** Empty in rows of before it was kept: those give nothing back. */
  charged_epoch: string;
  expires_ms: number;
};

/** Costs that were charged ahead and wait for the real one (RL-17). */
export class Reservations {
  readonly #sql: SqlStorage;
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  #rows: number | undefined;

  constructor(sql: SqlStorage, limits: Limits, ledger: Ledger) {
    this.#sql = sql;
    this.#limits = limits;
    this.#ledger = ledger;
  }

  /** Charges the cost and remembers it until `ttlMs` from now. An id that is already open is answered as it stands. */
  reserve(limit: Limit, key: string, { id, cost, ttlMs }: ReserveCommand, nowMs: number): Result<Reserved> {
    if (limit.numbers.algorithm === "concurrency") {
      return refuse("limit_needs_acquire", "Acquire a permit of this limit instead.");
    }
    const cell = this.#ledger.cell(limit, key, nowMs);
    const open = this.#find(id, nowMs);
    if (open !== undefined) {
      return ok({ ...figuresOf(cell.account, open.cost), reservation: id, expiresMs: open.expires_ms });
    }
    if (this.#count() >= maxReservations) {
      return refuse("overloaded", "Too many reservations are open; settle some, or try again later.");
    }
    const verdict = check(cell.account, cost);
    if (!verdict.allowed) {
      const detail = "The cost does not fit into what is left.";
      return refuse("quota_exceeded", detail, verdict.retryAfterMs ?? undefined);
    }
    const { account } = spent(cell.account, cost);
    const charge = chargeOf(account);
    this.#ledger.put(cell, account);
    const rows = this.#count();
    this.#sql.exec(
      `INSERT OR REPLACE INTO reservations (id, limit_id, key, cost, charged_ms, charged_version, charged_epoch, expires_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      limit.id,
      key,
      cost,
      charge.atMs,
      charge.version,
      charge.epoch,
      nowMs + ttlMs,
    );
    this.#rows = rows + 1;
    return ok({ ...figuresOf(account, cost), retryAfterMs: 0, reservation: id, expiresMs: nowMs + ttlMs });
  }

  /** Corrects the charge to the real cost and ends the reservation. */
  settle(id: string, actual: number, nowMs: number): Result<Settled> {
    const open = this.#find(id, nowMs);
    const limit = open && this.#limits.numbered(open.limit_id);
    if (open === undefined || limit === undefined) {
      return refuse("reservation_not_found", "It was settled, has ended, or never was.");
    }
    this.#sql.exec("DELETE FROM reservations WHERE id = ?", id);
    this.recount();
    const cell = this.#ledger.cell(limit, open.key, nowMs);
    if (actual <= open.cost) {
      const charge = { atMs: open.charged_ms, version: open.charged_version, epoch: open.charged_epoch };
      if (actual < open.cost) this.#ledger.put(cell, giveBack(cell.account, open.cost - actual, charge));
      return ok({ reserved: open.cost, charged: actual, uncharged: 0 });
    }
    const { account, charged, uncharged } = settle(cell.account, open.cost, actual);
    this.#ledger.put(cell, account);
    return ok({ reserved: open.cost, charged, uncharged });
  }

  /** The rows are counted again when next needed: after a rollback, or when rows were deleted. */
  recount(): void {
    this.#rows = undefined;
  }

  #find(id: string, nowMs: number): ReservationRow | undefined {
    return this.#sql
      .exec<ReservationRow>("SELECT * FROM reservations WHERE id = ? AND expires_ms > ?", id, nowMs)
      .toArray()[0];
  }

  #count(): number {
    this.#rows ??= this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM reservations").one().count;
    return this.#rows;
  }
}
