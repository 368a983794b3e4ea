import type { LimitPolicy } from "../../contracts/limits.ts";
import type { RateLimiterRpc } from "../../contracts/rpc/rate-limiter.ts";
import type { About, Counter, Histogram } from "../../core/metrics/metrics.ts";

/** A limit as the isolate knows it. `version` is the audit sequence of its last change. */
export interface KnownLimit {
  readonly version: number;
  readonly policy: LimitPolicy;
}

/** What the rate limiter reads of the isolate's configuration. */
export interface LimitConfig {
  limit(tenantId: string, name: string): KnownLimit | undefined;
  tenantName(tenantId: string): string | undefined;
  switchState(name: string, nowMs: number): { readonly on: boolean };
}

/** What the rate limiter needs of the isolate's metrics. */
export interface Meters {
  counter(name: string, labelNames: readonly string[], about?: About): Counter;
  histogram(name: string, labelNames: readonly string[], boundaries?: readonly number[], about?: About): Histogram;
}

/** The namespace of the RateLimiter objects, as far as it is used: a fresh stub for each call. */
export interface LimiterNamespace {
  getByName(name: string): RateLimiterRpc;
}

export interface RateLimitsDependencies {
  readonly namespace: LimiterNamespace;
  /** Objects that each tenant's keys are spread over. */
  readonly shards: number;
  readonly config: LimitConfig;
  readonly metrics: Meters;
  /** How long a check waits for its object; `checkDeadlineMs` but in tests, which must not depend on a machine's load. */
  readonly deadlineMs?: number;
  /** Told of what a call to an object has thrown, at most once a second. */
  readonly warn?: (message: string, error: string) => void;
}

/** Who asks, in which request, and until when. */
export interface Call {
  readonly tenantId: string;
  /** The principal: Idempotency-Keys of different principals never meet (ID-7). */
  readonly subject: string;
  waitUntil(promise: Promise<unknown>): void;
  /** When the caller stops waiting: absolute, milliseconds since the epoch. */
  readonly deadlineMs?: number;
  /** `route` is the method and the path's pattern; `bodyHash` a digest of the validated body. */
  readonly idempotency?: { readonly key: string; readonly route: string; readonly bodyHash: string };
}
