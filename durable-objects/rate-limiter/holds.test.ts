import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Outcome, type Part, Step, type WireCheck } from "../../contracts/rpc/rate-limiter.ts";
import { holdTtlMs } from "./bounds.ts";
import { api, ask, evict, gcra, holdClock, type Limiter, newLimiter, pass, spend, target } from "./testing/object.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

/** A day for ten, so that a second refills nothing. */
const slow = api(gcra(10, 86_400_000));
const part = (id: string): Part => [id, 0, ""];
const step = async (limiter: Limiter, which: Step, id: string, cost: number, shadow: 0 | 1 = 0) => {
  const checks: WireCheck[] = [[0, "k", cost, shadow]];
  return (await ask(limiter, [slow], which, checks, part(id)))[0];
};
const remaining = async (limiter: Limiter) => {
  const state = await limiter.peek(target("k", slow));
  return state.ok && state.value.remaining;
};

describe("a hold", () => {
  test("RL-10 counts as spent for others until it is confirmed, released, or a second old", async () => {
    const limiter = newLimiter();
    expect(await step(limiter, Step.hold, "a", 7)).toBe(Outcome.allowed);
    expect(await spend(limiter, "k", 4, slow)).toMatchObject({ allowed: false, retryAfterMs: holdTtlMs });
    pass(holdTtlMs - 1);
    expect(await spend(limiter, "k", 4, slow)).toMatchObject({ allowed: false });
    pass(1);
    expect(await spend(limiter, "k", 4, slow)).toMatchObject({ allowed: true });

    expect(await step(limiter, Step.hold, "b", 6)).toBe(Outcome.allowed);
    expect(await step(limiter, Step.release, "b", 6)).toBe(Outcome.allowed);
    expect(await remaining(limiter)).toBe(6);
  });

  test("RL-9 confirmed is charged once, however often the confirm comes", async () => {
    const limiter = newLimiter();
    await step(limiter, Step.hold, "a", 7);
    expect(await step(limiter, Step.confirm, "a", 7)).toBe(Outcome.allowed);
    expect(await step(limiter, Step.confirm, "a", 7)).toBe(Outcome.allowed);
    await evict(limiter);
    expect(await remaining(limiter)).toBe(3);
  });

  test("RL-10 lost in an eviction, its confirm spends what still fits, else refuses", async () => {
    const limiter = newLimiter();
    await step(limiter, Step.hold, "a", 7);
    await evict(limiter);
    expect(await step(limiter, Step.confirm, "a", 7)).toBe(Outcome.allowed);

    const other = newLimiter();
    await step(other, Step.hold, "a", 7);
    await evict(other);
    expect(await spend(other, "k", 4, slow)).toMatchObject({ allowed: true });
    expect(await step(other, Step.confirm, "a", 7)).toBe(Outcome.refused);
    expect(await remaining(other)).toBe(6);
  });

  test("RL-10 past its time, its confirm spends what still fits, else refuses", async () => {
    const limiter = newLimiter();
    await step(limiter, Step.hold, "a", 7);
    pass(holdTtlMs);
    await spend(limiter, "k", 4, slow);
    expect(await step(limiter, Step.confirm, "a", 7)).toBe(Outcome.refused);
    expect(await remaining(limiter)).toBe(6);
  });

  test("RL-9 of several keys, a confirm of which one no longer fits charges none of them", async () => {
    const limiter = newLimiter();
    const checks: WireCheck[] = [
      [0, "k", 3, 0],
      [0, "l", 3, 0],
    ];
    await ask(limiter, [slow], Step.hold, checks, part("a"));
    await evict(limiter);
    await spend(limiter, "l", 8, slow);
    const [outcome, verdicts] = await ask(limiter, [slow], Step.confirm, checks, part("a"));
    expect([outcome, verdicts.map(([allowed]) => allowed)]).toEqual([Outcome.refused, [1, 0]]);
    expect(await remaining(limiter)).toBe(10);
  });

  test("RL-9 cancelled gives back what was charged, once, and a confirm that comes later charges nothing", async () => {
    const limiter = newLimiter();
    await step(limiter, Step.hold, "a", 7);
    await step(limiter, Step.confirm, "a", 7);
    await step(limiter, Step.cancel, "a", 7);
    await step(limiter, Step.cancel, "a", 7);
    expect(await remaining(limiter)).toBe(10);
    expect(await step(limiter, Step.confirm, "a", 7)).toBe(Outcome.fenced);

    await step(limiter, Step.hold, "b", 7);
    await step(limiter, Step.cancel, "b", 7);
    expect(await step(limiter, Step.confirm, "b", 7)).toBe(Outcome.fenced);
    expect(await remaining(limiter)).toBe(10);
  });

  test("RL-2 a charge cancelled in the next window is not given back to it", async () => {
    const limiter = newLimiter();
    const windows = [api({ algorithm: "fixed-window", limit: 10, windowMs: 60_000 }, 1, "windows")];
    const checks: WireCheck[] = [[0, "k", 8, 0]];
    pass(59_999);
    await ask(limiter, windows, Step.confirm, checks, part("a"));
    pass(1);
    await ask(limiter, windows, Step.check, [[0, "k", 10, 0]]);
    await ask(limiter, windows, Step.cancel, checks, part("a"));
    expect((await ask(limiter, windows, Step.check, [[0, "k", 1, 0]]))[0]).toBe(Outcome.refused);
  });

  test("RL-18 of a shadow limit that does not fit holds and charges nothing", async () => {
    const limiter = newLimiter();
    expect(await step(limiter, Step.hold, "a", 11, 1)).toBe(Outcome.allowed);
    expect(await step(limiter, Step.confirm, "a", 11, 1)).toBe(Outcome.allowed);
    expect(await step(limiter, Step.cancel, "a", 11, 1)).toBe(Outcome.allowed);
    expect(await remaining(limiter)).toBe(10);
  });
});
