import type { KeyState, Override, Permit, Reservation, Settlement } from "../../contracts/limits.ts";
import { ok, type Result, refuse } from "../../contracts/result.ts";
import type { HeldPermit, KeyFigures, Once, RateLimiterRpc, Target } from "../../contracts/rpc/rate-limiter.ts";
import { within } from "./batcher.ts";
import type { Call, LimitConfig } from "./dependencies.ts";
import { failureOf, isRetryable } from "./failure.ts";
import { idempotencyId } from "./idempotent.ts";
import type { LimiterObjects } from "./objects.ts";
import { wireLimit } from "./plan.ts";
import type { Operation, Telemetry } from "./telemetry.ts";

/** These have no fail mode, so they wait longer than a check. */
const operationDeadlineMs = 1_000;
/** Before the one retry: enough to get out of step with others. */
const retryJitterMs = 10;

/** Whether a call that may or may not have been carried out can simply be sent again. */
type Repeatable = "repeatable" | "once";

/**
 * Operations on one key, each one call to its object. An Idempotency-Key of theirs holds for the operation and what it names,
 * and is kept by that object in the transaction of the work.
 */
export class KeyOperations {
  readonly #objects: LimiterObjects;
  readonly #config: LimitConfig;
  readonly #telemetry: Pick<Telemetry, "operated">;

  constructor(objects: LimiterObjects, config: LimitConfig, telemetry: Pick<Telemetry, "operated">) {
    this.#objects = objects;
    this.#config = config;
    this.#telemetry = telemetry;
  }

  peek(call: Call, limit: string, key: string): Promise<Result<KeyState>> {
    return this.#state(call, limit, key, "repeatable", (object, target) => object.peek(target), "read");
  }

  reset(call: Call, limit: string, key: string): Promise<Result<KeyState>> {
    return this.#state(call, limit, key, "repeatable", (object, target) => object.reset(target));
  }

