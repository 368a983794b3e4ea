import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Outcome, type Part, Step, type WireCheck } from "../../contracts/rpc/rate-limiter.ts";
import { idempotencyTtlMs, runningTtlMs } from "./bounds.ts";
import {
  api,
  ask,
  evict,
  gcra,
  holdClock,
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

describe("the home of an Idempotency-Key", () => {
  test("ID-1 ID-3 keeps the final answer for 24 hours, also across an eviction", async () => {
    const home = newLimiter();
    const begun = await home.begin("id", "body");
    if (begun.kind !== "run") throw new Error(begun.kind);
    expect(await home.finish("id", begun.attempt, "answer")).toBe(true);
    await evict(home);
    pass(idempotencyTtlMs - 1);
    expect(await home.begin("id", "body")).toEqual({ kind: "replay", answer: "answer" });
    pass(1);
    expect(await home.begin("id", "body")).toMatchObject({ kind: "run" });
  });

  test("ID-2 another body is refused while it runs, after it has ended, and after it was not kept", async () => {
    const home = newLimiter();
    const begun = await home.begin("id", "body");
    if (begun.kind !== "run") throw new Error(begun.kind);
    expect(await home.begin("id", "other")).toEqual({ kind: "reused" });
    await home.finish("id", begun.attempt, null);
    expect(await home.begin("id", "other")).toEqual({ kind: "reused" });
  });

  test("ID-4 ID-6 it runs once at a time; an answer that is not kept lets the next run at once", async () => {
    const home = newLimiter();
    const first = await home.begin("id", "body");
    if (first.kind !== "run") throw new Error(first.kind);
    expect(await home.begin("id", "body")).toEqual({ kind: "running", retryAfterMs: runningTtlMs });
    await home.finish("id", first.attempt, null);
    const second = await home.begin("id", "body");
    expect(second).toEqual({ kind: "run", attempt: expect.any(Number) });
    expect(second.kind === "run" && second.attempt > first.attempt).toBe(true);
  });

  test("ID-6 a run that never ended is taken over after its time, and can no longer end", async () => {
    const home = newLimiter();
    const first = await home.begin("id", "body");
    await evict(home);
    pass(runningTtlMs - 1);
    expect(await home.begin("id", "body")).toEqual({ kind: "running", retryAfterMs: 1 });
    pass(1);
    const second = await home.begin("id", "body");
    if (first.kind !== "run" || second.kind !== "run") throw new Error("both run");
    expect(await home.finish("id", first.attempt, "late")).toBe(false);
    expect(await home.finish("id", second.attempt, "answer")).toBe(true);
    expect(await home.finish("id", second.attempt, null)).toBe(false);
    expect(await home.begin("id", "body")).toEqual({ kind: "replay", answer: "answer" });
  });

  test("its rows are collected after their time", async () => {
    const home = newLimiter();
    await home.begin("id", "body");
    pass(idempotencyTtlMs);
    await runAlarm(home);
    expect(await rowsOf(home, "marks")).toHaveLength(0);
  });
});

describe("an object's part of the work", () => {
  const checks: WireCheck[] = [[0, "k", 3, 0]];
  const limits = [api()];
  const part = (attempt: number, body = "body"): Part => ["id", attempt, body];

  test("ID-1 ID-3 is done once, whatever attempt asks, also across an eviction", async () => {
    const limiter = newLimiter();
    const first = await ask(limiter, limits, Step.check, checks, part(1));
    await evict(limiter);
    expect(await ask(limiter, limits, Step.check, checks, part(1))).toEqual([...first, 1]);
    expect(await ask(limiter, limits, Step.check, checks, part(2))).toEqual([...first, 1]);
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 7 } });
  });

  test("ID-2 is not done for another body", async () => {
    const limiter = newLimiter();
    await ask(limiter, limits, Step.check, checks, part(1));
    for (const step of Object.values(Step)) {
      expect(await ask(limiter, limits, step, checks, part(2, "other"))).toEqual([Outcome.reused, []]);
    }
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 7 } });
  });

  test("ID-4 is decided anew when it was refused", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k", 10);
    expect((await ask(limiter, limits, Step.check, checks, part(1)))[0]).toBe(Outcome.refused);
    expect(await rowsOf(limiter, "parts")).toHaveLength(0);
    pass(18_000);
    expect((await ask(limiter, limits, Step.check, checks, part(2)))[0]).toBe(Outcome.allowed);
  });

  test("ID-6 an overtaken attempt can neither charge nor cancel", async () => {
    const limiter = newLimiter();
    await ask(limiter, limits, Step.check, checks, part(1));
    await ask(limiter, limits, Step.check, checks, part(2));
    await evict(limiter);
    expect(await ask(limiter, limits, Step.cancel, checks, part(1))).toEqual([Outcome.fenced, []]);
    expect(await ask(limiter, limits, Step.confirm, checks, part(1))).toEqual([Outcome.fenced, []]);
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 7 } });
  });

  test("ID-6 what was cancelled is given back, and no late confirm of that attempt charges it again", async () => {
    const limiter = newLimiter();
    await ask(limiter, limits, Step.hold, checks, part(1));
    await ask(limiter, limits, Step.confirm, checks, part(1));
    expect(await ask(limiter, limits, Step.cancel, checks, part(1))).toEqual([Outcome.allowed, [], 1]);
    await evict(limiter);
    expect(await ask(limiter, limits, Step.confirm, checks, part(1))).toEqual([Outcome.fenced, []]);
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 10 } });
    expect((await ask(limiter, limits, Step.hold, checks, part(2)))[0]).toBe(Outcome.allowed);
    expect((await ask(limiter, limits, Step.confirm, checks, part(2)))[0]).toBe(Outcome.allowed);
  });

  test("ID-1 a batch's part keeps refusals too: it is answered as a whole", async () => {
    const limiter = newLimiter();
    const items: WireCheck[] = [
      [0, "a", 6, 0],
      [0, "a", 6, 0],
      [0, "a", 4, 0],
    ];
    const first = await ask(limiter, limits, Step.each, items, part(1));
    expect(first[1].map(([allowed]) => allowed)).toEqual([1, 0, 1]);
    pass(60_000);
    expect(await ask(limiter, limits, Step.each, items, part(2))).toEqual([...first, 1]);
    expect(await limiter.peek(target("a"))).toMatchObject({ value: { remaining: 10 } });
  });
});

