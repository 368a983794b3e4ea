import { ok, type Result, refuse } from "../../contracts/result.ts";
import type { AcquireCommand, HeldPermit, KeyFigures } from "../../contracts/rpc/rate-limiter.ts";
import { bannedMs } from "../../core/rate-limit/account.ts";
import {
  acquire,
  advancePermits,
  freePermits,
  noPermits,
  type Permits,
  release,
  renew,
} from "../../core/rate-limit/permits.ts";
import { type PermitPolicy, resolvePermits } from "../../core/rate-limit/policy.ts";
import { maxPermits } from "./bounds.ts";
import type { Ledger } from "./ledger.ts";
import type { Limit, Limits } from "./limits.ts";

type PermitRow = { id: string; limit_id: number; key: string; expires_ms: number };

/** The permits of one key. */
interface Held {
  readonly limitId: number;
  readonly key: string;
  permits: Permits;
}

interface Loaded {
  /** By limit id and key. */
  readonly byKey: Map<string, Held>;
  readonly byPermit: Map<string, Held>;
}

const unknown = refuse("permit_not_found", "It was released, has ended, or never was.");
const notConcurrency = refuse("limit_not_concurrency", "Only a limit of algorithm concurrency hands out permits.");

/** The permits that this object has handed out: all in memory once one is asked for, each with its row. */
export class PermitBook {
  readonly #sql: SqlStorage;
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  #loaded: Loaded | undefined;

  constructor(sql: SqlStorage, limits: Limits, ledger: Ledger) {
    this.#sql = sql;
    this.#limits = limits;
    this.#ledger = ledger;
  }

