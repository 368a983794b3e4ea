import fc from "fast-check";
import type { MeterPolicy } from "../policy.ts";
import { maxLogTokens } from "../sliding-log.ts";

/** One thing that happens to a key. Printed as it is when a property fails. */
export type Operation =
  /** The clock moves, back when below zero. */
  | { readonly do: "wait"; readonly ms: number }
  /** A check that spends when it is allowed. */
  | { readonly do: "check"; readonly cost: number }
  | { readonly do: "refund"; readonly cost: number }
  | { readonly do: "resize"; readonly to: MeterPolicy }
  /** The account leaves memory and comes back from its row; holds are lost. */
  | { readonly do: "reload" }
  | { readonly do: "hold"; readonly id: string; readonly cost: number; readonly ttlMs: number }
  | { readonly do: "confirm"; readonly id: string; readonly cost: number }
  | { readonly do: "release"; readonly id: string };

export interface Scenario {
  readonly policy: MeterPolicy;
  readonly startMs: number;
  readonly operations: readonly Operation[];
}

export type Algorithm = Exclude<MeterPolicy["algorithm"], "unlimited">;

export const algorithms: readonly Algorithm[] = [
  "gcra",
  "token-bucket",
  "fixed-window",
  "sliding-window",
  "sliding-log",
  "quota",
];

/** Contracts allow 400 days, a billion tokens, and capacity times window below 2^53. */
const longestWindowMs = 400 * 24 * 60 * 60 * 1000;
const largestCount = 1_000_000_000;
const latestStartMs = 2 ** 43;

const windowMs = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 30 }) },
  { weight: 3, arbitrary: fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: longestWindowMs }) },
);

/** A capacity or limit that is exact under the window. */
function countUnder(window: number): fc.Arbitrary<number> {
  const most = Math.min(largestCount, Math.floor(Number.MAX_SAFE_INTEGER / window));
  return fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: Math.min(10, most) }) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: Math.min(1000, most) }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: most }) },
    { weight: 1, arbitrary: fc.constant(most) },
  );
}

const timeZones = ["UTC", "Europe/Paris", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"] as const;

/** Policies of one algorithm: mostly small numbers, where things meet, and the largest that contracts allow. */
export function policyOf(algorithm: Algorithm): fc.Arbitrary<MeterPolicy> {
  switch (algorithm) {
    case "gcra":
    case "token-bucket":
      return windowMs.chain((window) =>
        fc.record({
          algorithm: fc.constant(algorithm),
          limit: countUnder(window),
          windowMs: fc.constant(window),
          burst: countUnder(window),
        }),
      );
    case "fixed-window":
    case "sliding-window":
      return windowMs.chain((window) =>
        fc.record({ algorithm: fc.constant(algorithm), limit: countUnder(window), windowMs: fc.constant(window) }),
      );
    case "sliding-log":
      return fc.record({
        algorithm: fc.constant(algorithm),
        limit: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: maxLogTokens })),
        windowMs,
      });
    case "quota":
      return fc.record({
        algorithm: fc.constant(algorithm),
        limit: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: largestCount })),
        calendar: fc.record({
          unit: fc.constantFrom("minute", "hour", "day", "week", "month", "year"),
          timeZone: fc.constantFrom(...timeZones),
        }),
      });
  }
}

const unitMs = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
} as const;

/** About as long as the policy's window. */
function spanMs(policy: MeterPolicy): number {
  if (policy.algorithm === "unlimited") return 1;
  return policy.algorithm === "quota" ? unitMs[policy.calendar.unit] : policy.windowMs;
}

export function capacityOf(policy: MeterPolicy): number {
  if (policy.algorithm === "unlimited") return 1;
  return policy.algorithm === "gcra" || policy.algorithm === "token-bucket" ? policy.burst : policy.limit;
}