describe("an operation on one key", () => {
  const once = { id: "id", bodyHash: "body" };

  test("ID-1 ID-3 is done once and repeated with its answer, also across an eviction", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k", 10);
    const first = await limiter.refund(target("k"), 2, once);
    await evict(limiter);
    expect(await limiter.refund(target("k"), 2, once)).toEqual({ ...first, replayed: true });
    expect(await limiter.peek(target("k"))).toMatchObject({ value: { remaining: 2 } });
  });

  test("ID-1 a reservation and a permit are repeated with the id of the first", async () => {
    const limiter = newLimiter();
    await limiter.reserve(target("k"), { id: "rsv_0_1", cost: 1, ttlMs: 1_000 }, once);
    expect(await limiter.reserve(target("k"), { id: "rsv_0_2", cost: 1, ttlMs: 1_000 }, once)).toMatchObject({
      value: { reservation: "rsv_0_1" },
      replayed: true,
    });
    await limiter.settle("rsv_0_1", 1, { ...once, id: "settle" });
    expect(await limiter.settle("rsv_0_1", 1, { ...once, id: "settle" })).toMatchObject({ ok: true, replayed: true });
  });

  test("ID-2 ID-7 another body is refused; another id is another request", async () => {
    const limiter = newLimiter();
    await limiter.refund(target("k"), 2, once);
    expect(await limiter.refund(target("k"), 3, { ...once, bodyHash: "other" })).toMatchObject({
      refusal: { code: "idempotency_key_reused" },
    });
    expect(await limiter.refund(target("k"), 3, { id: "id2", bodyHash: "other" })).toMatchObject({ ok: true });
  });

  test("ID-4 a refusal that can end otherwise is not kept; a final one is", async () => {
    const limiter = newLimiter();
    await spend(limiter, "k", 10);
    const command = { id: "rsv_0_1", cost: 5, ttlMs: 1_000 };
    expect(await limiter.reserve(target("k"), command, once)).toMatchObject({ ok: false });
    pass(30_000);
    expect(await limiter.reserve(target("k"), command, once)).toMatchObject({ ok: true });
    const final = { id: "final", bodyHash: "body" };
    const missing = await limiter.settle("rsv_0_none", 1, final);
    expect(await limiter.settle("rsv_0_none", 1, final)).toEqual({ ...missing, replayed: true });
  });
});

test("RL-20 a check without an Idempotency-Key leaves no part", async () => {
  const limiter = newLimiter();
  await ask(limiter, [api(gcra(5))], Step.hold, [[0, "k", 1, 0]], ["hold", 0, ""]);
  await ask(limiter, [api(gcra(5))], Step.confirm, [[0, "k", 1, 0]], ["hold", 0, ""]);
  expect(await rowsOf(limiter, "parts")).toHaveLength(0);
  expect(await rowsOf(limiter, "keys")).toHaveLength(1);
});