  refund(call: Call, limit: string, key: string, cost: number): Promise<Result<KeyState>> {
    const once = onceFor(call, limit, key);
    const repeatable = once === undefined ? "once" : "repeatable";
    return this.#counted(call, "refund", limit, () =>
      this.#state(call, limit, key, repeatable, (object, target) => object.refund(target, cost, once)),
    );
  }

  ban(call: Call, limit: string, key: string, durationMs: number): Promise<Result<KeyState>> {
    return this.#state(call, limit, key, "repeatable", (object, target) => object.ban(target, durationMs));
  }

  unban(call: Call, limit: string, key: string): Promise<Result<KeyState>> {
    return this.#state(call, limit, key, "repeatable", (object, target) => object.unban(target));
  }

  reserve(call: Call, limit: string, key: string, cost: number, ttlMs: number): Promise<Result<Reservation>> {
    return this.#counted(call, "reserve", limit, () => this.#reserve(call, limit, key, cost, ttlMs));
  }

  async #reserve(call: Call, limit: string, key: string, cost: number, ttlMs: number): Promise<Result<Reservation>> {
    const at = this.#at(call, limit, key);
    if (!at.ok) return at;
    const { shard, target } = at.value;
    const command = { id: mint("rsv", shard), cost, ttlMs };
    const reserved = await this.#send(call, shard, "repeatable", (object) =>
      object.reserve(target, command, onceFor(call, limit, key)),
    );
    return map(reserved, ({ reservation, expiresMs, limitValue, remaining, resetMs, retryAfterMs }) => ({
      reservation,
      expiresAt: new Date(expiresMs).toISOString(),
      limitValue,
      remaining,
      resetMs,
      retryAfterMs,
    }));
  }

  settle(call: Call, reservation: string, cost: number): Promise<Result<Settlement>> {
    return this.#counted(call, "settle", "", () => this.#settle(call, reservation, cost));
  }

  async #settle(call: Call, reservation: string, cost: number): Promise<Result<Settlement>> {
    const shard = this.#shardOf("rsv", reservation);
    if (shard === undefined) return refuse("reservation_not_found", "It was settled, has ended, or never was.");
    const once = onceFor(call, reservation);
    return this.#send(call, shard, once === undefined ? "once" : "repeatable", (object) =>
      object.settle(reservation, cost, once),
    );
  }

  acquire(call: Call, limit: string, key: string, ttlMs?: number): Promise<Result<Permit>> {
    return this.#counted(call, "acquire", limit, () => this.#acquire(call, limit, key, ttlMs));
  }

  async #acquire(call: Call, limit: string, key: string, ttlMs: number | undefined): Promise<Result<Permit>> {
    const at = this.#at(call, limit, key);
    if (!at.ok) return at;
    const { shard, target } = at.value;
    const id = mint("prm", shard);
    const held = await this.#send(call, shard, "repeatable", (object) =>
      object.acquire(target, ttlMs === undefined ? { id } : { id, ttlMs }, onceFor(call, limit, key)),
    );
    return map(held, permitOf);
  }

  renew(call: Call, permit: string, ttlMs?: number): Promise<Result<Permit>> {
    return this.#counted(call, "renew", "", () => this.#renew(call, permit, ttlMs));
  }

  async #renew(call: Call, permit: string, ttlMs: number | undefined): Promise<Result<Permit>> {
    const shard = this.#shardOf("prm", permit);
    if (shard === undefined) return refuse("permit_not_found", "It was released, has ended, or never was.");
    const held = await this.#send(call, shard, "repeatable", (object) =>
      object.renew(permit, ttlMs, onceFor(call, permit)),
    );
    return map(held, permitOf);
  }

  release(call: Call, permit: string): Promise<Result<null>> {
    return this.#counted(call, "release", "", () => this.#release(call, permit));
  }

  async #release(call: Call, permit: string): Promise<Result<null>> {
    const shard = this.#shardOf("prm", permit);
    if (shard === undefined) return refuse("permit_not_found", "It was released, has ended, or never was.");
    const once = onceFor(call, permit);
    return this.#send(call, shard, once === undefined ? "once" : "repeatable", (object) =>
      object.release(permit, once),
    );
  }

  async setOverride(
    call: Call,
    name: string,
    key: string,
    override: Override | null,
    version: number,
  ): Promise<Result<null>> {
    const known = this.#config.limit(call.tenantId, name);
    if (known === undefined && override !== null) return noLimit(name);
    const command = { name, key, override, version };
    const shard = this.#objects.shardOf(call.tenantId, key);
    return this.#send(call, shard, "repeatable", (object) =>
      object.setOverride(known === undefined ? command : { ...command, limit: wireLimit(name, known) }),
    );
  }

  /** Counts what comes of an operation. Names that no limit has are the caller's words, and would be a series each. */
  async #counted<T>(
    call: Call,
    operation: Operation,
    limit: string,
    operate: () => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const result = await operate();
    const tenant = this.#config.tenantName(call.tenantId) ?? call.tenantId;
    const isKnown = limit !== "" && this.#config.limit(call.tenantId, limit) !== undefined;
    this.#telemetry.operated(tenant, isKnown ? limit : "", operation, result.ok ? "ok" : result.refusal.code);
    return result;
  }

  async #state(
    call: Call,
    limit: string,
    key: string,
    repeatable: Repeatable,
    send: (object: RateLimiterRpc, target: Target) => Promise<Result<KeyFigures>>,
    effect: "read" | "write" = "write",
  ): Promise<Result<KeyState>> {
    const at = this.#at(call, limit, key);
    if (!at.ok) return at;
    const { shard, target } = at.value;
    const figures = await this.#send(call, shard, repeatable, (object) => send(object, target), effect);
    return map(figures, (value) => ({ limit, key, ...value }));
  }

  #at(call: Call, limit: string, key: string): Result<{ shard: number; target: Target }> {
    const known = this.#config.limit(call.tenantId, limit);
    if (known === undefined) return noLimit(limit);
    return ok({ shard: this.#objects.shardOf(call.tenantId, key), target: { limit: wireLimit(limit, known), key } });
  }

  /** The shard that an id names. Whether the id exists is for the object to say, and it only knows its own tenant's. */
  #shardOf(kind: "rsv" | "prm", id: string): number | undefined {
    const [, of, digits] = /^(rsv|prm)_(0|[1-9]\d{0,4})_[0-9a-f]{32}$/.exec(id) ?? [];
    const shard = Number(digits);
    return of === kind && shard < this.#objects.shards ? shard : undefined;
  }

  async #send<T>(
    call: Call,
    shard: number,
    repeatable: Repeatable,
    send: (object: RateLimiterRpc) => Promise<Result<T>>,
    effect: "read" | "write" = "write",
  ): Promise<Result<T>> {
    const startMs = Date.now();
    const endMs = Math.min(startMs + operationDeadlineMs, call.deadlineMs ?? Number.POSITIVE_INFINITY);
    if (endMs <= startMs) return refuse("deadline_exceeded", "The deadline had passed before the work began.");
    for (let last = false; ; last = true) {
      try {
        return await within(endMs - Date.now(), send(this.#objects.stub(call.tenantId, shard)));
      } catch (error) {
        const pauseMs = Math.random() * retryJitterMs;
        if (!last && repeatable === "repeatable" && isRetryable(error) && Date.now() + pauseMs < endMs) {
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
          continue;
        }
        const failure = failureOf(error);
        if (effect === "write" && failure !== "overloaded") {
          return refuse("outcome_unknown", "Look at the key, or repeat the request with an Idempotency-Key.");
        }
        return refuse("limiter_unavailable", "Try again in a moment.");
      }
    }
  }
}

/** 128 random bits behind the shard: what an id tells, and all that it tells. */
function mint(kind: "rsv" | "prm", shard: number): string {
  return `${kind}_${shard}_${crypto.randomUUID().replaceAll("-", "")}`;
}

function onceFor(call: Call, ...names: readonly string[]): Once | undefined {
  if (call.idempotency === undefined) return undefined;
  const { key, route, bodyHash } = call.idempotency;
  return { id: idempotencyId(call, key, route, ...names), bodyHash };
}

function noLimit(name: string): ReturnType<typeof refuse> {
  return refuse("limit_not_found", `No limit is named "${name}"; PUT it first.`);
}

function permitOf({ permit, expiresMs, limitValue, remaining }: HeldPermit): Permit {
  return { permit, expiresAt: new Date(expiresMs).toISOString(), limitValue, remaining };
}

function map<T, U>(result: Result<T>, change: (value: T) => U): Result<U> {
  return result.ok ? { ...result, value: change(result.value) } : result;
}
