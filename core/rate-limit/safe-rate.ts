/** What the fail mode says of one check. */
export interface SafeDecision {
  readonly allowed: boolean;
  /** 0 when allowed; else milliseconds until the next check of the key passes. */
  readonly retryAfterMs: number;
  /** What the caller keeps for the key: the next check passes then. */
  readonly nextMs: number;
}

/**
 * The fail mode `safeRatePerSecond`: a token bucket of one token, local to an isolate, for the time that the object does
 * not answer. Admits at most 1 + rate·T checks of a key in any span T.
 *
 * A check is admitted when the bucket is full and pays its whole cost then: a cost over one leaves a debt, so that large
 * costs pass too and the tokens spent still follow the rate. With one token to a bucket, the time at which it is full
 * again is all there is to remember (GCRA with a tolerance of zero, ITU-T I.371).
 *
 * @param ratePerSecond tokens a second, over 0; may be fractional
 * @param nextMs what the last decision for the key said; 0 for a key never seen
 * @param cost whole tokens
 * @param nowMs the isolate's clock in whole milliseconds
 */
export function safeRate(ratePerSecond: number, nextMs: number, cost: number, nowMs: number): SafeDecision {
  if (nowMs < nextMs) return { allowed: false, retryAfterMs: nextMs - nowMs, nextMs };
  const paidMs = nowMs + Math.ceil((cost * 1000) / ratePerSecond);
  return { allowed: true, retryAfterMs: 0, nextMs: Math.min(paidMs, Number.MAX_SAFE_INTEGER) };
}
