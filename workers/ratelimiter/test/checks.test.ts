import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CheckItem } from "../../../contracts/limits.ts";
import { Client } from "./client.ts";
import { holdClock, pass } from "./objects.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

const item = (key: string, cost = 1, limit = "api"): CheckItem => ({ limit, key, cost });

function newClient(limit = 10, more: object = {}): Client {
  const client = new Client();
  client.put("api", { algorithm: "gcra", limit, windowMs: 60_000, ...more });
  return client;
}

describe("a check", () => {
  test("is decided by the object, with its figures", async () => {
    const client = newClient();
    const result = await client.limits.check(client.call(), [item("user:1", 4)]);
    expect(result).toEqual({
      ok: true,
      value: {
        allowed: true,
        results: [
          {
            limit: "api",
            key: "user:1",
            allowed: true,
            limitValue: 10,
            remaining: 6,
            resetMs: 24_000,
            retryAfterMs: 0,
            source: "object",
          },
        ],
      },
    });
    expect(client.counted("breakwater.ratelimit.decisions", "api", "allowed", "object")).toBe(1);
  });

  test("of a limit that does not exist is refused, and of a concurrency limit too", async () => {
    const client = newClient();
    client.put("jobs", { algorithm: "concurrency", limit: 2 });
    expect(await client.limits.check(client.call(), [item("k"), item("k", 1, "none")])).toMatchObject({
      refusal: { code: "limit_not_found" },
    });
    expect(await client.limits.check(client.call(), [item("k", 1, "jobs")])).toMatchObject({
      refusal: { code: "limit_needs_acquire" },
    });
    expect(client.sent).toHaveLength(0);
  });

  test("RL-9 the same limit and key twice is summed", async () => {
    const client = newClient();
    const twice = await client.limits.check(client.call(), [item("k", 6), item("k", 5)]);
    expect(twice).toMatchObject({ value: { allowed: false, results: [{ allowed: false }, { allowed: false }] } });
    const fits = await client.limits.check(client.call(), [item("k", 6), item("k", 4)]);
    expect(fits).toMatchObject({ value: { allowed: true, results: [{ remaining: 0 }, { remaining: 0 }] } });
  });

  test("RL-20 checks of one moment share a call to their object", async () => {
    const client = newClient(1000);
    const checks = Array.from({ length: 100 }, () => client.limits.check(client.call(), [item("k")]));
    const results = await Promise.all(checks);
    expect(results.every((result) => result.ok && result.value.allowed)).toBe(true);
    expect(client.sent.length).toBeLessThanOrEqual(4);
    expect(await client.limits.peek(client.call(), "api", "k")).toMatchObject({ value: { remaining: 900 } });
  });

  test("RL-18 a shadow limit is decided, reported and never refuses; limits.shadow-all makes every limit one", async () => {
    const client = newClient(1, { shadow: true });
    await client.limits.check(client.call(), [item("k")]);
    const over = await client.limits.check(client.call(), [item("k")]);
    expect(over).toMatchObject({
      value: { allowed: true, results: [{ allowed: true, retryAfterMs: 0, shadow: { wouldDeny: true } }] },
    });
    expect(client.counted("breakwater.ratelimit.decisions", "shadow-denied")).toBe(1);

    client.put("hard", { algorithm: "gcra", limit: 1, windowMs: 60_000 });
    await client.limits.check(client.call(), [item("k", 1, "hard")]);
    expect(await client.limits.check(client.call(), [item("k", 1, "hard")])).toMatchObject({
      value: { allowed: false },
    });
    client.switches.add("limits.shadow-all");
    expect(await client.limits.check(client.call(), [item("k", 1, "hard")])).toMatchObject({
      value: { allowed: true },
    });
  });

  test("AU-2 tenants with the same limit and key share nothing", async () => {
    const one = newClient();
    const other = newClient();
    await one.limits.check(one.call(), [item("k", 10)]);
    expect(await other.limits.check(other.call(), [item("k", 10)])).toMatchObject({ value: { allowed: true } });
  });
});

describe("a batch", () => {
  test("decides each item on its own, in order, and repeats of a key one after the other", async () => {
    const client = newClient(2);
    const items = [item("a"), item("b", 3), item("a"), item("a"), item("x", 1, "none"), item("b", 2)];
    const result = await client.limits.checkBatch(client.call(), items);
    if (!result.ok) throw new Error("refused");
    expect(result.value.results.map((each) => ("error" in each ? each.error.code : each.allowed))).toEqual([
      true,
      false,
      true,
      false,
      "limit_not_found",
      true,
    ]);
  });

  test("of a thousand items costs one call for each shard", async () => {
    const client = newClient();
    const items = Array.from({ length: 1000 }, (_, index) => item(`k${index}`));
    const result = await client.limits.checkBatch(client.call(), items);
    expect(result.ok && result.value.results.every((each) => "allowed" in each && each.allowed)).toBe(true);
    expect(client.sent).toHaveLength(4);
  });
});

describe("a check over several objects", () => {
  test("RL-8 RL-9 all are charged, or none once the holds are released", async () => {
    const client = newClient();
    const [a, b] = client.spreadKeys(2) as [string, string];
    expect(await client.limits.check(client.call(), [item(a, 3), item(b, 8)])).toMatchObject({
      value: {
        allowed: true,
        results: [
          { key: a, remaining: 7 },
          { key: b, remaining: 2 },
        ],
      },
    });
    const refused = await client.limits.check(client.call(), [item(a, 3), item(b, 3)]);
    expect(refused).toMatchObject({
      value: {
        allowed: false,
        results: [
          { allowed: true, retryAfterMs: 0 },
          { allowed: false, retryAfterMs: 6_000 },
        ],
      },
    });
    await client.settled();
    expect(await client.limits.peek(client.call(), "api", a)).toMatchObject({ value: { remaining: 7 } });
    expect(await client.limits.peek(client.call(), "api", b)).toMatchObject({ value: { remaining: 2 } });
    pass(5_999);
    expect(await client.limits.check(client.call(), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: false },
    });
    await client.settled();
    pass(1);
    expect(await client.limits.check(client.call(), [item(a, 3), item(b, 3)])).toMatchObject({
      value: { allowed: true },
    });
  });
});
