import fc from "fast-check";
import { expect, test } from "vitest";
import { safeRate } from "./safe-rate.ts";

const startMs = Date.parse("2026-01-31T12:00:00Z");

/** Rates with at most three decimals, in thousandths of a token a second. */
const milliRate = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 1_000_000_000 }));
const steps = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 5000 })),
    cost: fc.constant(1),
  }),
  { maxLength: 60 },
);

test("RL-15 a safe rate admits at most 1 + rate·T in any span T", () => {
  const property = fc.property(milliRate, steps, (thousandths, waits) => {
    const admittedMs: number[] = [];
    let nowMs = startMs;
    let nextMs = 0;
    for (const { waitMs, cost } of waits) {
      nowMs += waitMs;
      const decision = safeRate(thousandths / 1000, nextMs, cost, nowMs);
      nextMs = decision.nextMs;
      if (decision.allowed) admittedMs.push(nowMs);
    }
    for (const [first, fromMs] of admittedMs.entries()) {
      for (const [count, toMs] of admittedMs.slice(first).entries()) {
        // count + 1 <= 1 + rate·T, in whole numbers.
        expect(BigInt(count) * 1_000_000n <= BigInt(thousandths) * BigInt(toMs - fromMs)).toBe(true);
      }
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test("RL-7 the fail mode's check is refused 1 ms before retryAfterMs and admitted at it", () => {
  const property = fc.property(milliRate, fc.integer({ min: 1, max: 1e9 }), (thousandths, cost) => {
    const { nextMs } = safeRate(thousandths / 1000, 0, cost, startMs);
    const { allowed, retryAfterMs } = safeRate(thousandths / 1000, nextMs, 1, startMs);
    expect(allowed).toBe(false);
    expect(safeRate(thousandths / 1000, nextMs, 1, startMs + retryAfterMs - 1).allowed).toBe(false);
    expect(safeRate(thousandths / 1000, nextMs, 1, startMs + retryAfterMs).allowed).toBe(true);
  });
  fc.assert(property);
});

test("a cost over one passes and is paid for: the tokens follow the rate", () => {
  const { allowed, nextMs } = safeRate(10, 0, 50, startMs);
  expect(allowed).toBe(true);
  expect(nextMs).toBe(startMs + 5000);
});

test("a refused check changes nothing", () => {
  const { nextMs } = safeRate(0.5, 0, 1, startMs);
  expect(nextMs).toBe(startMs + 2000);
  expect(safeRate(0.5, nextMs, 1, startMs + 1)).toEqual({ allowed: false, retryAfterMs: 1999, nextMs });
});

test("the smallest rate there is gives a finite wait", () => {
  const { nextMs } = safeRate(Number.MIN_VALUE, 0, 1e9, startMs);
  expect(safeRate(Number.MIN_VALUE, nextMs, 1, startMs).retryAfterMs).toBe(Number.MAX_SAFE_INTEGER - startMs);
});
