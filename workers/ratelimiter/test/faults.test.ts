import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CheckItem } from "../../../contracts/limits.ts";
import { type DecideBatch, Step } from "../../../contracts/rpc/rate-limiter.ts";
import { checkDeadlineMs } from "../../../isolate/rate-limit/checks.ts";
import { Client, type Fault, failWith, hang, patientMs } from "./client.ts";
import { evict, holdClock, pass } from "./objects.ts";

afterEach(() => {
  vi.useRealTimers();
});

const item = (key: string, cost = 1, limit = "api"): CheckItem => ({ limit, key, cost });

function newClient(more: object = {}, deadlineMs = patientMs): Client {
  const client = new Client({ deadlineMs });
  // So slow that no test sees anything refill.
  client.put("api", { algorithm: "gcra", limit: 10, windowMs: 86_400_000, ...more });
  return client;
}

/** Whether a call carries a request of this step. */
function carries(step: Step, [batch]: readonly unknown[]): boolean {
  return (batch as DecideBatch).requests?.some(([each]) => each === step) ?? false;
}

const on = (step: Step, shard: number, fault: ReturnType<Fault>): Fault => {
  return (call) => (call.shard === shard && call.method === "decide" && carries(step, call.args) ? fault : undefined);
};

const remaining = async (client: Client, key: string) => {
  const state = await client.limits.peek(client.call(), "api", key);
  return state.ok ? state.value.remaining : state.refusal.code;
};

describe("an object that does not answer", () => {
  test("RL-15 is waited for 100 ms, then the fail mode answers", async () => {
    expect(checkDeadlineMs).toBe(100);
    const client = newClient({}, checkDeadlineMs);
    client.fault = () => ({ before: hang });
    const startMs = Date.now();
    const open = await client.limits.check(client.call(), [item("k")]);
    const tookMs = Date.now() - startMs;
    expect(open).toMatchObject({
      value: { allowed: true, results: [{ allowed: true, remaining: null, resetMs: null, source: "fallback" }] },
    });
    expect(tookMs).toBeGreaterThanOrEqual(95);
    // A machine under load rings late, and never as late as an object that is waited for.
    expect(tookMs).toBeLessThan(patientMs / 2);
    expect(client.counted("breakwater.ratelimit.fallbacks", "api", "deadline")).toBe(1);
    expect(client.counted("breakwater.ratelimit.decisions", "fallback", "allowed")).toBe(1);
  });

  test("RL-15 is waited for until the caller's deadline when that is sooner", async () => {
    const client = newClient({ failMode: "closed" });
    client.fault = () => ({ before: hang });
    const startMs = Date.now();
    const closed = await client.limits.check(client.call({ deadlineMs: startMs + 30 }), [item("k")]);
    expect(Date.now() - startMs).toBeLessThan(patientMs / 2);
    expect(closed).toMatchObject({ value: { allowed: false, results: [{ source: "fallback", retryAfterMs: 1_000 }] } });
    expect(await client.limits.check(client.call({ deadlineMs: Date.now() }), [item("k")])).toMatchObject({
      refusal: { code: "deadline_exceeded" },
    });
  });

  test("RL-15 limits.fail-closed wins over limits.fail-open, and that over the policy", async () => {
    const client = newClient({ failMode: "closed" });
    client.fault = () => ({ before: failWith({}) });
    const allowed = async () => {
      const result = await client.limits.check(client.call(), [item("k")]);
      return result.ok && result.value.allowed;
    };
    expect(await allowed()).toBe(false);
    client.switches.add("limits.fail-open");
    expect(await allowed()).toBe(true);
    client.switches.add("limits.fail-closed");
    expect(await allowed()).toBe(false);
  });

  test("RL-18 refuses nothing under a shadow limit, whatever the fail mode", async () => {
    const client = newClient({ failMode: "closed", shadow: true });
    client.fault = () => ({ before: failWith({}) });
    expect(await client.limits.check(client.call(), [item("k")])).toMatchObject({
      value: { allowed: true, results: [{ allowed: true, shadow: { wouldDeny: true }, source: "fallback" }] },
    });
  });

  test("leaves operations on its keys to 503: what changes something may have been done", async () => {
    const client = newClient();
    client.fault = () => ({ after: failWith({}) });
    expect(await client.limits.peek(client.call(), "api", "k")).toMatchObject({
      refusal: { code: "limiter_unavailable" },
    });
    expect(await client.limits.reserve(client.call(), "api", "k", 1, 1_000)).toMatchObject({
      refusal: { code: "outcome_unknown" },
    });
    client.fault = () => ({ before: failWith({ overloaded: true }) });
    expect(await client.limits.reserve(client.call(), "api", "k", 1, 1_000)).toMatchObject({
      refusal: { code: "limiter_unavailable" },
    });
  });
});

