import { DurableObject } from "cloudflare:workers";
import { ok, type Result, refuse } from "../../contracts/result.ts";
import {
  type AcquireCommand,
  type BeginReply,
  type DecideBatch,
  type DecideReply,
  type HeldPermit,
  type KeyFigures,
  type Once,
  Outcome,
  type RateLimiterRpc,
  type ReserveCommand,
  type SetOverrideCommand,
  type Target,
} from "../../contracts/rpc/rate-limiter.ts";
import { type Account, ban, refund, reset, unban } from "../../core/rate-limit/account.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { maxRecentReplies, maxTurnChecks, minCollectIntervalMs } from "./bounds.ts";
import { collect, collectLimits, hasCollectable } from "./collector.ts";
import { Decider } from "./decider.ts";
import { figuresOf } from "./figures.ts";
import { Ledger } from "./ledger.ts";
import { type Limit, Limits } from "./limits.ts";
import { Marks } from "./marks.ts";
import { Parts } from "./parts.ts";
import { PermitBook } from "./permit-book.ts";
import { Reservations, type Reserved, type Settled } from "./reservations.ts";
import { migrate } from "./schema.ts";
import { Turn } from "./turn.ts";

const reportEveryMs = 1_000;
const tooManyLimits = refuse("overloaded", "This shard has seen too many names of limits.");

/**
 * One shard of one tenant's keys (docs/design/rate-limiter.md). The object's name says whose it is: nothing in a call
 * does. Every method decides in memory and answers once its turn's transaction is durable.
 */
