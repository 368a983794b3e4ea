import { windowAgeMs } from "./fixed-window.ts";
import type { Meter, MeterState } from "./meter.ts";

export interface SlidingWindowPolicy {
  readonly algorithm: "sliding-window";
  /** N: the most that the weighted sum reaches. */
  readonly limit: number;
  readonly windowMs: number;
}

export interface SlidingWindowState extends MeterState {
  /** Spent in the window before the one that contains `atMs`. */
  readonly previous: number;
  /** Spent in the window that contains `atMs`. */
  readonly current: number;
}

/**
 * The sliding window counter ("How we built rate limiting capable of scaling to millions of domains", Cloudflare blog,
 * 2017): the estimate of what was spent in the last `windowMs` is `previous · (W − age) / W + current`, where `age` is
 * the time since the current window began. Computed in whole numbers, multiplied by W.
 */
export const slidingWindow: Meter<SlidingWindowPolicy, SlidingWindowState> = {
  fresh: (_policy, nowMs) => ({ atMs: nowMs, previous: 0, current: 0 }),

  advance(policy, state, nowMs) {
    if (nowMs <= state.atMs) return state;
    const { windowMs } = policy;
    const sinceStartMs = windowAgeMs(windowMs, state.atMs) + (nowMs - state.atMs);
    if (sinceStartMs < windowMs) return { atMs: nowMs, previous: state.previous, current: state.current };
    if (sinceStartMs < 2 * windowMs) return { atMs: nowMs, previous: state.current, current: 0 };
    return { atMs: nowMs, previous: 0, current: 0 };
  },

  free: (policy, state) => policy.limit - state.current - weightOfPrevious(policy, state),

  capacity: (policy) => policy.limit,

  spend: (_policy, state, cost) => ({
    atMs: state.atMs,
    previous: state.previous,
    current: state.current + cost,
  }),

  /** From the current window first: what the previous one still weighs is given back only by the rest. */
  refund(_policy, state, cost) {
    const fromCurrent = Math.min(cost, state.current);
    return {
      atMs: state.atMs,
      previous: Math.max(0, state.previous - (cost - fromCurrent)),
      current: state.current - fromCurrent,
    };
  },

  waitMs(policy, state, cost) {
    const { limit, windowMs } = policy;
    if (cost > limit) return Number.POSITIVE_INFINITY;
    const ageMs = windowAgeMs(windowMs, state.atMs);
    const room = limit - cost - state.current;
    if (room >= 0) return Math.max(0, ageToFitMs(windowMs, state.previous, room) - ageMs);
    // What is spent now fits in no share of this window: it has to become the previous one and fade.
    return windowMs - ageMs + ageToFitMs(windowMs, state.current, limit - cost);
  },

  resetMs(policy, state) {
    if (state.current === 0 && state.previous === 0) return 0;
    const toNextMs = policy.windowMs - windowAgeMs(policy.windowMs, state.atMs);
    return state.current === 0 ? toNextMs : toNextMs + policy.windowMs;
  },

  /**
   * Under another window the estimate of the moment, rounded up, counts as spent in the current window. It stops where
   * the arithmetic does, which is at or over the new limit: the key stays full.
   */
  resize(from, to, state) {
    if (from.windowMs === to.windowMs) return state;
    const most = Math.floor(Number.MAX_SAFE_INTEGER / to.windowMs);
    const estimate = state.current + weightOfPrevious(from, state);
    return { atMs: state.atMs, previous: 0, current: Math.min(estimate, most) };
  },

  encode: (policy, state) => `${policy.limit} ${policy.windowMs} ${state.atMs} ${state.previous} ${state.current}`,

  decode(fields) {
    const [limit, windowMs, atMs, previous, current] = fields.map(Number) as [number, number, number, number, number];
    return { policy: { algorithm: "sliding-window", limit, windowMs }, state: { atMs, previous, current } };
  },
};

/** Whole tokens, rounded up, that the previous window still weighs. */
function weightOfPrevious(policy: SlidingWindowPolicy, state: SlidingWindowState): number {
  const shareMs = policy.windowMs - windowAgeMs(policy.windowMs, state.atMs);
  return Math.ceil((state.previous * shareMs) / policy.windowMs);
}

/** The smallest age of a window at which a previous window of `count` weighs at most `room` tokens. */
function ageToFitMs(windowMs: number, count: number, room: number): number {
  return count <= room ? 0 : windowMs - Math.floor((room * windowMs) / count);
}
