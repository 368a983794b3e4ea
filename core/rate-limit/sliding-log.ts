import type { Meter, MeterState } from "./meter.ts";

/** Most tokens of a sliding log: each admission is an entry of the key's row, and a check walks them. */
export const maxLogTokens = 1000;

export interface SlidingLogPolicy {
  readonly algorithm: "sliding-log";
  /** N: tokens in any span of the window's length; at most `maxLogTokens`. */
  readonly limit: number;
  readonly windowMs: number;
}

/** `cost` tokens admitted at `atMs`. */
interface LogEntry {
  readonly atMs: number;
  readonly cost: number;
}

export interface SlidingLogState extends MeterState {
  /** Admissions inside (atMs − window, atMs], oldest first, one for each millisecond. */
  readonly entries: readonly LogEntry[];
  /** The sum of their costs. */
  readonly used: number;
}

/**
 * The sliding log: every admission is remembered for one window, so at most N are inside any half-open span of that
 * length (the sorted-set limiter of Redis, "Better Rate Limiting With Redis Sorted Sets", ClassDojo, 2016, but a refused
 * check leaves no entry). An admission at t counts in [t, t + W).
 */
export const slidingLog: Meter<SlidingLogPolicy, SlidingLogState> = {
  fresh: (_policy, nowMs) => ({ atMs: nowMs, entries: [], used: 0 }),

  advance(policy, state, nowMs) {
    if (nowMs <= state.atMs) return state;
    return dropEnded(state.entries, state.used, nowMs, policy.windowMs);
  },

  free: (policy, state) => policy.limit - state.used,

  capacity: (policy) => policy.limit,

  spend(_policy, state, cost) {
    const last = state.entries.at(-1);
    const merges = last !== undefined && last.atMs === state.atMs;
    const kept = merges ? state.entries.slice(0, -1) : state.entries.slice();
    kept.push({ atMs: state.atMs, cost: merges ? last.cost + cost : cost });
    return { atMs: state.atMs, entries: kept, used: state.used + cost };
  },

  /** From the newest admission back: a refund mostly follows the spend that it undoes. */
  refund(_policy, state, cost) {
    const kept = state.entries.slice();
    let left = Math.min(cost, state.used);
    const used = state.used - left;
    while (left > 0) {
      const newest = kept.pop();
      if (newest === undefined) break;
      if (newest.cost > left) kept.push({ atMs: newest.atMs, cost: newest.cost - left });
      left = Math.max(0, left - newest.cost);
    }
    return { atMs: state.atMs, entries: kept, used };
  },

  waitMs(policy, state, cost) {
    if (cost > policy.limit) return Number.POSITIVE_INFINITY;
    let excess = state.used + cost - policy.limit;
    let endsMs = state.atMs;
    for (const entry of state.entries) {
      if (excess <= 0) break;
      excess -= entry.cost;
      endsMs = entry.atMs + policy.windowMs;
    }
    return endsMs - state.atMs;
  },

  resetMs(policy, state) {
    const newest = state.entries.at(-1);
    return newest === undefined ? 0 : newest.atMs + policy.windowMs - state.atMs;
  },

  /** A longer window knows of nothing older than the shorter one remembered. */
  resize: (_from, to, state) => dropEnded(state.entries, state.used, state.atMs, to.windowMs),

  /** Times as distances from the one before: a full log of a thousand entries stays within a few kilobytes. */
  encode(policy, state) {
    let text = `${policy.limit} ${policy.windowMs} ${state.atMs}`;
    let beforeMs = state.atMs;
    for (const entry of state.entries) {
      text += ` ${entry.atMs - beforeMs} ${entry.cost}`;
      beforeMs = entry.atMs;
    }
    return text;
  },

  decode(fields) {
    const numbers = fields.map(Number);
    const [limit, windowMs, atMs] = numbers as [number, number, number];
    const entries: LogEntry[] = [];
    let entryMs = atMs;
    let used = 0;
    for (let index = 3; index + 1 < numbers.length; index += 2) {
      const cost = numbers[index + 1] as number;
      entryMs += numbers[index] as number;
      used += cost;
      entries.push({ atMs: entryMs, cost });
    }
    return { policy: { algorithm: "sliding-log", limit, windowMs }, state: { atMs, entries, used } };
  },
};

function dropEnded(entries: readonly LogEntry[], used: number, nowMs: number, windowMs: number): SlidingLogState {
  let ended = 0;
  let left = used;
  for (const entry of entries) {
    if (entry.atMs > nowMs - windowMs) break;
    left -= entry.cost;
    ended += 1;
  }
  return { atMs: nowMs, entries: ended === 0 ? entries : entries.slice(ended), used: left };
}
