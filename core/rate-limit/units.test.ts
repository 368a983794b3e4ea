import fc from "fast-check";
import { expect, test } from "vitest";
import { afterRefill, refillMs, rescale, wholeTokens } from "./units.ts";

const safe = fc.oneof(
  fc.integer({ min: 0, max: 1000 }),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 1000 }).map((below) => Number.MAX_SAFE_INTEGER - below),
);
const count = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 1e9 }));
const window = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 400 * 86_400_000 }));
const runs = { numRuns: 2000 };

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

test("RL-6 refill times and whole tokens are exact up to 2^53", () => {
  const property = fc.property(safe, count, window, (units, limit, windowMs) => {
    const rate = { limit, windowMs, burst: 1 };
    expect(BigInt(refillMs(rate, units))).toBe(ceilDivide(BigInt(units), BigInt(limit)));
    expect(BigInt(wholeTokens(rate, units))).toBe(BigInt(units) / BigInt(windowMs));
    expect(BigInt(wholeTokens(rate, -units))).toBe(-ceilDivide(BigInt(units), BigInt(windowMs)));
  });
  fc.assert(property, runs);
});

test("RL-6 a debt after any time, however long, is exact", () => {
  const property = fc.property(safe, count, fc.oneof(safe, fc.integer({ min: 0, max: 1e6 })), (units, limit, ms) => {
    const left = BigInt(units) - BigInt(ms) * BigInt(limit);
    expect(BigInt(afterRefill({ limit, windowMs: 1, burst: 1 }, units, ms))).toBe(left > 0n ? left : 0n);
  });
  fc.assert(property, runs);
});

/** Products of these leave the safe integers, and a rounded one gives another quotient: (d − 1)² = d·(d − 2) + 1. */
const nearMultiples = fc
  .tuple(
    fc.integer({ min: 100_000_000, max: 400 * 86_400_000 }),
    fc.integer({ min: -3, max: 3 }),
    fc.integer({ min: 0, max: 3 }),
  )
  .map(([from, off, below]) => ({ units: from - below, from, to: from + off }));

test("RL-14 a debt counted in another window's units is rounded up, and stops at the largest integer", () => {
  const anything = fc.record({ units: safe, from: window, to: window });
  const property = fc.property(fc.oneof(anything, nearMultiples), ({ units, from, to }) => {
    const exact = ceilDivide(BigInt(units) * BigInt(to), BigInt(from));
    const largest = BigInt(Number.MAX_SAFE_INTEGER);
    const rescaled = BigInt(rescale(units, from, to));
    if (from !== to && BigInt(units) / BigInt(from) >= largest / BigInt(to)) expect(rescaled).toBe(largest);
    else expect(rescaled).toBe(exact);
  });
  fc.assert(property, runs);
});
