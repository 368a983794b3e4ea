import type { Meter, MeterState } from "./meter.ts";
import { afterRefill, capacityUnits, type Rate, refillMs, rescale, wholeTokens } from "./units.ts";

export interface GcraPolicy extends Rate {
  readonly algorithm: "gcra";
}

/** The leaky bucket's content X at its last conformance time. */
export interface GcraState extends MeterState {
  /** What was spent and has not leaked out, in units of `windowMs` to a token. */
  readonly usedUnits: number;
}

/**
 * The generic cell rate algorithm in its continuous-state leaky bucket form (ITU-T I.371, annex A; ATM Forum, Traffic
 * Management 4.0, section 4.4.2): the bucket leaks `limit` per `windowMs`, and a check conforms when its cost still fits
 * under `burst`.
 *
 * The equivalent virtual scheduling form stores a theoretical arrival time. That is a debt counted in time, which a
 * change of the rate turns into another number of tokens: 100 of 100 spent at 100/s, changed to 1/s, would leave a
 * debt of one second, so one token, and mint 99. The bucket's content is counted in tokens and survives.
 */
export const gcra: Meter<GcraPolicy, GcraState> = {
  fresh: (_policy, nowMs) => ({ atMs: nowMs, usedUnits: 0 }),

  advance(policy, state, nowMs) {
    if (nowMs <= state.atMs) return state;
    return { atMs: nowMs, usedUnits: afterRefill(policy, state.usedUnits, nowMs - state.atMs) };
  },

  free: (policy, state) => wholeTokens(policy, capacityUnits(policy) - state.usedUnits),

  capacity: (policy) => policy.burst,

  spend: (policy, state, cost) => ({ atMs: state.atMs, usedUnits: state.usedUnits + cost * policy.windowMs }),

  refund: (policy, state, cost) => ({
    atMs: state.atMs,
    usedUnits: Math.max(0, state.usedUnits - cost * policy.windowMs),
  }),

  waitMs(policy, state, cost) {
    if (cost > policy.burst) return Number.POSITIVE_INFINITY;
    return refillMs(policy, state.usedUnits - (policy.burst - cost) * policy.windowMs);
  },

  resetMs: (policy, state) => refillMs(policy, state.usedUnits),

  resize: (from, to, state) => ({
    atMs: state.atMs,
    usedUnits: rescale(state.usedUnits, from.windowMs, to.windowMs),
  }),

  encode: (policy, state) => `${policy.limit} ${policy.windowMs} ${policy.burst} ${state.atMs} ${state.usedUnits}`,

  decode(fields) {
    const [limit, windowMs, burst, atMs, usedUnits] = fields.map(Number) as [number, number, number, number, number];
    return { policy: { algorithm: "gcra", limit, windowMs, burst }, state: { atMs, usedUnits } };
  },
};
