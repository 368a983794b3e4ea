import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Outcome, Step, type WireCheck } from "../../contracts/rpc/rate-limiter.ts";
import {
  api,
  ask,
  evict,
  gcra,
  holdClock,
  inside,
  newLimiter,
  pass,
  rowsOf,
  rowsWritten,
  runAlarm,
  spend,
  target,
} from "./testing/object.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

describe("a check", () => {
  test("RL-7 a refused check is refused a millisecond before retryAfterMs and admitted at it", async () => {
    const limiter = newLimiter();
    await spend(limiter, "user:1", 10);
    const refused = await spend(limiter, "user:1", 3);
    expect(refused).toEqual({ allowed: false, remaining: 0, retryAfterMs: 18_000 });
    pass(17_999);
    expect((await spend(limiter, "user:1", 3)).allowed).toBe(false);
    pass(1);
    expect((await spend(limiter, "user:1", 3)).allowed).toBe(true);
  });

  test("RL-8 RL-9 of several checks in one request all are charged or none", async () => {
    const limiter = newLimiter();
    const limits = [api(gcra(5)), api(gcra(2), 1, "login")];
    const [first] = await ask(limiter, limits, Step.check, [
      [0, "k", 2, 0],
      [1, "k", 2, 0],
    ]);
    expect(first).toBe(Outcome.allowed);
    const [second, verdicts] = await ask(limiter, limits, Step.check, [
      [0, "k", 1, 0],
      [1, "k", 1, 0],
    ]);
    expect(second).toBe(Outcome.refused);
    expect(verdicts.map(([allowed, , remaining]) => [allowed, remaining])).toEqual([
      [1, 3],
      [0, 0],
    ]);
    expect(await limiter.peek(target("k", limits[0]))).toMatchObject({ value: { remaining: 3 } });
  });

  test("RL-18 a shadow check that does not fit refuses nothing and charges nothing", async () => {
    const limiter = newLimiter();
    const limits = [api(gcra(5)), api(gcra(1), 1, "trial")];
    const checks = [
      [0, "k", 1, 0],
      [1, "k", 2, 1],
    ] as const;
    const [outcome, verdicts] = await ask(limiter, limits, Step.check, checks);
    expect(outcome).toBe(Outcome.allowed);
    expect(verdicts.map(([allowed, , remaining]) => [allowed, remaining])).toEqual([
      [1, 4],
      [0, 1],
    ]);
  });

  test("RL-11 what was charged is charged after an eviction", async () => {
    const limiter = newLimiter();
    await spend(limiter, "user:1", 7);
    await evict(limiter);
    expect(await spend(limiter, "user:1", 4)).toMatchObject({ allowed: false, remaining: 3 });
    expect(await spend(limiter, "user:1", 3)).toMatchObject({ allowed: true, remaining: 0 });
  });

  test("RL-13 a clock that jumps back refills nothing twice and adds no more than the jump to a wait", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k", 10);
    pass(30_000);
    expect(await spend(limiter, "k", 5)).toMatchObject({ allowed: true, remaining: 0 });
    pass(-20_000);
    expect(await spend(limiter, "k", 1)).toEqual({ allowed: false, remaining: 0, retryAfterMs: 26_000 });
    await evict(limiter);
    pass(20_000);
    expect(await spend(limiter, "k", 1)).toMatchObject({ allowed: false, retryAfterMs: 6_000 });
  });

  test("RL-14 a newer version takes effect and keeps what was spent; an older one is ignored, also after an eviction", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k", 10, api(gcra(10), 1));
    expect(await spend(limiter, "k", 1, api(gcra(20), 2))).toMatchObject({ allowed: true, remaining: 9 });
    expect(await spend(limiter, "k", 1, api(gcra(10), 1))).toMatchObject({ allowed: true, remaining: 8 });
    await evict(limiter);
    expect(await spend(limiter, "k", 1, api(gcra(10), 1))).toMatchObject({ allowed: true, remaining: 7 });
  });

  test("RL-12 RL-14 a version that a refused check brought is in force from then on, also across an eviction", async () => {
    const calm = newLimiter();
    const evicted = newLimiter();
    const faster = api(gcra(600), 2);
    for (const limiter of [calm, evicted]) {
      await spend(limiter, "k", 10);
      expect(await spend(limiter, "k", 1_000, faster)).toMatchObject({ allowed: false, remaining: 590 });
      await spend(limiter, "k", 590, faster);
      await spend(limiter, "k", 1, api(gcra(6), 3));
    }
    await evict(evicted);
    pass(10_000);
    const one = await evicted.peek(target("k", faster));
    expect(one).toEqual(await calm.peek(target("k", faster)));
  });

  test("RL-21 keys are bytes: names of object members, long keys, any Unicode", async () => {
    const limiter = newLimiter();
    const keys = [
      "__proto__",
      "constructor",
      "toString",
      "a".repeat(512),
      "é",
      "e\u0301",
      "🦭",
      "1 k",
      "k' OR 1=1 --",
      " ",
    ];
    for (const key of keys) expect(await spend(limiter, key, 10)).toMatchObject({ allowed: true, remaining: 0 });
    await evict(limiter);
    for (const key of keys) expect(await spend(limiter, key, 1)).toMatchObject({ allowed: false });
    expect(await rowsOf(limiter, "keys")).toHaveLength(keys.length);

    const together = newLimiter();
    const odd = [...keys, '\u0001\u001f"\\', "\u2028", "\uffff", "key", "kéy", "12", "012", "1e2", "null", "[1]"];
    await ask(
      together,
      [api()],
      Step.each,
      odd.map((key): WireCheck => [0, key, 10, 0]),
    );
    await evict(together);
    const [, verdicts] = await ask(
      together,
      [api()],
      Step.each,
      odd.map((key): WireCheck => [0, key, 1, 0]),
    );
    expect(verdicts.map(([allowed]) => allowed)).toEqual(odd.map(() => 0));
    expect(await rowsOf(together, "keys")).toHaveLength(odd.length);
  });

  test("a batch that is sent again is answered again and decided once", async () => {
    const limiter = newLimiter();
    const batch = { id: "b", limits: [api()], requests: [[Step.check, [[0, "k", 4, 0]]]] } as const;
    const first = await limiter.decide(batch);
    expect(await limiter.decide(batch)).toEqual(first);
    expect(await spend(limiter, "k", 6)).toMatchObject({ allowed: true, remaining: 0 });
  });
});