  /** Takes a slot. An id that holds one already is answered as it stands. */
  acquire(limit: Limit, key: string, { id, ttlMs }: AcquireCommand, nowMs: number): Result<HeldPermit> {
    const policy = policyOf(limit, key);
    if (policy === undefined) return notConcurrency;
    const banLeftMs = bannedMs(this.#ledger.cell(limit, key, nowMs).account);
    if (banLeftMs > 0) return refuse("permits_exhausted", "The key is banned.", banLeftMs);
    const { byPermit } = this.#all();
    if (!byPermit.has(id) && byPermit.size >= maxPermits && this.#prune(nowMs) >= maxPermits) {
      return refuse("overloaded", "Too many permits are held; try again later.");
    }
    const held = this.#of(limit, key);
    const taken = acquire(held.permits, policy.limit, nowMs, id, ttlMs ?? policy.ttlMs);
    this.#replace(held, taken.permits);
    if (!taken.acquired) return refuse("permits_exhausted", "Every permit of this key is held.", taken.retryAfterMs);
    byPermit.set(id, held);
    this.#sql.exec(
      "INSERT OR REPLACE INTO permits (id, limit_id, key, expires_ms) VALUES (?, ?, ?, ?)",
      id,
      limit.id,
      key,
      taken.expiresMs,
    );
    return ok(this.#answer(id, taken.expiresMs, held, policy));
  }

  /** Lets a held permit live `ttlMs` from now on, or as long as the policy says. */
  renew(id: string, ttlMs: number | undefined, nowMs: number): Result<HeldPermit> {
    const held = this.#all().byPermit.get(id);
    const limit = held && this.#limits.numbered(held.limitId);
    const policy = held && limit && policyOf(limit, held.key);
    if (held === undefined || policy === undefined) return unknown;
    const { permits, renewed, expiresMs } = renew(held.permits, nowMs, id, ttlMs ?? policy.ttlMs);
    this.#replace(held, permits);
    if (!renewed) return unknown;
    this.#sql.exec("UPDATE permits SET expires_ms = ? WHERE id = ?", expiresMs, id);
    return ok(this.#answer(id, expiresMs, held, policy));
  }

  /** Frees the slot. */
  release(id: string, nowMs: number): Result<null> {
    const held = this.#all().byPermit.get(id);
    if (held === undefined) return unknown;
    const { permits, released } = release(held.permits, nowMs, id);
    this.#replace(held, permits);
    if (!released) return unknown;
    this.#loaded?.byPermit.delete(id);
    this.#sql.exec("DELETE FROM permits WHERE id = ?", id);
    return ok(null);
  }

  /** Frees every slot of the key: its holders are not told. */
  releaseAll(limit: Limit, key: string): void {
    const held = this.#of(limit, key);
    for (const { id } of held.permits.held) {
      this.#loaded?.byPermit.delete(id);
      this.#sql.exec("DELETE FROM permits WHERE id = ?", id);
    }
    this.#replace(held, noPermits);
  }

  /** What the key stands at; undefined when the limit hands out no permits. */
  figures(limit: Limit, key: string, nowMs: number): KeyFigures | undefined {
    const policy = policyOf(limit, key);
    if (policy === undefined) return undefined;
    const permits = advancePermits(this.#all().byKey.get(nameOf(limit.id, key))?.permits ?? noPermits, nowMs);
    const banLeftMs = bannedMs(this.#ledger.cell(limit, key, nowMs).account);
    const next = acquire(permits, policy.limit, nowMs, "", policy.ttlMs);
    const last = permits.held.at(-1);
    const figures = {
      limitValue: finite(policy.limit),
      remaining: banLeftMs > 0 ? 0 : finite(freePermits(permits, policy.limit)),
      resetMs: last === undefined ? 0 : Math.max(0, last.expiresMs - nowMs),
      retryAfterMs: Math.max(next.retryAfterMs, banLeftMs),
    };
    return banLeftMs > 0 ? { ...figures, bannedMs: banLeftMs } : figures;
  }

  /** The rows are what counts again: after a rollback. */
  forget(): void {
    this.#loaded = undefined;
  }

  #answer(permit: string, expiresMs: number, held: Held, policy: PermitPolicy): HeldPermit {
    return {
      permit,
      expiresMs,
      limitValue: finite(policy.limit),
      remaining: finite(freePermits(held.permits, policy.limit)),
    };
  }

  #all(): Loaded {
    if (this.#loaded !== undefined) return this.#loaded;
    const loaded: Loaded = { byKey: new Map(), byPermit: new Map() };
    const rows = this.#sql.exec<PermitRow>("SELECT * FROM permits ORDER BY expires_ms").toArray();
    for (const [name, ofKey] of Map.groupBy(rows, (row) => nameOf(row.limit_id, row.key))) {
      const { limit_id: limitId, key } = ofKey[0] as PermitRow;
      const permits = { atMs: 0, held: ofKey.map((row) => ({ id: row.id, expiresMs: row.expires_ms })) };
      const held: Held = { limitId, key, permits };
      loaded.byKey.set(name, held);
      for (const { id } of ofKey) loaded.byPermit.set(id, held);
    }
    this.#loaded = loaded;
    return loaded;
  }

  #of(limit: Limit, key: string): Held {
    const { byKey } = this.#all();
    const name = nameOf(limit.id, key);
    let held = byKey.get(name);
    if (held === undefined) {
      held = { limitId: limit.id, key, permits: noPermits };
      byKey.set(name, held);
    }
    return held;
  }

  /** Takes over the key's next set; permits that ended are forgotten, their rows go with the alarm. */
  #replace(held: Held, next: Permits): void {
    const { byKey, byPermit } = this.#all();
    const { length } = held.permits.held;
    for (let index = 0; index < length; index++) {
      const { id, expiresMs } = held.permits.held[index] as Permits["held"][number];
      if (expiresMs > next.atMs) break;
      byPermit.delete(id);
    }
    held.permits = next;
    if (next.held.length === 0) byKey.delete(nameOf(held.limitId, held.key));
    else byKey.set(nameOf(held.limitId, held.key), held);
  }

  /** Forgets the permits that have ended and says how many are left. */
  #prune(nowMs: number): number {
    const { byKey, byPermit } = this.#all();
    for (const held of [...byKey.values()]) this.#replace(held, advancePermits(held.permits, nowMs));
    return byPermit.size;
  }
}

function policyOf(limit: Limit, key: string): PermitPolicy | undefined {
  if (limit.numbers.algorithm !== "concurrency") return undefined;
  return resolvePermits(limit.numbers, limit.overrides.get(key)?.override ?? undefined);
}

function nameOf(limitId: number, key: string): string {
  return `${limitId} ${key}`;
}

function finite(count: number): number | null {
  return Number.isFinite(count) ? count : null;
}
