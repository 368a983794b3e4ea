import type { Meter, MeterState } from "./meter.ts";

export interface UnlimitedPolicy {
  readonly algorithm: "unlimited";
}

/** Admits everything and remembers nothing but its time: a key whose override lifts the limit. */
export const unlimited: Meter<UnlimitedPolicy, MeterState> = {
  fresh: (_policy, nowMs) => ({ atMs: nowMs }),
  advance: (_policy, state, nowMs) => (nowMs <= state.atMs ? state : { atMs: nowMs }),
  free: () => Number.POSITIVE_INFINITY,
  capacity: () => Number.POSITIVE_INFINITY,
  spend: (_policy, state) => state,
  refund: (_policy, state) => state,
  waitMs: () => 0,
  resetMs: () => 0,
  resize: (_from, _to, state) => state,
  encode: (_policy, state) => `${state.atMs}`,
  decode: (fields) => ({ policy: { algorithm: "unlimited" }, state: { atMs: Number(fields[0]) } }),
};
