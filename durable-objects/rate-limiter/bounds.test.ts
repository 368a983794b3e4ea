import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Outcome, Step, type WireCheck } from "../../contracts/rpc/rate-limiter.ts";
import {
  clockToleranceMs,
  collectChunk,
  maxHolds,
  maxLimits,
  maxMarks,
  maxPermits,
  maxReservations,
  maxTurnChecks,
} from "./bounds.ts";
import {
  api,
  ask,
  evict,
  gcra,
  holdClock,
  inside,
  type Limiter,
  newLimiter,
  pass,
  rowsOf,
  runAlarm,
  spend,
  target,
} from "./testing/object.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

/** Runs one statement in the object, as if its rows had come from as many calls, and lets the object forget its counts. */
async function fill(limiter: Limiter, statement: string): Promise<void> {
  await inside(limiter, (_object, state) => state.storage.sql.exec(statement).rowsWritten);
  await evict(limiter);
}

/** As many rows as `count`, numbered `n`. */
const numbers = (count: number) =>
  `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})`;

describe("one object", () => {
  test("RL-20 keeps 100,000 keys, answers for each after an eviction, and collects them all", async () => {
    const limiter = newLimiter();
    const keys = 100_000;
    const batch = 1_000;
    const at = (index: number) => `a key of some length: ${index}`;
    for (let first = 0; first < keys; first += batch) {
      const checks = Array.from({ length: batch }, (_, index): WireCheck => [0, at(first + index), 10, 0]);
      const [, verdicts] = await ask(limiter, [api()], Step.each, checks);
      expect(verdicts.every(([allowed]) => allowed === 1)).toBe(true);
    }
    await evict(limiter);
    const checks = Array.from({ length: batch }, (_, index): WireCheck => [0, at(index * 100), 1, 0]);
    const [, verdicts] = await ask(limiter, [api()], Step.each, checks);
    expect(verdicts.every(([allowed]) => allowed === 0)).toBe(true);
    pass(60_000 + clockToleranceMs);
    let runs = 0;
    while (await runAlarm(limiter)) {
      runs++;
      pass(1_000);
    }
    expect(runs).toBe(keys / collectChunk + 1);
    expect(await rowsOf(limiter, "keys")).toHaveLength(0);
  }, 60_000);

  test("RL-12 that cannot write rolls the whole turn back and answers as before", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k", 3);
    await inside(limiter, async (object, state) => {
      const { sql } = state.storage;
      const { exec } = sql;
      const spy = vi.spyOn(sql, "exec").mockImplementation((statement, ...values) => {
        if (statement.startsWith("INSERT INTO keys")) throw new Error("disk full");
        return exec.call(sql, statement, ...values) as never;
      });
      const outcomes = await Promise.allSettled([spend(object, "k", 4), spend(object, "l", 4)]);
      expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      spy.mockRestore();
    });
    expect(await spend(limiter, "k", 7)).toMatchObject({ allowed: true, remaining: 0 });
    expect(await spend(limiter, "l", 10)).toMatchObject({ allowed: true });
  });
});

describe("at a bound the answer is overloaded and nothing is charged", () => {
  const overloaded = { refusal: { code: "overloaded" } };

  test("of checks in one turn", async () => {
    const limiter = newLimiter();
    const checks = Array.from({ length: 1_000 }, (): WireCheck => [0, "k", 1, 0]);
    const limits = [api(gcra(1_000_000))];
    const outcomes = await inside(limiter, (object) =>
      Promise.all(
        Array.from({ length: maxTurnChecks / checks.length + 2 }, async (_, index) => {
          const reply = await object.decide({ id: `turn ${index}`, limits, requests: [[Step.each, checks]] });
          return reply[0]?.[0];
        }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === Outcome.overloaded)).toHaveLength(2);
    expect(await limiter.peek(target("k", limits[0]))).toMatchObject({
      value: { remaining: 1_000_000 - maxTurnChecks },
    });
    expect(await spend(limiter, "k", 1, limits[0])).toMatchObject({ allowed: true });
  });

  test("of holds within a second", async () => {
    const limiter = newLimiter();
    const hold = (id: number) => ask(limiter, [api()], Step.hold, [[0, `${id}`, 1, 0]], [`${id}`, 0, ""]);
    for (let first = 0; first < maxHolds; first += 1_000) {
      const requests = Array.from({ length: 1_000 }, (_, index) => {
        return [Step.hold, [[0, `${first + index}`, 1, 0]], [`${first + index}`, 0, ""]] as const;
      });
      await limiter.decide({ id: `holds ${first}`, limits: [api()], requests });
    }
    expect((await hold(maxHolds))[0]).toBe(Outcome.overloaded);
    pass(1_000);
    expect((await hold(maxHolds))[0]).toBe(Outcome.allowed);
  });

  test("of names of limits", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k");
    await fill(
      limiter,
      `${numbers(maxLimits - 1)} INSERT INTO limits (name, version, numbers) SELECT 'n' || n, 1, '{}' FROM numbers`,
    );
    expect((await ask(limiter, [api(gcra(1), 1, "one more")], Step.check, [[0, "k", 1, 0]]))[0]).toBe(
      Outcome.overloaded,
    );
    expect(await limiter.peek(target("k", api(gcra(1), 1, "one more")))).toMatchObject(overloaded);
    expect(await spend(limiter, "k")).toMatchObject({ allowed: true });
    // Names of which nothing is left make room.
    await runAlarm(limiter);
    expect(await spend(limiter, "k", 1, api(gcra(1), 1, "one more"))).toMatchObject({ allowed: true });
    expect(await spend(limiter, "k", 8)).toMatchObject({ allowed: true, remaining: 0 });
  });

  test("of reservations, permits and Idempotency-Keys", async () => {
    const limiter = newLimiter();
    const jobs = api({ algorithm: "concurrency", limit: 10, ttlMs: 60_000 }, 1, "jobs");
    await limiter.acquire(target("k", jobs), { id: "prm" });
    await fill(
      limiter,
      `${numbers(maxReservations)} INSERT INTO reservations SELECT 'r' || n, 1, 'k', 1, 0, 0, 9e15, 'g0' FROM numbers`,
    );
    await fill(limiter, `${numbers(maxPermits)} INSERT INTO permits SELECT 'p' || n, 1, 'x' || n, 9e15 FROM numbers`);
    await fill(limiter, `${numbers(maxMarks)} INSERT INTO marks SELECT 'm' || n, '', 1, 0, NULL, 9e15 FROM numbers`);
    expect(await limiter.reserve(target("k"), { id: "rsv", cost: 1, ttlMs: 1 })).toMatchObject(overloaded);
    expect(await limiter.acquire(target("k", jobs), { id: "prm 2" })).toMatchObject(overloaded);
    expect(await limiter.begin("id", "body")).toEqual({ kind: "overloaded" });
    expect(await limiter.refund(target("k"), 1, { id: "id", bodyHash: "" })).toMatchObject(overloaded);
    expect(await limiter.renew("prm", 1_000)).toMatchObject({ ok: true });
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 10 } });
  });
});
