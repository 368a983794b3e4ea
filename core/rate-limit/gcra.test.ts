import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Account, advance, check, open, resize, spent } from "./account.ts";
import type { GcraPolicy } from "./gcra.ts";
import { type Operation, scenarioOf } from "./testing/scenarios.ts";
import { Simulation } from "./testing/simulation.ts";

const startMs = Date.parse("2026-01-31T12:00:00Z");

/** Checks of cost 1 until one is refused; at most `most`. */
function drain(account: Account, most: number): { account: Account; admitted: number } {
  let current = account;
  let admitted = 0;
  while (admitted < most && check(current, 1).allowed) {
    current = spent(current, 1).account;
    admitted += 1;
  }
  return { account: current, admitted };
}

/** What the virtual scheduling form would do: its theoretical arrival time, carried through a change of the rate. */
function storedArrivalTime(policy: GcraPolicy, arrivalMs: number, nowMs: number): number {
  const debtMs = Math.max(0, arrivalMs - nowMs);
  return Math.floor(policy.burst - (debtMs * policy.limit) / policy.windowMs);
}

test("RL-6 GCRA and the token bucket agree on every decision", () => {
  const kinds = ["refund", "reload", "resize", "hold", "wait back"] as const;
  const twin = (operation: Operation): Operation =>
    operation.do === "resize" && operation.to.algorithm === "gcra"
      ? { do: "resize", to: { ...operation.to, algorithm: "token-bucket" } }
      : operation;
  const property = fc.property(scenarioOf("gcra", kinds), (scenario) => {
    const policy = { ...(scenario.policy as GcraPolicy), algorithm: "token-bucket" as const };
    const gcra = new Simulation(scenario);
    const bucket = new Simulation({ ...scenario, policy });
    for (const operation of scenario.operations) {
      expect(gcra.run(operation)).toEqual(bucket.run(twin(operation)));
      expect(check(gcra.account, 1)).toEqual(check(bucket.account, 1));
    }
    expect(gcra.admissions).toEqual(bucket.admissions);
  });
  fc.assert(property, { numRuns: 500 });
});

describe.each(["gcra", "token-bucket"] as const)("%s", (algorithm) => {
  const perSecond = { algorithm, limit: 100, windowMs: 1000, burst: 100 };

  test("RL-1 admits B at one instant, then one token each window / limit", () => {
    const { account, admitted } = drain(open(perSecond, 1, startMs), 1000);
    expect(admitted).toBe(100);
    expect(check(account, 1)).toEqual({
      allowed: false,
      limitValue: 100,
      remaining: 0,
      resetMs: 1000,
      retryAfterMs: 10,
    });
    expect(drain(advance(account, startMs + 9), 1000).admitted).toBe(0);
    expect(drain(advance(account, startMs + 25), 1000).admitted).toBe(2);
    // The half token that 25 ms left over is not lost.
    expect(drain(advance(drain(advance(account, startMs + 25), 1000).account, startMs + 30), 1000).admitted).toBe(1);
  });

  test("RL-14 B=100 spent, R 100 -> 1 a second mints no tokens, where a stored arrival time mints 99", () => {
    const { account } = drain(open(perSecond, 1, startMs), 1000);
    const slower = { ...perSecond, limit: 1 };
    expect(storedArrivalTime({ ...slower, algorithm: "gcra" }, startMs + 1000, startMs)).toBe(99);

    const resized = resize(account, slower, 2);
    expect(check(resized, 1)).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 1000 });
    expect(drain(advance(resized, startMs + 5000), 1000).admitted).toBe(5);
  });

  test("RL-14 a larger burst is free at once, a smaller one is owed", () => {
    const { account } = drain(open(perSecond, 1, startMs), 60);
    expect(check(resize(account, { ...perSecond, burst: 150 }, 2), 1).remaining).toBe(90);
    const cut = resize(account, { ...perSecond, burst: 10 }, 2);
    expect(check(cut, 1)).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 510 });
    expect(check(cut, 11)).toMatchObject({ allowed: false, retryAfterMs: null });
    expect(check(resize(cut, perSecond, 3), 1).remaining).toBe(40);
  });

  test("RL-14 a row that slept through a change refills under the old rate until it is resized", () => {
    const { account } = drain(open({ ...perSecond, limit: 1 }, 1, startMs), 1000);
    const woken = resize(advance(account, startMs + 5000), perSecond, 2);
    expect(check(woken, 1).remaining).toBe(5);
  });

  test("RL-14 another window keeps the tokens that were spent", () => {
    const { account } = drain(open(perSecond, 1, startMs), 30);
    const hourly = resize(account, { ...perSecond, windowMs: 3_600_000 }, 2);
    expect(check(hourly, 1).remaining).toBe(70);
    expect(check(hourly, 71).retryAfterMs).toBe(36_000);
  });

  test("RL-13 a clock that jumps a year ahead and back fills the bucket once", () => {
    const yearMs = 365 * 86_400_000;
    const ahead = drain(advance(drain(open(perSecond, 1, startMs), 1000).account, startMs + yearMs), 1000);
    expect(ahead.admitted).toBe(100);
    const back = advance(ahead.account, startMs + 500);
    expect(check(back, 1)).toMatchObject({ allowed: false, retryAfterMs: yearMs - 500 + 10 });
  });

  test("RL-1 the largest numbers that contracts allow neither overflow nor round", () => {
    const windowMs = 9_007_199;
    const largest = { algorithm, limit: 1e9, windowMs, burst: 1e9 };
    const full = spent(open(largest, 1, 0), 1e9).account;
    expect(check(full, 1)).toMatchObject({ allowed: false, remaining: 0, resetMs: windowMs, retryAfterMs: 1 });
    expect(check(advance(full, 1), 1).remaining).toBe(Math.floor(1e9 / windowMs));
    expect(check(advance(full, windowMs - 1), 1).remaining).toBe(1e9 - Math.ceil(1e9 / windowMs));
    expect(check(advance(full, 2 ** 43), 1)).toMatchObject({ allowed: true, remaining: 1e9, resetMs: 0 });
  });
});
