import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolve, resolvePermits, samePolicy } from "./policy.ts";
import { algorithms, policyOf } from "./testing/scenarios.ts";

const gcra = { algorithm: "gcra", limit: 100, windowMs: 60_000, mode: "exact", shadow: false } as const;

describe("resolve", () => {
  test("without an override the numbers are the limit's own, and the burst is the limit where it is not said", () => {
    expect(resolve(gcra)).toEqual({ algorithm: "gcra", limit: 100, windowMs: 60_000, burst: 100 });
    expect(resolve({ ...gcra, burst: 5 })).toMatchObject({ limit: 100, burst: 5 });
  });

  test("an override's limit and burst replace both: its burst is its own limit where it is not said", () => {
    expect(resolve({ ...gcra, burst: 5 }, { limit: 200 })).toMatchObject({ limit: 200, burst: 200 });
    expect(resolve({ ...gcra, burst: 5 }, { limit: 200, burst: 300 })).toMatchObject({ limit: 200, burst: 300 });
    const daily = { algorithm: "quota", limit: 10, calendar: { unit: "day", timeZone: "UTC" } } as const;
    expect(resolve(daily, { limit: 3, burst: 9 })).toEqual({ ...daily, limit: 3 });
  });

  test("an override lifts the limit", () => {
    expect(resolve(gcra, { unlimited: true })).toEqual({ algorithm: "unlimited" });
  });

  test("numbers that could not be exact are lowered to the largest that are", () => {
    const windowMs = 400 * 86_400_000;
    const most = Math.floor(Number.MAX_SAFE_INTEGER / windowMs);
    const override = { limit: 1e9, burst: 1e9 };
    expect(resolve({ ...gcra, windowMs }, override)).toMatchObject({ limit: most, burst: most });
    expect(resolve({ algorithm: "sliding-window", limit: 1, windowMs }, override)).toMatchObject({ limit: most });
    expect(resolve({ algorithm: "fixed-window", limit: 1, windowMs }, override)).toMatchObject({ limit: 1e9 });
    expect(resolve({ algorithm: "sliding-log", limit: 1, windowMs }, override)).toMatchObject({ limit: 1000 });
  });
});

test("resolvePermits", () => {
  const limit = { algorithm: "concurrency", limit: 5, ttlMs: 1000 } as const;
  expect(resolvePermits(limit)).toEqual({ limit: 5, ttlMs: 1000 });
  expect(resolvePermits(limit, { limit: 7, burst: 9 })).toEqual({ limit: 7, ttlMs: 1000 });
  expect(resolvePermits(limit, { limit: 1e9 })).toMatchObject({ limit: 10_000 });
  expect(resolvePermits(limit, { unlimited: true })).toEqual({ limit: Number.POSITIVE_INFINITY, ttlMs: 1000 });
});

test("samePolicy compares every number", () => {
  const anyPolicy = fc.oneof(...algorithms.map(policyOf));
  const property = fc.property(anyPolicy, anyPolicy, (one, other) => {
    expect(samePolicy(one, structuredClone(one))).toBe(true);
    expect(samePolicy(one, other)).toBe(JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)));
    for (const [name, value] of Object.entries(one)) {
      if (typeof value === "number") expect(samePolicy(one, { ...one, [name]: value + 1 })).toBe(false);
    }
  });
  fc.assert(property);
  const daily = { algorithm: "quota", limit: 1, calendar: { unit: "day", timeZone: "UTC" } } as const;
  expect(samePolicy(daily, { ...daily, calendar: { ...daily.calendar, unit: "week" } })).toBe(false);
  expect(samePolicy(daily, { ...daily, calendar: { ...daily.calendar, timeZone: "Asia/Tokyo" } })).toBe(false);
});

function sorted(value: object): unknown {
  return Object.entries(value).toSorted(([a], [b]) => a.localeCompare(b));
}
