import { type Calendar, calendarWindow } from "./calendar.ts";
import type { Meter, MeterState } from "./meter.ts";

export interface QuotaPolicy {
  readonly algorithm: "quota";
  /** N: tokens in each calendar window. */
  readonly limit: number;
  readonly calendar: Calendar;
}

export interface QuotaState extends MeterState {
  /** When the window that contains `atMs` began. */
  readonly startMs: number;
  /** When the next one begins. Kept so that a check inside the window asks no calendar. */
  readonly endMs: number;
  /** Spent in the window. After a resize it may be over the limit. */
  readonly used: number;
}

/**
 * A fixed window whose boundaries are the calendar's (gubernator's DURATION_IS_GREGORIAN, but in the policy's time zone
 * and right across changes of daylight saving): at most N from one boundary to the next.
 */
export const quota: Meter<QuotaPolicy, QuotaState> = {
  fresh: (policy, nowMs) => ({ atMs: nowMs, ...calendarWindow(policy.calendar, nowMs), used: 0 }),

  advance(policy, state, nowMs) {
    if (nowMs <= state.atMs) return state;
    if (nowMs >= state.endMs) return quota.fresh(policy, nowMs);
    return { atMs: nowMs, startMs: state.startMs, endMs: state.endMs, used: state.used };
  },

  free: (policy, state) => policy.limit - state.used,

  capacity: (policy) => policy.limit,

  spend: (_policy, state, cost) => ({ ...state, used: state.used + cost }),

  refund: (_policy, state, cost) => ({ ...state, used: Math.max(0, state.used - cost) }),

  waitMs(policy, state, cost) {
    if (cost > policy.limit) return Number.POSITIVE_INFINITY;
    return state.used + cost <= policy.limit ? 0 : state.endMs - state.atMs;
  },

  resetMs: (_policy, state) => (state.used === 0 ? 0 : state.endMs - state.atMs),

  /** Under another calendar, what was spent counts in the new calendar's current window. */
  resize(from, to, state) {
    if (from.calendar.unit === to.calendar.unit && from.calendar.timeZone === to.calendar.timeZone) return state;
    return { ...quota.fresh(to, state.atMs), used: state.used };
  },

  encode: (policy, state) =>
    `${policy.limit} ${policy.calendar.unit} ${policy.calendar.timeZone} ${state.atMs} ${state.startMs} ${state.endMs} ${state.used}`,

  decode(fields) {
    const [limit, unit, timeZone, atMs, startMs, endMs, used] = fields as [
      string,
      Calendar["unit"],
      string,
      string,
      string,
      string,
      string,
    ];
    return {
      policy: { algorithm: "quota", limit: Number(limit), calendar: { unit, timeZone } },
      state: { atMs: Number(atMs), startMs: Number(startMs), endMs: Number(endMs), used: Number(used) },
    };
  },
};