/** Waits where something may happen: around a token's refill, around the window's end, far away, and back. */
function wait(policy: MeterPolicy, back: boolean): fc.Arbitrary<Operation> {
  const span = spanMs(policy);
  const tokenMs = Math.ceil(span / (policy.algorithm === "unlimited" ? 1 : policy.limit));
  const forward = fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: Math.max(0, tokenMs - 1), max: tokenMs + 1 }),
    fc.integer({ min: 0, max: span }),
    fc.integer({ min: Math.max(0, span - 1), max: span + 1 }),
    fc.integer({ min: 0, max: 3 * span }),
    fc.constant(2 ** 40),
  );
  const ms = back
    ? fc.oneof({ weight: 5, arbitrary: forward }, { weight: 1, arbitrary: fc.integer({ min: -2 * span, max: -1 }) })
    : forward;
  return ms.map((each) => ({ do: "wait", ms: each }));
}

function costUnder(policy: MeterPolicy): fc.Arbitrary<number> {
  const capacity = capacityOf(policy);
  return fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 3 }) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: capacity }) },
    { weight: 1, arbitrary: fc.constantFrom(capacity, capacity + 1) },
  );
}

function operation(policy: MeterPolicy, kinds: ReadonlySet<Operation["do"] | "wait back">): fc.Arbitrary<Operation> {
  const cost = costUnder(policy);
  const id = fc.constantFrom("a", "b", "c");
  const choices: fc.WeightedArbitrary<Operation>[] = [
    { weight: 4, arbitrary: wait(policy, kinds.has("wait back")) },
    { weight: 6, arbitrary: cost.map((each) => ({ do: "check", cost: each })) },
  ];
  if (kinds.has("refund")) choices.push({ weight: 1, arbitrary: cost.map((each) => ({ do: "refund", cost: each })) });
  if (kinds.has("reload")) choices.push({ weight: 1, arbitrary: fc.constant({ do: "reload" }) });
  if (kinds.has("resize") && policy.algorithm !== "unlimited") {
    const to = policyOf(policy.algorithm);
    choices.push({ weight: 1, arbitrary: to.map((each) => ({ do: "resize", to: each })) });
  }
  if (kinds.has("hold")) {
    const ttlMs = fc.integer({ min: 1, max: 2 * spanMs(policy) });
    choices.push({ weight: 3, arbitrary: fc.record({ do: fc.constant("hold"), id, cost, ttlMs }) });
    choices.push({ weight: 2, arbitrary: fc.record({ do: fc.constant("confirm"), id, cost }) });
    choices.push({ weight: 1, arbitrary: fc.record({ do: fc.constant("release"), id }) });
  }
  return fc.oneof(...choices);
}

/** Moments around which calendars do something: changes of daylight saving, a date that was skipped, leap days. */
const calendarMoments = [
  "2024-03-31T01:00:00Z",
  "2024-10-27T01:00:00Z",
  "2011-12-30T10:00:00Z",
  "2024-02-29T00:00:00Z",
  "2024-12-31T23:59:59Z",
  "2024-11-03T04:30:00Z",
].map((each) => Date.parse(each));

/**
 * Keys of one algorithm with what happens to them. `kinds` chooses what may happen beside checks and waits; "wait back"
 * lets the clock jump back.
 */
export function scenarioOf(
  algorithm: Algorithm,
  kinds: readonly (Operation["do"] | "wait back")[],
): fc.Arbitrary<Scenario> {
  const allowed = new Set(kinds);
  return policyOf(algorithm).chain((policy) => {
    const anyStart = fc.integer({ min: 0, max: latestStartMs });
    const nearCalendar = fc
      .tuple(fc.constantFrom(...calendarMoments), fc.integer({ min: -2 * 86_400_000, max: 2 * 86_400_000 }))
      .map(([moment, off]) => moment + off);
    return fc.record({
      policy: fc.constant(policy),
      startMs: policy.algorithm === "quota" ? nearCalendar : anyStart,
      operations: fc.array(operation(policy, allowed), { minLength: 1, maxLength: 40 }),
    });
  });
}
