import type { FixedWindowPolicy } from "./fixed-window.ts";
import type { GcraPolicy } from "./gcra.ts";
import { maxPermitsOfKey } from "./permits.ts";
import type { QuotaPolicy } from "./quota.ts";
import { maxLogTokens, type SlidingLogPolicy } from "./sliding-log.ts";
import type { SlidingWindowPolicy } from "./sliding-window.ts";
import type { TokenBucketPolicy } from "./token-bucket.ts";
import type { UnlimitedPolicy } from "./unlimited.ts";

/** The numbers that are in force for one key. */
export type MeterPolicy =
  | GcraPolicy
  | TokenBucketPolicy
  | FixedWindowPolicy
  | SlidingWindowPolicy
  | SlidingLogPolicy
  | QuotaPolicy
  | UnlimitedPolicy;

/** A limit that spends tokens, as it is configured: `burst` defaults to `limit`. */
export type TokenLimit =
  | (Omit<GcraPolicy, "burst"> & { readonly burst?: number | undefined })
  | (Omit<TokenBucketPolicy, "burst"> & { readonly burst?: number | undefined })
  | FixedWindowPolicy
  | SlidingWindowPolicy
  | SlidingLogPolicy
  | QuotaPolicy;

/** A limit on what is held at the same time, as it is configured. */
export interface ConcurrencyLimit {
  readonly algorithm: "concurrency";
  readonly limit: number;
  readonly ttlMs: number;
}

/** What one key gets instead of the limit's own numbers. */
export type LimitOverride =
  | { readonly unlimited: true }
  | { readonly limit: number; readonly burst?: number | undefined };

/** How many permits of a key may be held, and for how long. */
export interface PermitPolicy {
  /** `Infinity` when an override lifts the limit. */
  readonly limit: number;
  readonly ttlMs: number;
}

/**
 * The numbers in force for a key: the limit's own, or those of its override. An override's `limit` replaces the limit's,
 * and its burst is `override.burst ?? override.limit`; what an algorithm does not have is ignored.
 *
 * An override that is larger than its limit could be is refused when it is written; but the limit may change later. So numbers that the arithmetic could
 * not carry exactly (capacity · window over 2^53, a log over `maxLogTokens`) are lowered to the largest that it can:
 * a key then gets less than it was promised, never more.
 */
export function resolve(limit: TokenLimit, override?: LimitOverride): MeterPolicy {
  if (override !== undefined && "unlimited" in override) return { algorithm: "unlimited" };
  const count = override?.limit ?? limit.limit;
  switch (limit.algorithm) {
    case "gcra":
    case "token-bucket": {
      const { algorithm, windowMs } = limit;
      const burst = override === undefined ? (limit.burst ?? limit.limit) : (override.burst ?? override.limit);
      return { algorithm, limit: exact(count, windowMs), windowMs, burst: exact(burst, windowMs) };
    }
    case "sliding-window":
      return { algorithm: "sliding-window", limit: exact(count, limit.windowMs), windowMs: limit.windowMs };
    case "fixed-window":
      return { algorithm: "fixed-window", limit: count, windowMs: limit.windowMs };
    case "sliding-log":
      return { algorithm: "sliding-log", limit: Math.min(count, maxLogTokens), windowMs: limit.windowMs };
    case "quota":
      return { algorithm: "quota", limit: count, calendar: limit.calendar };
  }
}

/** The permits in force for a key, at most `maxPermitsOfKey` unless unlimited. An override's `burst` means nothing here. */
export function resolvePermits(limit: ConcurrencyLimit, override?: LimitOverride): PermitPolicy {
  if (override === undefined) return { limit: limit.limit, ttlMs: limit.ttlMs };
  const most = "unlimited" in override ? Number.POSITIVE_INFINITY : Math.min(override.limit, maxPermitsOfKey);
  return { limit: most, ttlMs: limit.ttlMs };
}

/** Whether two policies are the same numbers. */
export function samePolicy(a: MeterPolicy, b: MeterPolicy): boolean {
  if (a === b) return true;
  switch (a.algorithm) {
    case "gcra":
    case "token-bucket":
      return a.algorithm === b.algorithm && a.limit === b.limit && a.windowMs === b.windowMs && a.burst === b.burst;
    case "fixed-window":
    case "sliding-window":
    case "sliding-log":
      return a.algorithm === b.algorithm && a.limit === b.limit && a.windowMs === b.windowMs;
    case "quota":
      return (
        a.algorithm === b.algorithm &&
        a.limit === b.limit &&
        a.calendar.unit === b.calendar.unit &&
        a.calendar.timeZone === b.calendar.timeZone
      );
    case "unlimited":
      return a.algorithm === b.algorithm;
  }
}

function exact(count: number, windowMs: number): number {
  return Math.min(count, Math.floor(Number.MAX_SAFE_INTEGER / windowMs));
}
