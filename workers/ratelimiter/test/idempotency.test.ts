import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CheckItem } from "../../../contracts/limits.ts";
import { type DecideBatch, Step } from "../../../contracts/rpc/rate-limiter.ts";
import { Client, failWith } from "./client.ts";
import { evict, holdClock, pass } from "./objects.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

const item = (key: string, cost = 1, limit = "api"): CheckItem => ({ limit, key, cost });
const day = 86_400_000;

function newClient(): Client {
  const client = new Client();
  client.put("api", { algorithm: "gcra", limit: 10, windowMs: 10 * day });
  return client;
}

const withKey = (client: Client, key = "once", bodyHash = "body", more = {}) =>
  client.call({ idempotency: { key, route: "POST /v1/limits/check", bodyHash }, ...more });

const remaining = async (client: Client, key: string) => {
  const state = await client.limits.peek(client.call(), "api", key);
  return state.ok ? state.value.remaining : state.refusal.code;
};

/** An isolate's work that ends in the middle: what it sends from then on goes nowhere. */
const dies = { before: failWith({}) };

describe("a check with an Idempotency-Key", () => {
  test("ID-1 over one object is done once and answers the same for 24 hours", async () => {
    const client = newClient();
    const first = await client.limits.check(withKey(client), [item("k", 4)]);
    expect(first).toMatchObject({ value: { allowed: true, results: [{ remaining: 6 }] } });
    pass(day - 1);
    for (let shard = 0; shard < 4; shard++) {
      await client.object(shard).begin("other", "body");
      await evict(client.object(shard));
    }
    expect(await client.limits.check(withKey(client), [item("k", 4)])).toEqual({ ...first, replayed: true });
    expect(await remaining(client, "k")).toBe(6);
  });

  test("ID-1 over several objects is done once and answers the same", async () => {
    const client = newClient();
    const keys = client.spreadKeys(3);
    const items = keys.map((key) => item(key, 4));
    const first = await client.limits.check(withKey(client), items);
    expect(first).toMatchObject({ value: { allowed: true } });
    expect(await client.limits.check(withKey(client), items)).toEqual({ ...first, replayed: true });
    for (const key of keys) expect(await remaining(client, key)).toBe(6);
  });

  test("ID-2 with another body is 422, whatever objects it names, and changes nothing", async () => {
    const client = newClient();
    const [a, b] = client.spreadKeys(2) as [string, string];
    await client.limits.check(withKey(client), [item(a)]);
    expect(await client.limits.check(withKey(client, "once", "other"), [item(b)])).toMatchObject({
      refusal: { code: "idempotency_key_reused" },
    });
    expect(await remaining(client, b)).toBe(10);
  });

  test("ID-4 that is refused is decided anew, over one object and over several", async () => {
    const client = newClient();
    const [a, b] = client.spreadKeys(2) as [string, string];
    await client.limits.check(client.call(), [item(a, 10)]);
    for (const items of [[item(a)], [item(a), item(b)]]) {
      const key = `once ${items.length}`;
      expect(await client.limits.check(withKey(client, key), items)).toMatchObject({ value: { allowed: false } });
      await client.settled();
      await client.limits.refund(client.call(), "api", a, 1);
      expect(await client.limits.check(withKey(client, key), items)).toMatchObject({ value: { allowed: true } });
    }
  });

  test("ID-6 twice at the same time is done once: the second is a replay or 409", async () => {
    const client = newClient();
    const [a, b] = client.spreadKeys(2) as [string, string];
    const [first, second] = await Promise.all([
      client.limits.check(withKey(client), [item(a), item(b)]),
      client.limits.check(withKey(client), [item(a), item(b)]),
    ]);
    const outcomes = [first, second].map((each) => (each?.ok ? "done" : each?.refusal.code)).sort();
    expect(outcomes).toEqual(["done", "idempotency_key_in_use"]);
    expect(await remaining(client, a)).toBe(9);
  });

  test("ID-7 the same key of another caller, tenant or route is another key", async () => {
    const client = newClient();
    const other = newClient();
    await client.limits.check(withKey(client), [item("k")]);
    for (const call of [
      withKey(client, "once", "body", { subject: "key:2" }),
      client.call({ idempotency: { key: "once", route: "POST /v1/limits/check-batch", bodyHash: "body" } }),
    ]) {
      expect(await client.limits.check(call, [item("k")])).not.toHaveProperty("replayed");
    }
    expect(await other.limits.check(withKey(other), [item("k")])).not.toHaveProperty("replayed");
    expect(await remaining(client, "k")).toBe(7);
  });

  test("RL-15 whose home does not answer is left to the fail mode and charges nothing", async () => {
    const client = newClient();
    client.fault = (call) => (call.method === "begin" ? dies : undefined);
    expect(await client.limits.check(withKey(client), [item("k")])).toMatchObject({
      value: { allowed: true, results: [{ source: "fallback" }] },
    });
    expect(client.sent.every((call) => call.method === "begin")).toBe(true);
  });

  test("ID-3 answered by the fail mode is not kept; what the object did meanwhile is found again", async () => {
    const client = newClient();
    client.fault = (call) => (call.method === "decide" ? { after: failWith({}) } : undefined);
    expect(await client.limits.check(withKey(client), [item("k", 4)])).toMatchObject({
      value: { results: [{ source: "fallback" }] },
    });
    client.fault = () => undefined;
    expect(await client.limits.check(withKey(client), [item("k", 4)])).toMatchObject({
      value: { results: [{ source: "object", remaining: 6 }] },
    });
    expect(await remaining(client, "k")).toBe(6);
  });
});