describe("group commit", () => {
  test("RL-20 one row for each key that changed, however many checks share the turn, and none for refusals", async () => {
    const limiter = newLimiter();
    await spend(limiter, "warm");
    const ofTurn = await rowsWritten(limiter, (object) =>
      Promise.all(Array.from({ length: 30 }, (_, index) => spend(object, `user:${index % 2}`))),
    );
    expect(ofTurn).toBe(2);
    expect(await spend(limiter, "user:0")).toMatchObject({ allowed: false });
    expect(await rowsWritten(limiter, (object) => spend(object, "user:0"))).toBe(0);
    expect(await rowsWritten(limiter, (object) => spend(object, "warm"))).toBe(1);
  });
});

describe("the alarm", () => {
  test("RL-20 an idle key is collected, one in use stays", async () => {
    const limiter = newLimiter();
    await spend(limiter, "idle", 1);
    pass(60_000);
    await spend(limiter, "busy", 10);
    pass(30_000);
    expect(await runAlarm(limiter)).toBe(true);
    expect((await rowsOf(limiter, "keys")).map(({ key }) => key)).toEqual(["busy"]);
    expect(await inside(limiter, (_object, state) => state.storage.getAlarm())).not.toBeNull();
    pass(60 * 60_000);
    await runAlarm(limiter);
    expect(await rowsOf(limiter, "keys")).toHaveLength(0);
    expect(await inside(limiter, (_object, state) => state.storage.getAlarm())).toBeNull();
  });

  test("RL-13 a key that was collected does not open its old window to a clock that jumps back", async () => {
    const limiter = newLimiter();
    const window = api({ algorithm: "fixed-window", limit: 10, windowMs: 60_000 });
    await spend(limiter, "k", 10, window);
    await spend(limiter, "other", 10, window);
    pass(60_000 + 55_000);
    await runAlarm(limiter);
    await evict(limiter);
    pass(-60_000);
    expect((await spend(limiter, "k", 1, window)).allowed).toBe(false);
  });
});