export class RateLimiter extends DurableObject<unknown> implements RateLimiterRpc {
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  readonly #parts: Parts;
  readonly #marks: Marks;
  readonly #reservations: Reservations;
  readonly #permits: PermitBook;
  readonly #decider: Decider;
  readonly #turn: Turn;
  readonly #replies = new RecentMap<string, DecideReply>(maxRecentReplies);
  /** Checks that wait for the turn. */
  #waitingChecks = 0;
  #alarmSet = false;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    const { storage } = ctx;
    migrate(storage);
    const { sql } = storage;
    this.#limits = new Limits(sql);
    this.#ledger = new Ledger(sql);
    this.#parts = new Parts(sql);
    this.#marks = new Marks(sql);
    this.#reservations = new Reservations(sql, this.#limits, this.#ledger);
    this.#permits = new PermitBook(sql, this.#limits, this.#ledger);
    this.#decider = new Decider(this.#limits, this.#ledger, this.#parts, (error) => this.#report(error));
    this.#turn = new Turn(
      storage,
      () => this.#commit(),
      () => this.#forget(),
    );
    ctx.blockConcurrencyWhile(async () => {
      // An alarm that failed too often is gone; the rows that it was for are not.
      this.#alarmSet = (await storage.getAlarm()) !== null;
      if (!this.#alarmSet && hasCollectable(sql)) this.#arm(Date.now() + minCollectIntervalMs);
    });
  }

  async decide(batch: DecideBatch): Promise<DecideReply> {
    let checks = 0;
    for (const request of batch.requests) checks += request[1].length;
    if (this.#waitingChecks + checks > maxTurnChecks) return batch.requests.map(() => [Outcome.overloaded, []]);
    this.#waitingChecks += checks;
    try {
      return await this.#turn.run(() => {
        const known = this.#replies.get(batch.id);
        if (known !== undefined) return known;
        const reply = this.#decider.decide(batch, Date.now());
        this.#replies.set(batch.id, reply);
        return reply;
      });
    } finally {
      this.#waitingChecks -= checks;
    }
  }

  async begin(id: string, bodyHash: string): Promise<BeginReply> {
    return this.#turn.run(() => this.#marks.begin(id, bodyHash, Date.now()));
  }

  async finish(id: string, attempt: number, answer: string | null): Promise<boolean> {
    return this.#turn.run(() => this.#marks.finish(id, attempt, answer, Date.now()));
  }

  async peek(target: Target): Promise<Result<KeyFigures>> {
    return this.#change(target, (_limit, account) => account);
  }

  async reset(target: Target): Promise<Result<KeyFigures>> {
    return this.#change(target, (limit, account, nowMs) => {
      if (limit.numbers.algorithm === "concurrency") this.#permits.releaseAll(limit, target.key);
      return reset(account, nowMs);
    });
  }

  async refund(target: Target, cost: number, once?: Once): Promise<Result<KeyFigures>> {
    return this.#change(
      target,
      (limit, account) =>
        limit.numbers.algorithm === "concurrency"
          ? refuse("limit_not_refundable", "Release a permit instead.")
          : refund(account, cost),
      once,
    );
  }

  async ban(target: Target, durationMs: number): Promise<Result<KeyFigures>> {
    return this.#change(target, (_limit, account, nowMs) => ban(account, nowMs + durationMs));
  }

  async unban(target: Target): Promise<Result<KeyFigures>> {
    return this.#change(target, (_limit, account) => unban(account));
  }

  async reserve(target: Target, command: ReserveCommand, once?: Once): Promise<Result<Reserved>> {
    return this.#turn.run(() => {
      const nowMs = Date.now();
      return this.#marks.once(once, nowMs, () => {
        const limit = this.#limits.adopt(target.limit);
        return limit === undefined ? tooManyLimits : this.#reservations.reserve(limit, target.key, command, nowMs);
      });
    });
  }

  async settle(reservation: string, cost: number, once?: Once): Promise<Result<Settled>> {
    return this.#turn.run(() => {
      const nowMs = Date.now();
      return this.#marks.once(once, nowMs, () => this.#reservations.settle(reservation, cost, nowMs));
    });
  }

  async acquire(target: Target, command: AcquireCommand, once?: Once): Promise<Result<HeldPermit>> {
    return this.#turn.run(() => {
      const nowMs = Date.now();
      return this.#marks.once(once, nowMs, () => {
        const limit = this.#limits.adopt(target.limit);
        return limit === undefined ? tooManyLimits : this.#permits.acquire(limit, target.key, command, nowMs);
      });
    });
  }

  async renew(permit: string, ttlMs: number | undefined, once?: Once): Promise<Result<HeldPermit>> {
    return this.#turn.run(() => {
      const nowMs = Date.now();
      return this.#marks.once(once, nowMs, () => this.#permits.renew(permit, ttlMs, nowMs));
    });
  }

  async release(permit: string, once?: Once): Promise<Result<null>> {
    return this.#turn.run(() => {
      const nowMs = Date.now();
      return this.#marks.once(once, nowMs, () => this.#permits.release(permit, nowMs));
    });
  }

  async setOverride({ limit: wire, name, key, override, version }: SetOverrideCommand): Promise<Result<null>> {
    return this.#turn.run(() => {
      const limit = wire === undefined ? this.#limits.named(name) : this.#limits.adopt(wire);
      if (limit === undefined) return wire === undefined ? ok(null) : tooManyLimits;
      return this.#limits.setOverride(limit, key, override, version, Date.now())
        ? ok(null)
        : refuse("overloaded", "This shard holds too many overrides; remove some.");
    });
  }

  /** Collects what is idle or has ended. Never throws: an alarm that fails six times is not run again. */
  override async alarm(): Promise<void> {
    this.#alarmSet = false;
    const { storage } = this.ctx;
    const nowMs = Date.now();
    try {
      const nextMs = storage.transactionSync(() => collect(storage, nowMs));
      if (storage.transactionSync(() => collectLimits(storage.sql))) {
        this.#limits.forget();
        this.#ledger.forget();
      }
      this.#marks.recount();
      this.#parts.recount();
      this.#reservations.recount();
      if (nextMs !== null) this.#arm(nextMs);
    } catch (error) {
      console.error(JSON.stringify({ level: "error", message: "collecting idle keys failed", error: String(error) }));
      this.#arm(nowMs + minCollectIntervalMs);
    }
  }

  /** Runs one change of a key's account in the next turn and answers what the key stands at after it. */
  #change(
    target: Target,
    change: (limit: Limit, account: Account, nowMs: number) => Account | ReturnType<typeof refuse>,
    once?: Once,
  ): Promise<Result<KeyFigures>> {
    return this.#turn.run(() => {
      const nowMs = Date.now();
      return this.#marks.once(once, nowMs, () => {
        const limit = this.#limits.adopt(target.limit);
        if (limit === undefined) return tooManyLimits;
        const cell = this.#ledger.cell(limit, target.key, nowMs);
        const changed = change(limit, cell.account, nowMs);
        if ("ok" in changed) return changed;
        if (changed !== cell.account) this.#ledger.put(cell, changed);
        return ok(this.#permits.figures(limit, target.key, nowMs) ?? figuresOf(cell.account));
      });
    });
  }

  #commit(): void {
    this.#ledger.commit();
    if (!this.#alarmSet && hasCollectable(this.ctx.storage.sql)) this.#arm(Date.now() + minCollectIntervalMs);
  }

  /** Bad data fails each check that meets it: one line a second tells as much as all of them. */
  #report(error: unknown): void {
    const nowMs = Date.now();
    if (Math.abs(nowMs - this.#reportedMs) < reportEveryMs) return;
    this.#reportedMs = nowMs;
    console.error(JSON.stringify({ level: "error", message: "a check could not be decided", error: String(error) }));
  }

  /** Without an await, so the alarm is part of the commit of what it is for. */
  #arm(atMs: number): void {
    this.#alarmSet = true;
    void this.ctx.storage.setAlarm(atMs);
  }

  #forget(): void {
    this.#limits.forget();
    this.#ledger.forget();
    this.#parts.forget();
    this.#marks.recount();
    this.#reservations.recount();
    this.#permits.forget();
    this.#replies.clear();
  }
}
