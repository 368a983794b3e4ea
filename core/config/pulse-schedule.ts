/** A pulse without an answer after this time has failed, and another may start. */
export const pulseTimeoutMs = 2_000;
/** How long a request without any snapshot waits for the first: a cold hub, a cold root and D1 may lie behind it. */
export const coldWaitMs = 2_000;
/** Without news of D1 for longer than this, API keys are refused: one may have been revoked (AU-4). */
export const maxUnconfirmedMs = 60_000;

/** How a copy is kept fresh. */
export interface Patience {
  /** The source is asked when the copy is this old, and never more often. */
  readonly intervalMs: number;
  /** A copy older than this is refreshed before it is used … */
  readonly maxUseAgeMs: number;
  /** … for which whoever needs it waits this long at most. Then the old one serves (CP-3). */
  readonly waitMs: number;
}

/** An isolate and its hub: a request waits at most 100 ms for a snapshot that is older than 1 s. */
export const isolatePatience: Patience = { intervalMs: 400, maxUseAgeMs: 1_000, waitMs: 100 };
/** An isolate that was idle for so long that its hub may be cold, and that would have to refuse API keys. */
export const idlePatience: Patience = { intervalMs: 400, maxUseAgeMs: 1_000, waitMs: coldWaitMs };
/** A hub and the root. Requests do not wait for their isolate's pulse, so the hub can wait for the root's newest. */
export const hubPatience: Patience = { intervalMs: 400, maxUseAgeMs: 400, waitMs: 1_000 };
/** The root and D1. It hears of each write; it reads by itself for those whose notice was lost, and after being idle. */
export const rootPatience: Patience = { intervalMs: 1_000, maxUseAgeMs: 10_000, waitMs: 1_000 };

/** What is known of a copy's freshness. Times are milliseconds since the epoch, -Infinity before the first. */
export interface PulseState {
  /** Time of the source's answer that the copy holds. */
  readonly answeredAtMs: number;
  /** When the last pulse started. */
  readonly startedAtMs: number;
  readonly running: boolean;
  /** Whether the last pulse that ended failed. */
  readonly failed: boolean;
}

export const neverPulsed: PulseState = {
  answeredAtMs: -Infinity,
  startedAtMs: -Infinity,
  running: false,
  failed: false,
};

export interface PulsePlan {
  /** Start a pulse now. */
  readonly start: boolean;
  /** How long to wait for the pulse, in milliseconds; 0: not at all. */
  readonly waitMs: number;
}

/** What whoever needs the copy at `nowMs` does about it. */
export function planPulse(state: PulseState, patience: Patience, nowMs: number): PulsePlan {
  const ageMs = elapsed(state.answeredAtMs, nowMs);
  const sinceStartMs = elapsed(state.startedAtMs, nowMs);
  const due = ageMs >= patience.intervalMs && sinceStartMs >= patience.intervalMs;
  const start = due && (!state.running || sinceStartMs >= pulseTimeoutMs);
  if (!start && !state.running) return nothing;

  const cold = state.answeredAtMs === -Infinity;
  const isFresh = !cold && ageMs <= patience.maxUseAgeMs;
  // A source that has just failed is away: nobody waits for it again until it has answered in the background.
  const isAway = !cold && state.failed && sinceStartMs < pulseTimeoutMs;
  if (isFresh || isAway) return start ? startOnly : nothing;
  const waitedMs = start ? 0 : sinceStartMs;
  return { start, waitMs: Math.max(0, (cold ? coldWaitMs : patience.waitMs) - waitedMs) };
}

// Shared, because every request asks.
const nothing: PulsePlan = { start: false, waitMs: 0 };
const startOnly: PulsePlan = { start: true, waitMs: 0 };

/** A clock that jumped back makes everything old: asking too often is harmless, never asking is not. */
function elapsed(sinceMs: number, nowMs: number): number {
  return nowMs < sinceMs ? Infinity : nowMs - sinceMs;
}
