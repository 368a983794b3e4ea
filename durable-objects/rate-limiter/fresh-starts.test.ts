import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type LimitNumbers, Outcome, type Part, Step, type WireLimit } from "../../contracts/rpc/rate-limiter.ts";
import {
  api,
  ask,
  evict,
  holdClock,
  type Limiter,
  newLimiter,
  pass,
  runAlarm,
  spend,
  target,
} from "./testing/object.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

const windowMs = 400 * 86_400_000;
const algorithms: readonly LimitNumbers[] = [
  { algorithm: "gcra", limit: 20, windowMs },
  { algorithm: "token-bucket", limit: 20, windowMs },
  { algorithm: "fixed-window", limit: 20, windowMs },
  { algorithm: "sliding-window", limit: 20, windowMs },
  { algorithm: "sliding-log", limit: 20, windowMs },
  { algorithm: "quota", limit: 20, calendar: { unit: "year", timeZone: "UTC" } },
];

const afterwards: readonly [string, (limiter: Limiter) => Promise<unknown>][] = [
  ["at once", async () => {}],
  ["after an eviction", evict],
  [
    "after the alarm has collected",
    async (limiter) => {
      pass(5 * 60_000);
      await runAlarm(limiter);
      await evict(limiter);
    },
  ],
];

/** Reserves, has the key started anew, spends all of it, settles for nothing: nothing may come back. */
async function givenBack(
  reserved: { readonly limit: WireLimit; readonly cost: number },
  start: (limiter: Limiter) => Promise<unknown>,
  limit: WireLimit,
  limiter = newLimiter(),
): Promise<void> {
  const reservation = await limiter.reserve(target("k", reserved.limit), {
    id: "rsv_0_a",
    cost: reserved.cost,
    ttlMs: 3_600_000,
  });
  expect(reservation).toMatchObject({ ok: true });
  await start(limiter);
  expect(await spend(limiter, "k", 20, limit)).toMatchObject({ allowed: true, remaining: 0 });
  expect(await limiter.settle("rsv_0_a", 0)).toMatchObject({ ok: true });
  expect(await spend(limiter, "k", 1, limit)).toMatchObject({ allowed: false, remaining: 0 });
}

describe.each(algorithms)("$algorithm", (numbers) => {
  describe.each(afterwards)("%s", (_when, later) => {
    test("RL-17 settling gives back nothing of what a reset has forgiven", async () => {
      const limit = api(numbers);
      const start = async (limiter: Limiter) => {
        await limiter.reset(target("k", limit));
        await later(limiter);
      };
      await givenBack({ limit, cost: 20 }, start, limit);
    });

    test("RL-17 settling gives back nothing of what was reserved while the key had no limit", async () => {
      const limit = api(numbers);
      const command = { limit, name: "api", key: "k" };
      const limiter = newLimiter();
      await limiter.setOverride({ ...command, override: { unlimited: true }, version: 2 });
      const start = async () => {
        await later(limiter);
        await limiter.setOverride({ ...command, override: null, version: 3 });
      };
      await givenBack({ limit, cost: 1_000 }, start, limit, limiter);
    });

    test.each(algorithms.filter(({ algorithm }) => algorithm !== numbers.algorithm))(
      "RL-17 settling gives back nothing of what was reserved, to a key that $algorithm counts anew",
      async (other) => {
        const limit = api(other, 2);
        const start = async (limiter: Limiter) => {
          await limiter.peek(target("k", limit));
          await later(limiter);
        };
        await givenBack({ limit: api(numbers), cost: 20 }, start, limit);
      },
    );
  });

  test("RL-17 settling after a reset still gives back what was reserved after it", async () => {
    const limiter = newLimiter();
    const limit = api(numbers);
    await spend(limiter, "k", 20, limit);
    await limiter.reset(target("k", limit));
    await limiter.reserve(target("k", limit), { id: "rsv_0_a", cost: 15, ttlMs: 60_000 });
    await evict(limiter);
    await limiter.settle("rsv_0_a", 5);
    expect(await limiter.peek(target("k", limit))).toMatchObject({ value: { remaining: 15 } });
  });

  test.each([0, 1])("RL-9 a cancel (attempt %i) gives back nothing of what a reset has forgiven", async (attempt) => {
    const limiter = newLimiter();
    const limits = [api(numbers)];
    const part: Part = ["part", attempt, "body"];
    expect((await ask(limiter, limits, Step.confirm, [[0, "k", 20, 0]], part))[0]).toBe(Outcome.allowed);
    await limiter.reset(target("k", limits[0]));
    await spend(limiter, "k", 20, limits[0]);
    await ask(limiter, limits, Step.cancel, [[0, "k", 20, 0]], part);
    expect(await spend(limiter, "k", 1, limits[0])).toMatchObject({ allowed: false });
  });
});
