import { type FixedWindowState, fixedWindow } from "./fixed-window.ts";
import { type GcraState, gcra } from "./gcra.ts";
import type { Meter, MeterState } from "./meter.ts";
import type { MeterPolicy } from "./policy.ts";
import { type QuotaState, quota } from "./quota.ts";
import { type SlidingLogState, slidingLog } from "./sliding-log.ts";
import { type SlidingWindowState, slidingWindow } from "./sliding-window.ts";
import { type TokenBucketState, tokenBucket } from "./token-bucket.ts";
import { unlimited } from "./unlimited.ts";

/** The state of one key under any algorithm. It belongs to the policy that it was made with. */
export type AnyState =
  | GcraState
  | TokenBucketState
  | FixedWindowState
  | SlidingWindowState
  | SlidingLogState
  | QuotaState
  | MeterState;

type Algorithm = MeterPolicy["algorithm"];

/** An account pairs each state with the policy that made it, so the table may forget which pairs belong together. */
const meters: { readonly [A in Algorithm]: Meter<MeterPolicy, AnyState> } = {
  gcra,
  "token-bucket": tokenBucket,
  "fixed-window": fixedWindow,
  "sliding-window": slidingWindow,
  "sliding-log": slidingLog,
  quota,
  unlimited,
};

/** The letters that name the algorithms in rows. A letter is never used for another algorithm. */
const rowCodes: { readonly [A in Algorithm]: string } = {
  gcra: "g",
  "token-bucket": "t",
  "fixed-window": "f",
  "sliding-window": "s",
  "sliding-log": "l",
  quota: "q",
  unlimited: "u",
};

const algorithmsByRowCode = new Map(
  Object.entries(rowCodes).map(([algorithm, code]) => [code, algorithm as Algorithm]),
);

/** The algorithm of a policy. */
export function meterOf(policy: MeterPolicy): Meter<MeterPolicy, AnyState> {
  return meters[policy.algorithm];
}

/** The letter of a policy's algorithm in rows. */
export function rowCodeOf(policy: MeterPolicy): string {
  return rowCodes[policy.algorithm];
}

/** The algorithm of a row's letter; undefined when there is none. */
export function meterOfRow(code: string | undefined): Meter<MeterPolicy, AnyState> | undefined {
  const algorithm = code === undefined ? undefined : algorithmsByRowCode.get(code);
  return algorithm === undefined ? undefined : meters[algorithm];
}
