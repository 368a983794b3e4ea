import type {
  CheckBatchResponse,
  CheckItem,
  CheckResponse,
  KeyState,
  Override,
  Permit,
  Reservation,
  Settlement,
} from "../../contracts/limits.ts";
import type { Result } from "../../contracts/result.ts";
import { Checks } from "./checks.ts";
import type { Call, RateLimitsDependencies } from "./dependencies.ts";
import { FailModes } from "./fail-mode.ts";
import { KeyOperations } from "./key-operations.ts";
import { LimiterObjects } from "./objects.ts";
import { Telemetry } from "./telemetry.ts";

/**
 * The rate limiter as an isolate uses it: finds the objects, batches, bounds the wait, and falls back. One for each
 * isolate. Every expected refusal is a value; nothing here throws for what a caller sends or an object does.
 */
export class RateLimits {
  readonly #checks: Checks;
  readonly #keys: KeyOperations;

  constructor({ namespace, shards, config, metrics, warn, deadlineMs }: RateLimitsDependencies) {
    const telemetry = new Telemetry(metrics, warn);
    const objects = new LimiterObjects(namespace, shards, telemetry);
    this.#checks = new Checks(objects, config, new FailModes(config), telemetry, deadlineMs);
    this.#keys = new KeyOperations(objects, config, telemetry);
  }

  /**
   * Decides all of `checks` or none; the same limit and key twice are summed. An object that does not answer within 100
   * ms leaves its checks to the fail mode.
   *
   * @returns the decision, also when it is negative; or a refusal: limit_not_found, limit_needs_acquire, deadline_exceeded and,
   * with an Idempotency-Key, idempotency_key_in_use or idempotency_key_reused
   */
  check(call: Call, checks: readonly CheckItem[]): Promise<Result<CheckResponse>> {
    return this.#checks.check(call, checks);
  }

  /** Decides each item on its own. One that names no limit carries an error instead of a decision. */
  checkBatch(call: Call, items: readonly CheckItem[]): Promise<Result<CheckBatchResponse>> {
    return this.#checks.checkBatch(call, items);
  }

  /** What the key stands at. Changes nothing. */
  peek(call: Call, limit: string, key: string): Promise<Result<KeyState>> {
    return this.#keys.peek(call, limit, key);
  }

  /** Forgets what the key has spent, or frees its permits. A ban stays. */
  reset(call: Call, limit: string, key: string): Promise<Result<KeyState>> {
    return this.#keys.reset(call, limit, key);
  }

  /** Gives back at most `cost` tokens. */
  refund(call: Call, limit: string, key: string, cost: number): Promise<Result<KeyState>> {
    return this.#keys.refund(call, limit, key, cost);
  }

  /** Charges `cost` ahead; `settle` within `ttlMs` corrects it. Refused with quota_exceeded when it does not fit. */
  reserve(call: Call, limit: string, key: string, cost: number, ttlMs: number): Promise<Result<Reservation>> {
    return this.#keys.reserve(call, limit, key, cost, ttlMs);
  }

  /** Corrects a reservation to the real cost, once. */
  settle(call: Call, reservation: string, cost: number): Promise<Result<Settlement>> {
    return this.#keys.settle(call, reservation, cost);
  }

  /** Refuses the key for `durationMs`, whatever is left of it. Replaces an earlier ban. */
  ban(call: Call, limit: string, key: string, durationMs: number): Promise<Result<KeyState>> {
    return this.#keys.ban(call, limit, key, durationMs);
  }

  unban(call: Call, limit: string, key: string): Promise<Result<KeyState>> {
    return this.#keys.unban(call, limit, key);
  }

  /** Takes a permit of a concurrency limit, for `ttlMs` or the policy's time. Refused with permits_exhausted. */
  acquire(call: Call, limit: string, key: string, ttlMs?: number): Promise<Result<Permit>> {
    return this.#keys.acquire(call, limit, key, ttlMs);
  }

  /** Lets a held permit live `ttlMs`, or the policy's time, from now on. */
  renew(call: Call, permit: string, ttlMs?: number): Promise<Result<Permit>> {
    return this.#keys.renew(call, permit, ttlMs);
  }

  /** Frees the permit's slot. */
  release(call: Call, permit: string): Promise<Result<null>> {
    return this.#keys.release(call, permit);
  }

  /**
   * Puts the override of a key (null removes it) into force in its object. Safe to repeat; only a newer `version` changes
   * anything. A limit that no longer exists can only have overrides removed.
   */
  setOverride(
    call: Call,
    limit: string,
    key: string,
    override: Override | null,
    version: number,
  ): Promise<Result<null>> {
    return this.#keys.setOverride(call, limit, key, override, version);
  }
}
