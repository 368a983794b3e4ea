import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FixedWindowPolicy } from "./fixed-window.ts";
import type { GcraPolicy } from "./gcra.ts";
import type { QuotaPolicy } from "./quota.ts";
import type { SlidingLogPolicy } from "./sliding-log.ts";
import type { SlidingWindowPolicy } from "./sliding-window.ts";
import { Fraction, rate } from "./testing/fraction.ts";
import { type Scenario, scenarioOf } from "./testing/scenarios.ts";
import { type Admission, admissionsOf, Simulation } from "./testing/simulation.ts";
import { wallClockLabel } from "./testing/wall-clock.ts";

/** Everything that may happen to a key but refunds, which bound the net alone, and resizes, which change the bound. */
const kinds = ["reload", "hold", "wait back"] as const;
const runs = { numRuns: 300 };

/** Calls `judge` with every pair of admissions, their distance in time and the sum from one to the other. */
function everyPair(
  admissions: readonly Admission[],
  judge: (sum: bigint, first: Admission, last: Admission) => void,
): void {
  for (const [start, first] of admissions.entries()) {
    let sum = 0n;
    for (const last of admissions.slice(start)) {
      sum += BigInt(last.cost);
      judge(sum, first, last);
    }
  }
}

function sumByWindow(admissions: readonly Admission[], windowOf: (atMs: number) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { atMs, cost } of admissions) sums.set(windowOf(atMs), (sums.get(windowOf(atMs)) ?? 0) + cost);
  return sums;
}

describe.each(["gcra", "token-bucket"] as const)("%s", (algorithm) => {
  test("RL-1 any span T admits at most B + R·T", () => {
    const property = fc.property(scenarioOf(algorithm, kinds), (scenario) => {
      const { limit, windowMs, burst } = scenario.policy as GcraPolicy;
      everyPair(admissionsOf(scenario), (sum, first, last) => {
        const bound = BigInt(burst) * BigInt(windowMs) + BigInt(limit) * BigInt(last.atMs - first.atMs);
        expect(sum * BigInt(windowMs) <= bound, `${sum} from ${first.atMs} to ${last.atMs}`).toBe(true);
      });
    });
    fc.assert(property, runs);
  });

  test("RL-14 across resizes any span admits at most the largest B in force + the integral of R", () => {
    const property = fc.property(scenarioOf(algorithm, [...kinds, "resize"]), (scenario: Scenario) => {
      const key = new Simulation(scenario);
      const history: { admission: Admission; burst: number; refilled: Fraction }[] = [];
      let refilled = Fraction.of(0);
      let beforeMs = scenario.startMs;
      for (const operation of scenario.operations) {
        const { limit, windowMs } = key.account.policy as GcraPolicy;
        key.run(operation);
        refilled = refilled.plus(rate(limit, windowMs).times(Fraction.of(key.account.state.atMs - beforeMs)));
        beforeMs = key.account.state.atMs;
        const admission = key.admissions[history.length];
        if (admission) history.push({ admission, burst: (key.account.policy as GcraPolicy).burst, refilled });
      }
      for (const [start, first] of history.entries()) {
        let sum = Fraction.of(0);
        let largest = 0;
        for (const last of history.slice(start)) {
          sum = sum.plus(Fraction.of(last.admission.cost));
          largest = Math.max(largest, last.burst);
          const bound = Fraction.of(largest).plus(last.refilled.minus(first.refilled));
          expect(sum.atMost(bound), `from ${first.admission.atMs} to ${last.admission.atMs}`).toBe(true);
        }
      }
    });
    fc.assert(property, runs);
  });
});

test("RL-2 a fixed window admits at most N, and any span T at most N·(⌊T/W⌋ + 2)", () => {
  const property = fc.property(scenarioOf("fixed-window", kinds), (scenario) => {
    const { limit, windowMs } = scenario.policy as FixedWindowPolicy;
    const admissions = admissionsOf(scenario);
    const windows = sumByWindow(admissions, (atMs) => `${BigInt(atMs) / BigInt(windowMs)}`);
    for (const [window, sum] of windows) expect(sum, `window ${window}`).toBeLessThanOrEqual(limit);
    everyPair(admissions, (sum, first, last) => {
      const whole = BigInt(last.atMs - first.atMs) / BigInt(windowMs);
      expect(sum <= BigInt(limit) * (whole + 2n)).toBe(true);
    });
  });
  fc.assert(property, runs);
});

test("RL-2 a quota admits at most N while the wall clock shows one window, and at most N·(⌊T/W⌋ + 2) in any T", () => {
  const hourMs = 3_600_000;
  // W is the shortest window there is: a day with a change is 23 hours, and Apia once skipped a whole one.
  const shortestMs = {
    minute: 60_000,
    hour: hourMs,
    day: 23 * hourMs,
    week: 6 * 24 * hourMs,
    month: (28 * 24 - 1) * hourMs,
    year: 364 * 24 * hourMs,
  };
  const property = fc.property(scenarioOf("quota", kinds), (scenario) => {
    const { limit, calendar } = scenario.policy as QuotaPolicy;
    const admissions = admissionsOf(scenario);
    const windows = sumByWindow(admissions, (atMs) => wallClockLabel(calendar, atMs));
    for (const [window, sum] of windows) expect(sum, window).toBeLessThanOrEqual(limit);
    everyPair(admissions, (sum, first, last) => {
      const whole = BigInt(last.atMs - first.atMs) / BigInt(shortestMs[calendar.unit]);
      expect(sum <= BigInt(limit) * (whole + 2n)).toBe(true);
    });
  });
  fc.assert(property, runs);
});

test("RL-3 a sliding log admits at most N in any half-open span W", () => {
  const property = fc.property(scenarioOf("sliding-log", kinds), (scenario) => {
    const { limit, windowMs } = scenario.policy as SlidingLogPolicy;
    everyPair(admissionsOf(scenario), (sum, first, last) => {
      if (last.atMs - first.atMs < windowMs) expect(Number(sum)).toBeLessThanOrEqual(limit);
    });
  });
  fc.assert(property, runs);
});

test("RL-4 each admission of a sliding window keeps the weighted sum at most N", () => {
  const property = fc.property(scenarioOf("sliding-window", kinds), (scenario) => {
    const { limit, windowMs } = scenario.policy as SlidingWindowPolicy;
    const admissions = admissionsOf(scenario);
    const window = BigInt(windowMs);
    for (const [index, { atMs }] of admissions.entries()) {
      const until = admissions.slice(0, index + 1);
      const inWindow = (ago: bigint) =>
        until
          .filter((each) => BigInt(each.atMs) / window === BigInt(atMs) / window - ago)
          .reduce((sum, each) => sum + BigInt(each.cost), 0n);
      const weighted = inWindow(1n) * (window - (BigInt(atMs) % window)) + inWindow(0n) * window;
      expect(weighted <= BigInt(limit) * window, `at ${atMs}`).toBe(true);
    }
  });
  fc.assert(property, runs);
});
