import type { Meter, MeterState } from "./meter.ts";
import { afterRefill, capacityUnits, type Rate, refillMs, rescale, wholeTokens } from "./units.ts";

export interface TokenBucketPolicy extends Rate {
  readonly algorithm: "token-bucket";
}

export interface TokenBucketState extends MeterState {
  /** What can be spent, in units of `windowMs` to a token. Below zero after a resize to a smaller bucket. */
  readonly levelUnits: number;
}

/**
 * The token bucket (Turner, "New Directions in Communications", IEEE Communications Magazine 24(10), 1986; the committed
 * bucket of RFC 2697, section 3): `limit` tokens drip in per `windowMs`, the bucket holds `burst`, and a check takes its
 * cost when the bucket holds it. It is GCRA seen from the other side (level = B − content), and decides the same.
 */
export const tokenBucket: Meter<TokenBucketPolicy, TokenBucketState> = {
  fresh: (policy, nowMs) => ({ atMs: nowMs, levelUnits: capacityUnits(policy) }),

  advance(policy, state, nowMs) {
    if (nowMs <= state.atMs) return state;
    const full = capacityUnits(policy);
    return { atMs: nowMs, levelUnits: full - afterRefill(policy, full - state.levelUnits, nowMs - state.atMs) };
  },

  free: (policy, state) => wholeTokens(policy, state.levelUnits),

  capacity: (policy) => policy.burst,

  spend: (policy, state, cost) => ({ atMs: state.atMs, levelUnits: state.levelUnits - cost * policy.windowMs }),

  refund: (policy, state, cost) => ({
    atMs: state.atMs,
    levelUnits: Math.min(capacityUnits(policy), state.levelUnits + cost * policy.windowMs),
  }),

  waitMs(policy, state, cost) {
    if (cost > policy.burst) return Number.POSITIVE_INFINITY;
    return refillMs(policy, cost * policy.windowMs - state.levelUnits);
  },

  resetMs: (policy, state) => refillMs(policy, capacityUnits(policy) - state.levelUnits),

  resize(from, to, state) {
    const used = rescale(capacityUnits(from) - state.levelUnits, from.windowMs, to.windowMs);
    return { atMs: state.atMs, levelUnits: capacityUnits(to) - used };
  },

  encode: (policy, state) => `${policy.limit} ${policy.windowMs} ${policy.burst} ${state.atMs} ${state.levelUnits}`,

  decode(fields) {
    const [limit, windowMs, burst, atMs, levelUnits] = fields.map(Number) as [number, number, number, number, number];
    return { policy: { algorithm: "token-bucket", limit, windowMs, burst }, state: { atMs, levelUnits } };
  },
};
