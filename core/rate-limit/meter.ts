/** What every state remembers. */
export interface MeterState {
  /** The latest time that the state was moved to, in milliseconds since the epoch. It never goes back. */
  readonly atMs: number;
}

/**
 * What every algorithm that spends tokens has in common. A meter's state belongs to one key; it is plain data, never
 * shared and never changed in place.
 *
 * Time is the object's, in whole milliseconds since the epoch. `state` remembers the latest time it was moved to, and a
 * clock that jumps back moves it nowhere. Costs are whole tokens.
 *
 * @typeParam P the policy's numbers
 * @typeParam S the state of one key
 */
export interface Meter<P, S extends MeterState> {
  /** The state of a key never seen. */
  fresh(policy: P, nowMs: number): S;
  /** The state at `max(nowMs, the state's own time)`: what has refilled has refilled, what has ended is gone. */
  advance(policy: P, state: S, nowMs: number): S;
  /** Whole tokens that can be spent at the state's own time. May be negative after a resize. */
  free(policy: P, state: S): number;
  /** The most that can be spent at one instant: B, or N of a window. */
  capacity(policy: P): number;
  /** Takes `cost` tokens. The caller has seen that `cost <= free`. */
  spend(policy: P, state: S, cost: number): S;
  /** Gives back at most `cost` tokens, never beyond what an unused key holds. */
  refund(policy: P, state: S, cost: number): S;
  /**
   * Milliseconds from the state's own time until `free >= cost` when nothing else happens: the smallest whole number
   * that does. 0 when it holds now, `Infinity` when `cost` is over the capacity.
   */
  waitMs(policy: P, state: S, cost: number): number;
  /** Milliseconds from the state's own time until the key stands as if never used. */
  resetMs(policy: P, state: S): number;
  /** The state under other numbers: what was spent stays spent, free is at most the new capacity. */
  resize(from: P, to: P, state: S): S;
  /** Compact form for one row: the policy's numbers, then the state's, separated by single spaces. */
  encode(policy: P, state: S): string;
  /** The inverse of `encode`, from its fields. */
  decode(fields: readonly string[]): { readonly policy: P; readonly state: S };
}
