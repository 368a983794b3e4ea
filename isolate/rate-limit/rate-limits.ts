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
import { type Result, refuse } from "../../contracts/result.ts";
import type { Call, RateLimitsDependencies } from "./dependencies.ts";

const notYet = refuse("internal", "Not built yet.");

/** The rate limiter as an isolate uses it: finds the objects, batches, bounds the wait, and falls back. */
export class RateLimits {
  readonly #dependencies: RateLimitsDependencies;

  constructor(dependencies: RateLimitsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Decides all of `checks` or none. Refuses with limit_not_found when one of them names no limit. */
  async check(_call: Call, _checks: readonly CheckItem[]): Promise<Result<CheckResponse>> {
    void this.#dependencies;
    return notYet;
  }

  /** Decides each item on its own. */
  async checkBatch(_call: Call, _items: readonly CheckItem[]): Promise<Result<CheckBatchResponse>> {
    return notYet;
  }

  async peek(_call: Call, _limit: string, _key: string): Promise<Result<KeyState>> {
    return notYet;
  }

  async reset(_call: Call, _limit: string, _key: string): Promise<Result<KeyState>> {
    return notYet;
  }

  async refund(_call: Call, _limit: string, _key: string, _cost: number): Promise<Result<KeyState>> {
    return notYet;
  }

  async reserve(
    _call: Call,
    _limit: string,
    _key: string,
    _cost: number,
    _ttlMs: number,
  ): Promise<Result<Reservation>> {
    return notYet;
  }

  async settle(_call: Call, _reservation: string, _cost: number): Promise<Result<Settlement>> {
    return notYet;
  }

  async ban(_call: Call, _limit: string, _key: string, _durationMs: number): Promise<Result<KeyState>> {
    return notYet;
  }

  async unban(_call: Call, _limit: string, _key: string): Promise<Result<KeyState>> {
    return notYet;
  }

  async acquire(_call: Call, _limit: string, _key: string, _ttlMs?: number): Promise<Result<Permit>> {
    return notYet;
  }

  async renew(_call: Call, _permit: string, _ttlMs?: number): Promise<Result<Permit>> {
    return notYet;
  }

  async release(_call: Call, _permit: string): Promise<Result<null>> {
    return notYet;
  }

  async setOverride(
    _call: Call,
    _limit: string,
    _key: string,
    _override: Override | null,
    _version: number,
  ): Promise<Result<null>> {
    return notYet;
  }
}
