import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CheckItem } from "../../../contracts/limits.ts";
import type { DecideBatch } from "../../../contracts/rpc/rate-limiter.ts";
import { Client } from "./client.ts";
import { holdClock } from "./objects.ts";

beforeEach(() => {
  holdClock();
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const item = (limit: string, key = "k"): CheckItem => ({ limit, key, cost: 1 });

/** A limit of 5 beside one whose numbers, as an older release has accepted them, no object can compute with. */
function newClient(failMode: "open" | "closed"): Client {
  const client = new Client();
  client.put("api", { algorithm: "gcra", limit: 5, windowMs: 86_400_000, failMode: "open" });
  client.put("bad", { algorithm: "quota", limit: 5, calendar: { unit: "day" }, failMode });
  client.fault = ({ method, args }) => {
    if (method !== "decide") return undefined;
    for (const [, , numbers] of (args[0] as DecideBatch).limits) {
      if (numbers.algorithm === "quota") Object.assign(numbers.calendar, { timeZone: "PST" });
    }
    return undefined;
  };
  return client;
}

test("RL-15 a check that cannot be decided falls back alone: no other limit of its shard admits more for it", async () => {
  const client = newClient("closed");
  const results = await Promise.all(
    Array.from({ length: 66 }, (_, index) => client.limits.check(client.call(), [item(index % 2 ? "api" : "bad")])),
  );
  const first = results.map((result) => (result.ok ? result.value.results[0] : undefined));
  const api = first.filter((one) => one?.limit === "api");
  expect(api.every((one) => one?.source === "object")).toBe(true);
  expect(api.filter((one) => one?.allowed)).toHaveLength(5);
  const bad = first.filter((one) => one?.limit === "bad");
  expect(bad.every((one) => one?.source === "fallback" && !one.allowed)).toBe(true);
  expect(client.counted("breakwater.ratelimit.fallbacks", "bad", "failed")).toBe(33);
});

test("RL-15 of a batch of independent checks it falls back alone", async () => {
  const client = newClient("open");
  const batch = await client.limits.checkBatch(client.call(), [item("api"), item("bad"), item("api")]);
  expect(batch).toMatchObject({
    value: {
      results: [
        { source: "object", remaining: 4 },
        { source: "fallback", allowed: true },
        { source: "object", remaining: 3 },
      ],
    },
  });
});

test("RL-9 beside checks of other objects it refuses or admits as its fail mode says, and they are charged accordingly", async () => {
  for (const failMode of ["open", "closed"] as const) {
    const client = newClient(failMode);
    const other = ["a", "b", "c", "d", "e", "f"].find((key) => client.shardOf(key) !== client.shardOf("k")) as string;
    const result = await client.limits.check(client.call(), [item("bad"), item("api", other)]);
    expect(result).toMatchObject({ value: { allowed: failMode === "open" } });
    await Promise.all(client.background);
    const left = failMode === "open" ? 4 : 5;
    expect(await client.limits.peek(client.call(), "api", other)).toMatchObject({ value: { remaining: left } });
  }
});
