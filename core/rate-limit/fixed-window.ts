import type { Meter, MeterState } from "./meter.ts";

export interface FixedWindowPolicy {
  readonly algorithm: "fixed-window";
  /** N: tokens in each window. */
  readonly limit: number;
  readonly windowMs: number;
}

export interface FixedWindowState extends MeterState {
  /** Spent in the window that contains `atMs`. After a resize it may be over the limit. */
  readonly used: number;
}

/** Milliseconds since the window that contains `atMs` began. Windows are aligned to the epoch. */
export function windowAgeMs(windowMs: number, atMs: number): number {
  return atMs % windowMs;
}

/**
 * A counter that starts again with each window; windows are aligned to the epoch, the same for every key (as
 * envoyproxy/ratelimit and Redis' INCR with EXPIRE have it). Two full windows may meet at an edge: N·(⌊T/W⌋ + 2) in
 * any span T.
 */
export const fixedWindow: Meter<FixedWindowPolicy, FixedWindowState> = {
  fresh: (_policy, nowMs) => ({ atMs: nowMs, used: 0 }),

  advance(policy, state, nowMs) {
    if (nowMs <= state.atMs) return state;
    const sameWindow = nowMs - state.atMs < policy.windowMs - windowAgeMs(policy.windowMs, state.atMs);
    return { atMs: nowMs, used: sameWindow ? state.used : 0 };
  },

  free: (policy, state) => policy.limit - state.used,

  capacity: (policy) => policy.limit,

  spend: (_policy, state, cost) => ({ atMs: state.atMs, used: state.used + cost }),

  refund: (_policy, state, cost) => ({ atMs: state.atMs, used: Math.max(0, state.used - cost) }),

  waitMs(policy, state, cost) {
    if (cost > policy.limit) return Number.POSITIVE_INFINITY;
    return state.used + cost <= policy.limit ? 0 : untilNextWindowMs(policy, state);
  },

  resetMs: (policy, state) => (state.used === 0 ? 0 : untilNextWindowMs(policy, state)),

  resize: (_from, _to, state) => state,

  encode: (policy, state) => `${policy.limit} ${policy.windowMs} ${state.atMs} ${state.used}`,

  decode(fields) {
    const [limit, windowMs, atMs, used] = fields.map(Number) as [number, number, number, number];
    return { policy: { algorithm: "fixed-window", limit, windowMs }, state: { atMs, used } };
  },
};

function untilNextWindowMs(policy: FixedWindowPolicy, state: FixedWindowState): number {
  return policy.windowMs - windowAgeMs(policy.windowMs, state.atMs);
}
