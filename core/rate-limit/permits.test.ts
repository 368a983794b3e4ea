import fc from "fast-check";
import { expect, test } from "vitest";
import { acquire, advancePermits, freePermits, noPermits, release, renew } from "./permits.ts";
import { freeze } from "./testing/simulation.ts";

const startMs = Date.parse("2026-01-31T12:00:00Z");

type Step =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "acquire"; readonly id: string; readonly ttlMs: number; readonly limit: number }
  | { readonly do: "renew"; readonly id: string; readonly ttlMs: number }
  | { readonly do: "release"; readonly id: string };

const id = fc.constantFrom("a", "b", "c", "d", "e", "f");
const ttlMs = fc.integer({ min: 1, max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("wait" as const),
    ms: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: -9, max: 30 })),
  }),
  fc.record({ do: fc.constant("acquire" as const), id, ttlMs, limit: fc.constantFrom(3, 3, 3, 1, 5) }),
  fc.record({ do: fc.constant("renew" as const), id, ttlMs }),
  fc.record({ do: fc.constant("release" as const), id }),
);

test("RL-5 RL-6 at most N permits are neither released nor past their time, as in a map of their ends", () => {
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    let permits = advancePermits(noPermits, startMs);
    let nowMs = startMs;
    let latestMs = startMs;
    const ends = new Map<string, number>();
    const live = () => [...ends].filter(([, endMs]) => endMs > latestMs).length;
    for (const each of steps) {
      if (each.do === "wait") nowMs += each.ms;
      latestMs = Math.max(latestMs, nowMs);
      for (const [held, endMs] of ends) if (endMs <= latestMs) ends.delete(held);
      switch (each.do) {
        case "acquire": {
          const fits = ends.has(each.id) || live() < each.limit;
          const result = acquire(permits, each.limit, nowMs, each.id, each.ttlMs);
          expect(result.acquired).toBe(fits);
          if (fits && !ends.has(each.id)) ends.set(each.id, latestMs + each.ttlMs);
          if (fits) expect(result.expiresMs).toBe(ends.get(each.id));
          permits = result.permits;
          break;
        }
        case "renew": {
          const result = renew(permits, nowMs, each.id, each.ttlMs);
          expect(result.renewed).toBe(ends.has(each.id));
          if (result.renewed) ends.set(each.id, latestMs + each.ttlMs);
          permits = result.permits;
          break;
        }
        case "release": {
          const result = release(permits, nowMs, each.id);
          expect(result.released).toBe(ends.delete(each.id));
          permits = result.permits;
          break;
        }
        case "wait":
          permits = advancePermits(permits, nowMs);
      }
      freeze(permits);
      expect(permits.held.length).toBe(ends.size);
      expect(permits.held.map((permit) => permit.expiresMs)).toEqual([...ends.values()].toSorted((a, b) => a - b));
      expect(freePermits(permits, 3)).toBe(Math.max(0, 3 - live()));
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test("RL-7 an acquire is refused 1 ms before retryAfterMs and admitted at it, also under a smaller limit or a clock that jumped back", () => {
  const property = fc.property(
    fc.array(ttlMs, { minLength: 1, maxLength: 10 }),
    fc.integer({ min: 1, max: 10 }),
    fc.integer({ min: 0, max: 10 }),
    (lives, limit, jumpMs) => {
      let permits = noPermits;
      for (const [index, life] of lives.entries()) {
        permits = acquire(permits, lives.length, startMs, `held ${index}`, life).permits;
      }
      const nowMs = startMs - jumpMs;
      const { acquired, retryAfterMs } = acquire(permits, limit, nowMs, "one more", 5);
      expect(acquired).toBe(lives.length < limit);
      if (acquired) return;
      expect(acquire(permits, limit, nowMs + retryAfterMs - 1, "one more", 5).acquired).toBe(false);
      expect(acquire(permits, limit, nowMs + retryAfterMs, "one more", 5).acquired).toBe(true);
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("RL-5 a permit's slot is free at its end, not a millisecond before, and a renewal moves the end", () => {
  const held = acquire(noPermits, 1, startMs, "a", 100).permits;
  expect(acquire(held, 1, startMs + 99, "b", 100)).toMatchObject({ acquired: false, retryAfterMs: 1 });
  expect(acquire(held, 1, startMs + 100, "b", 100).acquired).toBe(true);
  const renewed = renew(held, startMs + 50, "a", 100);
  expect(renewed).toMatchObject({ renewed: true, expiresMs: startMs + 150 });
  expect(acquire(renewed.permits, 1, startMs + 149, "b", 100).acquired).toBe(false);
  expect(renew(held, startMs + 100, "a", 100).renewed).toBe(false);
});

test("an id that holds a permit takes no second one and keeps its end", () => {
  const held = acquire(noPermits, 2, startMs, "a", 100).permits;
  const again = acquire(held, 2, startMs + 10, "a", 500);
  expect(again).toMatchObject({ acquired: true, expiresMs: startMs + 100 });
  expect(freePermits(again.permits, 2)).toBe(1);
});

test("an unlimited key acquires without end", () => {
  let permits = noPermits;
  for (let count = 0; count < 50; count += 1) {
    permits = acquire(permits, Number.POSITIVE_INFINITY, startMs, `${count}`, 100).permits;
  }
  expect(permits.held).toHaveLength(50);
  expect(freePermits(permits, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
});