describe("an isolate that dies", () => {
  /** The fault that lets the first `calls` calls pass. */
  const after = (calls: number) => {
    let left = calls;
    return () => (left-- > 0 ? undefined : dies);
  };

  test("ID-3 ID-6 at any point of a check over several objects: taken over after 10 s, done once, all or nothing", async () => {
    // begin, two holds, two confirms, finish
    for (let calls = 0; calls <= 6; calls++) {
      const client = newClient();
      const [a, b] = client.spreadKeys(2) as [string, string];
      client.fault = after(calls);
      await client.limits.check(withKey(client), [item(a, 3), item(b, 3)]);
      client.fault = () => undefined;
      pass(10_000);
      const again = await client.limits.check(withKey(client), [item(a, 3), item(b, 3)]);
      expect(again, `after ${calls} calls`).toMatchObject({ value: { allowed: true } });
      await client.settled();
      expect([await remaining(client, a), await remaining(client, b)], `after ${calls} calls`).toEqual([7, 7]);
    }
  });

  test("RL-9 between two confirms, and then the other no longer fits: the charge is given back", async () => {
    const client = newClient();
    const [a, b] = client.spreadKeys(2) as [string, string];
    const isConfirm = (args: readonly unknown[]) => (args[0] as DecideBatch).requests?.[0]?.[0] === Step.confirm;
    const isCancel = (args: readonly unknown[]) => (args[0] as DecideBatch).requests?.[0]?.[0] === Step.cancel;
    client.fault = ({ shard, method, args }) => {
      if (method !== "decide") return undefined;
      return isCancel(args) || (isConfirm(args) && shard === client.shardOf(b)) ? dies : undefined;
    };
    expect(await client.limits.check(withKey(client), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: false },
    });
    await client.settled();
    expect(await remaining(client, a)).toBe(7);
    client.fault = () => undefined;
    pass(10_000);
    await client.limits.check(client.call(), [item(b, 10)]);
    expect(await client.limits.check(withKey(client), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: false },
    });
    await client.settled();
    expect(await remaining(client, a)).toBe(10);
  });

  test("ID-6 overtaken in the middle, it undoes nothing of the newer attempt", async () => {
    const client = newClient();
    const [a, b] = client.spreadKeys(2) as [string, string];
    const pause = Promise.withResolvers<void>();
    let paused = false;
    client.fault = ({ method, args }) => {
      const confirms = method === "decide" && (args[0] as DecideBatch).requests[0]?.[0] === Step.confirm;
      if (!confirms || paused) return undefined;
      paused = true;
      return { before: () => pause.promise };
    };
    const slow = client.limits.check(withKey(client), [item(a, 3), item(b, 3)]);
    while (!paused) await new Promise((resolve) => setTimeout(resolve, 1));
    pass(10_000);
    expect(await client.limits.check(withKey(client), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: true },
    });
    pause.resolve();
    await slow;
    await client.settled();
    expect([await remaining(client, a), await remaining(client, b)]).toEqual([7, 7]);
  });
});