describe("a safe rate", () => {
  beforeEach(() => holdClock());

  test("RL-15 admits at most 1 + rate·T of a key", async () => {
    const client = newClient({ failMode: { safeRatePerSecond: 4 } });
    client.fault = () => ({ before: failWith({}) });
    let admitted = 0;
    for (let ms = 0; ms < 2_000; ms += 50) {
      const result = await client.limits.check(client.call(), [item("k")]);
      if (result.ok && result.value.allowed) admitted++;
      pass(50);
    }
    expect(admitted).toBe(8);
    expect(await client.limits.check(client.call(), [item("other")])).toMatchObject({ value: { allowed: true } });
  });

  test("RL-7 says when the next check passes", async () => {
    const client = newClient({ failMode: { safeRatePerSecond: 4 } });
    client.fault = () => ({ before: failWith({}) });
    await client.limits.check(client.call(), [item("k")]);
    pass(100);
    const refused = await client.limits.check(client.call(), [item("k")]);
    expect(refused).toMatchObject({ value: { allowed: false, results: [{ retryAfterMs: 150 }] } });
    pass(150);
    expect(await client.limits.check(client.call(), [item("k")])).toMatchObject({ value: { allowed: true } });
  });
});

describe("an exception", () => {
  test("that is overloaded is never retried, one that is retryable once, with a fresh stub", async () => {
    const client = newClient();
    let failures = 1;
    client.fault = () => (failures-- > 0 ? { before: failWith({ retryable: true }) } : undefined);
    expect(await client.limits.check(client.call(), [item("k")])).toMatchObject({
      value: { results: [{ source: "object", remaining: 9 }] },
    });
    expect(client.sent).toHaveLength(2);

    failures = 2;
    expect(await client.limits.check(client.call(), [item("k")])).toMatchObject({
      value: { results: [{ source: "fallback" }] },
    });
    expect(client.sent).toHaveLength(4);

    failures = 1;
    client.fault = () => (failures-- > 0 ? { before: failWith({ retryable: true, overloaded: true }) } : undefined);
    expect(await client.limits.check(client.call(), [item("k")])).toMatchObject({
      value: { results: [{ source: "fallback" }] },
    });
    expect(client.sent).toHaveLength(5);
    expect(client.counted("breakwater.ratelimit.object.requests", "overloaded")).toBe(1);
  });

  test("RL-8 after the work was done charges once when the call is retried", async () => {
    const client = newClient();
    let failures = 1;
    client.fault = () => (failures-- > 0 ? { after: failWith({ retryable: true }) } : undefined);
    await client.limits.check(client.call(), [item("k", 6)]);
    expect(await remaining(client, "k")).toBe(4);
  });
});

