/** Under traffic an isolate asks its hub, and a hub the root, when its copy is this old; never more often. */
export const pulseIntervalMs = 400;
/** A pulse without an answer after this time has failed, and another may start. */
export const pulseTimeoutMs = 2_000;
/** How long a request without any snapshot waits for the first: a cold hub, a cold root and D1 may lie behind it. */
export const coldWaitMs = 2_000;

/** When a copy is too old to be used without asking, and how long whoever needs it then waits. */
export interface Patience {
  readonly maxUseAgeMs: number;
  readonly waitMs: number;
}

/** A request waits at most 100 ms for a snapshot that is older than 1 s; then the old one serves (CP-3). */
export const isolatePatience: Patience = { maxUseAgeMs: 1_000, waitMs: 100 };
/** Isolates do not wait for their hub, so it can take its time to answer with the root's newest. */
export const hubPatience: Patience = { maxUseAgeMs: pulseIntervalMs, waitMs: 1_000 };

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
  const due = ageMs >= pulseIntervalMs && sinceStartMs >= pulseIntervalMs;
  const start = due && (!state.running || sinceStartMs >= pulseTimeoutMs);
  if (!start && !state.running) return { start, waitMs: 0 };

  const cold = state.answeredAtMs === -Infinity;
  if (!cold && ageMs <= patience.maxUseAgeMs) return { start, waitMs: 0 };
  // A source that has just failed is away: nobody waits for it again until it has answered in the background.
  if (!cold && state.failed && sinceStartMs < pulseTimeoutMs) return { start, waitMs: 0 };
  const waitedMs = start ? 0 : sinceStartMs;
  return { start, waitMs: Math.max(0, (cold ? coldWaitMs : patience.waitMs) - waitedMs) };
}

/** A clock that jumped back makes everything old: asking too often is harmless, never asking is not. */
function elapsed(sinceMs: number, nowMs: number): number {
  return nowMs < sinceMs ? Infinity : nowMs - sinceMs;
}
