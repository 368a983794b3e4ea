/** Bounds of one RateLimiter object and why they are what they are. At a bound the outcome is `overloaded`, unless said. */

/** An account takes about 250 bytes, an object has 128 MB: 100,000 accounts leave three quarters. Beyond, rows are read again. */
export const maxKeysInMemory = 100_000;

/** Checks decided in one turn, so that a turn stays below some 20 ms and touches a tenth of the keys in memory. */
export const maxTurnChecks = 10_000;

/** Names of limits: as many as a tenant's isolates can hold. */
export const maxLimits = 10_000;

/** Keys with numbers of their own: as many as a configuration document holds. */
export const maxOverrides = 10_000;

/** Holds of the last second: checks over several objects cost two calls each, and an object takes about 1,000 calls a second. */
export const maxHolds = 10_000;

/** How long a hold lasts: longer than the two rounds of a check, short enough to be lost without harm (SPEC RL-9). */
export const holdTtlMs = 1_000;

/** Ids of confirmed and cancelled holds that are remembered for late messages. Forgetting one can only leave a charge. */
export const maxRecentParts = 20_000;

/** Replies to recent batches, for those that are sent again; a batch has at most a thousand answers. */
export const maxRecentReplies = 64;

/** Idempotency-Keys of 24 hours, and parts of their work: mostly a few hundred bytes each, of the 10 GB that an object has. */
export const maxMarks = 200_000;
export const maxParts = 200_000;

/** An Idempotency-Key is kept for 24 hours (ID-1). */
export const idempotencyTtlMs = 24 * 60 * 60 * 1000;

/** How long an Idempotency-Key counts as running before a repetition may take over: longer than any request lives. */
export const runningTtlMs = 10_000;

/** Open reservations: each is a row that its settlement reads once. */
export const maxReservations = 100_000;

/** Held permits: all are in memory, about 150 bytes each, and read within 50 ms when the object starts. */
export const maxPermits = 50_000;

/** The tombstone of a removed override outlives every delivery that is still under way. */
export const tombstoneTtlMs = 24 * 60 * 60 * 1000;

/**
 * A key's row stays this long after it has become idle. The row is what a clock that jumps back is held against (RL-13); machines
 * that an object moves between differ by far less.
 */
export const clockToleranceMs = 60_000;

/** Rows that one run of the alarm looks at: about 10 ms. */
export const collectChunk = 2_000;
/** Between two runs of an unfinished pass, so that checks come between. */
export const collectPauseMs = 1_000;
/** Between two passes: reading rows costs, and an idle row costs little. */
export const minCollectIntervalMs = 10 * 60 * 1000;
export const maxCollectIntervalMs = 6 * 60 * 60 * 1000;
