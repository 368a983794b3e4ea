import type { ErrorCode } from "../contracts/errors.ts";
import type { BreakwaterError } from "./error.ts";

/**
 * What running a request a second time does.
 * `harmless`: the same as running it once (GET, DELETE, PUT, a POST under an Idempotency-Key).
 * `harmful`: its work twice (a check), or a wrong answer (a PUT with If-Match); repeated only when it surely did not run.
 */
export type Repetition = "harmless" | "harmful";

/** Upper end of the first back-off: about one slow answer. */
const baseDelayMs = 100;
/** Upper end of every back-off: longer ones outlive most callers' patience. */
const maxDelayMs = 5_000;
/** Longest Retry-After that is waited for; a longer one is the caller's to plan, who finds it in the error. */
export const maxRetryAfterMs = 10_000;

/** Codes of requests that the platform did not begin. */
const notBegun: ReadonlySet<string> = new Set<ErrorCode>([
  "control_plane_unavailable",
  "limiter_unavailable",
  "overloaded",
  "import_conflict",
  "quota_exceeded",
  "permits_exhausted",
]);

/** Codes, of Node and undici, of connections that were never made. */
const neverConnected: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** A failed attempt and what is left for another. */
export interface FailedAttempt {
  readonly error: BreakwaterError;
  /** The answer says that the gateway has retried already; another layer of retries would multiply them. */
  readonly retriedByGateway: boolean;
  readonly repetition: Repetition;
  /** Attempts made, at least 1. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** What is left of the call's time, milliseconds. */
  readonly remainingMs: number;
  /** From [0, 1). */
  readonly random: number;
}

/**
 * How long to wait before the next attempt, in whole milliseconds; `undefined` when there must be none.
 *
 * Exponential back-off with full jitter (M. Brooker, "Exponential Backoff and Jitter", AWS 2015), on top of what the
 * platform asks for: callers refused together come back neither early nor together. A wait that would use up the
 * call's time is not begun, so the caller gets the real error at once instead of a timeout later.
 */
export function retryDelayMs(failed: FailedAttempt): number | undefined {
  const { error } = failed;
  if (!error.retryable || failed.retriedByGateway || failed.attempts >= failed.maxAttempts) return undefined;
  if (failed.repetition === "harmful" && !surelyDidNotRun(error)) return undefined;

  const askedMs = error.retryAfterMs ?? 0;
  if (askedMs > maxRetryAfterMs) return undefined;
  const ceilingMs = Math.min(maxDelayMs, baseDelayMs * 2 ** (failed.attempts - 1));
  const delayMs = askedMs + Math.floor(failed.random * ceilingMs);
  return delayMs < failed.remainingMs ? delayMs : undefined;
}

/**
 * Whether the request did no work: it was refused before it began, or its connection was never made. Browsers do not
 * say why a connection failed, so there the answer is no.
 */
export function surelyDidNotRun(error: BreakwaterError): boolean {
  return error.code === "unreachable" ? neverConnected.has(systemCode(error.cause)) : notBegun.has(error.code);
}

/** fetch of Node rejects with a TypeError whose cause, or the cause's cause, carries the system's code. */
function systemCode(failure: unknown): string {
  const maxDepth = 3;
  let link = failure;
  for (let depth = 0; depth < maxDepth && typeof link === "object" && link !== null; depth++) {
    if ("code" in link && typeof link.code === "string") return link.code;
    link = "cause" in link ? link.cause : undefined;
  }
  return "";
}

/** Most tokens of a retry budget. */
const budgetTokens = 10;
/** What a success gives back: in the long run at most one retry for ten successes. */
const budgetRefill = 0.1;

/**
 * Keeps retries from multiplying the load of a platform that is already failing: each failure takes a token, each
 * success gives a tenth back, and below half there are no retries (retry throttling of gRPC, gRFC A6).
 */
export class RetryBudget {
  #tokens = budgetTokens;

  succeeded(): void {
    this.#tokens = Math.min(budgetTokens, this.#tokens + budgetRefill);
  }

  /** Counts a failure. Returns whether a retry is within the budget. */
  failed(): boolean {
    this.#tokens = Math.max(0, this.#tokens - 1);
    return this.#tokens > budgetTokens / 2;
  }
}