describe("a check over several objects", () => {
  beforeEach(() => holdClock());

  function spread(more: object = {}) {
    const client = newClient(more);
    const [a, b] = client.spreadKeys(2) as [string, string];
    return { client, a, b, shards: [client.shardOf(a), client.shardOf(b)] as [number, number] };
  }

  test("RL-9 with a confirm that never arrives is refused, and charges nothing", async () => {
    const { client, a, b, shards } = spread();
    client.fault = on(Step.confirm, shards[1], { before: failWith({}) });
    const refused = await client.limits.check(client.call(), [item(a, 3), item(b, 3)]);
    expect(refused).toMatchObject({ value: { allowed: false, results: [{ allowed: true }, { allowed: false }] } });
    await client.settled();
    expect([await remaining(client, a), await remaining(client, b)]).toEqual([10, 10]);
  });

  test("RL-9 with a confirm whose answer is lost is refused, and gives back where the object lives", async () => {
    const { client, a, b, shards } = spread();
    client.fault = on(Step.confirm, shards[1], { after: failWith({}) });
    expect(await client.limits.check(client.call(), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: false },
    });
    await client.settled();
    expect([await remaining(client, a), await remaining(client, b)]).toEqual([10, 10]);
    expect(client.counted("breakwater.ratelimit.leftover_charges")).toBe(0);
  });

  test("RL-9 counts what may have stayed charged when the object died with the answer, or cannot be reached", async () => {
    const { client, a, b, shards } = spread();
    const dies = async () => {
      await evict(client.object(shards[1]));
      throw new Error("the object died");
    };
    client.fault = on(Step.confirm, shards[1], { after: dies });
    expect(await client.limits.check(client.call(), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: false },
    });
    await client.settled();
    expect([await remaining(client, a), await remaining(client, b)]).toEqual([10, 7]);
    expect(client.counted("breakwater.ratelimit.leftover_charges", "confirm-unacknowledged")).toBe(1);

    client.fault = (call) =>
      call.shard === shards[1] && call.method === "decide" && !carries(Step.hold, call.args)
        ? { before: failWith({}) }
        : undefined;
    await client.limits.check(client.call(), [item(a, 3), item(b, 3)]);
    await client.settled();
    expect(client.counted("breakwater.ratelimit.leftover_charges", "cancel-unacknowledged")).toBe(1);
  });

  test("RL-9 with a confirm that comes after its cancel charges nothing", async () => {
    const { client, a, b, shards } = spread();
    const late = Promise.withResolvers<void>();
    client.fault = on(Step.confirm, shards[1], { before: () => late.promise });
    vi.useRealTimers();
    const refused = await client.limits.check(client.call(), [item(a, 3), item(b, 3)]);
    expect(refused).toMatchObject({ value: { allowed: false } });
    client.fault = () => undefined;
    while (!client.sent.some((call) => call.shard === shards[1] && carries(Step.cancel, call.args))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    late.resolve();
    await client.settled();
    expect([await remaining(client, a), await remaining(client, b)]).toEqual([10, 10]);
  });

  test("RL-10 with a hold lost in an eviction spends what still fits", async () => {
    const { client, a, b, shards } = spread();
    client.fault = on(Step.confirm, shards[1], { before: () => evict(client.object(shards[1])) });
    expect(await client.limits.check(client.call(), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: true, results: [{ remaining: 7 }, { remaining: 7 }] },
    });
  });

  test("RL-9 RL-10 with a hold that ended and no longer fits is refused, and charges nothing", async () => {
    const { client, a, b, shards } = spread();
    const other = async () => {
      pass(1_000);
      await client.limits.check(client.call(), [item(b, 8)]);
    };
    client.fault = on(Step.confirm, shards[1], { before: other });
    expect(await client.limits.check(client.call(), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: false, results: [{ allowed: true }, { allowed: false, source: "object" }] },
    });
    await client.settled();
    expect([await remaining(client, a), await remaining(client, b)]).toEqual([10, 2]);
  });

  test("RL-8 RL-9 refused by one object, its holds lost on the way: nothing stays charged, nothing held beyond a second", async () => {
    const { client, a, b, shards } = spread();
    await client.limits.check(client.call(), [item(b, 10)]);
    client.fault = on(Step.release, shards[0], { before: failWith({}) });
    expect(await client.limits.check(client.call(), [item(a, 8), item(b, 1)])).toMatchObject({
      value: { allowed: false },
    });
    await client.settled();
    client.fault = () => undefined;
    expect(await client.limits.check(client.call(), [item(a, 8)])).toMatchObject({ value: { allowed: false } });
    pass(1_000);
    expect(await client.limits.check(client.call(), [item(a, 10)])).toMatchObject({ value: { allowed: true } });
  });

  test("RL-15 of which one does not answer follows that one's fail mode, all or nothing", async () => {
    const open = spread();
    open.client.fault = (call) => (call.shard === open.shards[1] ? { before: failWith({}) } : undefined);
    expect(await open.client.limits.check(open.client.call(), [item(open.a, 3), item(open.b, 3)])).toMatchObject({
      value: { allowed: true, results: [{ source: "object", remaining: 7 }, { source: "fallback" }] },
    });

    const closed = spread({ failMode: "closed" });
    closed.client.fault = (call) => (call.shard === closed.shards[1] ? { before: failWith({}) } : undefined);
    expect(
      await closed.client.limits.check(closed.client.call(), [item(closed.a, 3), item(closed.b, 3)]),
    ).toMatchObject({
      value: {
        allowed: false,
        results: [
          { source: "object", allowed: true },
          { source: "fallback", allowed: false },
        ],
      },
    });
    await closed.client.settled();
    expect(await remaining(closed.client, closed.a)).toBe(10);
  });
});

describe("a batch", () => {
  test("RL-15 of which one object does not answer falls back for that one's items", async () => {
    const client = newClient();
    const [a, b] = client.spreadKeys(2) as [string, string];
    client.fault = (call) => (call.shard === client.shardOf(b) ? { before: failWith({}) } : undefined);
    expect(await client.limits.checkBatch(client.call(), [item(a), item(b), item(a)])).toMatchObject({
      value: { results: [{ source: "object" }, { source: "fallback" }, { source: "object", remaining: 8 }] },
    });
  });
});