describe("a batch with an Idempotency-Key", () => {
  test("ID-1 is repeated with all of its results, refused ones and errors too", async () => {
    const client = newClient();
    const items = [item("a", 6), item("a", 6), item("b"), item("c", 1, "none")];
    const first = await client.limits.checkBatch(withKey(client), items);
    expect(first).toMatchObject({
      value: { results: [{ allowed: true }, { allowed: false }, { allowed: true }, { error: {} }] },
    });
    client.put("none", { algorithm: "gcra", limit: 1, windowMs: 1 });
    expect(await client.limits.checkBatch(withKey(client), items)).toEqual({ ...first, replayed: true });
    expect(await remaining(client, "a")).toBe(4);
  });

  test("ID-3 of which one object did not answer is completed by its repetition", async () => {
    const client = newClient();
    const [a, b] = client.spreadKeys(2) as [string, string];
    client.fault = ({ method, shard }) => (method === "decide" && shard === client.shardOf(b) ? dies : undefined);
    await client.limits.checkBatch(withKey(client), [item(a), item(b)]);
    client.fault = () => undefined;
    expect(await client.limits.checkBatch(withKey(client), [item(a), item(b)])).toMatchObject({
      value: {
        results: [
          { source: "object", remaining: 9 },
          { source: "object", remaining: 9 },
        ],
      },
    });
    expect([await remaining(client, a), await remaining(client, b)]).toEqual([9, 9]);
  });
});

describe("an operation on one key with an Idempotency-Key", () => {
  test("ID-1 ID-7 is done once for what it names", async () => {
    const client = newClient();
    await client.limits.check(client.call(), [item("k", 10), item("l", 10)]);
    const first = await client.limits.refund(withKey(client), "api", "k", 2);
    expect(await client.limits.refund(withKey(client), "api", "k", 2)).toEqual({ ...first, replayed: true });
    expect(await client.limits.refund(withKey(client), "api", "l", 2)).not.toHaveProperty("replayed");
    expect([await remaining(client, "k"), await remaining(client, "l")]).toEqual([2, 2]);
  });

  test("ID-1 a reservation is repeated with its id, and settled once", async () => {
    const client = newClient();
    const first = await client.limits.reserve(withKey(client), "api", "k", 5, 1_000);
    if (!first.ok) throw new Error(first.refusal.detail);
    expect(first.value.reservation).toMatch(/^rsv_\d+_[0-9a-f]{32}$/);
    expect(await client.limits.reserve(withKey(client), "api", "k", 5, 1_000)).toEqual({ ...first, replayed: true });
    const { reservation } = first.value;
    const settled = await client.limits.settle(withKey(client), reservation, 2);
    expect(settled).toMatchObject({ value: { reserved: 5, charged: 2 } });
    expect(await client.limits.settle(withKey(client), reservation, 2)).toEqual({ ...settled, replayed: true });
    expect(await client.limits.settle(client.call(), reservation, 2)).toMatchObject({ ok: false });
    expect(await remaining(client, "k")).toBe(8);
  });
});

describe("ids", () => {
  test("AU-2 that name no shard, another kind or another tenant's work are not found", async () => {
    const client = newClient();
    const other = newClient();
    const reserved = await client.limits.reserve(client.call(), "api", "k", 1, 1_000);
    if (!reserved.ok) throw new Error(reserved.refusal.detail);
    const { reservation } = reserved.value;
    const refused = { refusal: { code: "reservation_not_found" } };
    expect(await other.limits.settle(other.call(), reservation, 0)).toMatchObject(refused);
    for (const id of ["", "rsv_", reservation.replace("rsv_", "prm_"), "rsv_4_0".padEnd(38, "0"), "rsv_-1_00"]) {
      expect(await client.limits.settle(client.call(), id, 0)).toMatchObject(refused);
    }
    expect(await client.limits.release(client.call(), reservation)).toMatchObject({
      refusal: { code: "permit_not_found" },
    });
  });
});
