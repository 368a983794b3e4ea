import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeGateway, problem, says, settle } from "./testing/fake-gateway.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const result = {
  limit: "api",
  key: "user:1",
  allowed: false,
  limitValue: 1,
  remaining: 0,
  resetMs: 500,
  retryAfterMs: 500,
  source: "object",
};

test("a refused check is a value", async () => {
  const decision = { allowed: false, results: [result] };
  const { client, seen } = fakeGateway([problem(429, "quota_exceeded", decision, { "retry-after": "1" })]);
  expect(await settle(client.limits.check({ limit: "api", key: "user:1" }))).toEqual({ value: decision });
  expect(seen).toHaveLength(1);
});

test("several checks go in one request, and a batch is sent as it is", async () => {
  const { client, seen } = fakeGateway([says({ allowed: true, results: [] }), says({ results: [result] })]);
  const checks = [
    { limit: "a", key: "k" },
    { limit: "b", key: "k", cost: 3 },
  ];
  await client.limits.check(checks);
  expect(await client.limits.checkBatch(checks)).toEqual({ results: [result] });
  expect(seen.map(({ url, body }) => [new URL(url).pathname, body])).toEqual([
    ["/v1/limits/check", { checks }],
    ["/v1/limits/check-batch", { items: checks }],
  ]);
});

test.each([
  ["reserve", "quota_exceeded"],
  ["acquire", "permits_exhausted"],
] as const)("%s refused by the limit rejects at once with %s and the wait", async (operation, code) => {
  const { client, seen } = fakeGateway([problem(429, code, { retryAfterMs: 700 }, { "retry-after": "1" })]);
  const call: Promise<unknown> =
    operation === "reserve" ? client.limits.reserve("tokens", "user:1", 50) : client.limits.acquire("jobs", "user:1");
  expect((await settle(call)).error).toMatchObject({ code, status: 429, retryAfterMs: 700, retryable: true });
  expect(seen).toHaveLength(1);
});

test("every operation sends its method, path and body", async () => {
  const { client, seen } = fakeGateway(Array.from({ length: 16 }, () => says({})));
  const { limits } = client;
  await limits.peek("api", "user:1");
  await limits.reset("api", "user:1");
  await limits.refund("api", "user:1", 2);
  await limits.reserve("api", "user:1", 2, { ttlMs: 10 });
  await limits.settle("r/1", 3);
  await limits.ban("api", "user:1", 1000);
  await limits.unban("api", "user:1");
  await limits.acquire("api", "user:1");
  await limits.renew("p1", { ttlMs: 20 });
  await limits.release("p1");
  await limits.overrides.put("api", "user:1", { unlimited: true }, { ifMatch: 3 });
  await limits.overrides.get("api", "user:1");
  await limits.overrides.list("api", { limit: 2 });
  await limits.overrides.delete("api", "user:1");
  await limits.list({ cursor: "c" });
  await limits.delete("api");
  const path = (url: string) => url.replace("https://gateway.test", "");
  expect(seen.map(({ method, url, body }) => [method, path(url), body])).toEqual([
    ["GET", "/v1/limits/api/keys/user%3A1", undefined],
    ["DELETE", "/v1/limits/api/keys/user%3A1", undefined],
    ["POST", "/v1/limits/api/keys/user%3A1/refund", { cost: 2 }],
    ["POST", "/v1/limits/api/keys/user%3A1/reserve", { cost: 2, ttlMs: 10 }],
    ["POST", "/v1/reservations/r%2F1/settle", { cost: 3 }],
    ["PUT", "/v1/limits/api/keys/user%3A1/ban", { durationMs: 1000 }],
    ["DELETE", "/v1/limits/api/keys/user%3A1/ban", undefined],
    ["POST", "/v1/limits/api/keys/user%3A1/acquire", {}],
    ["POST", "/v1/permits/p1/renew", { ttlMs: 20 }],
    ["POST", "/v1/permits/p1/release", {}],
    ["PUT", "/v1/limits/api/overrides/user%3A1", { unlimited: true }],
    ["GET", "/v1/limits/api/overrides/user%3A1", undefined],
    ["GET", "/v1/limits/api/overrides?limit=2", undefined],
    ["DELETE", "/v1/limits/api/overrides/user%3A1", undefined],
    ["GET", "/v1/limits?cursor=c", undefined],
    ["DELETE", "/v1/limits/api", undefined],
  ]);
});

test("a write may name the version that it replaces, and a dry run tells the change", async () => {
  const change = { kind: "limits", name: "api", action: "create", before: null, after: {} };
  const { client, seen } = fakeGateway([says({ name: "api", version: 9 }), says({ dryRun: true, changes: [change] })]);
  const policy = { algorithm: "gcra", limit: 10, windowMs: 1000 } as const;
  expect(await client.limits.put("api", policy, { ifMatch: 8 })).toEqual({ name: "api", version: 9 });
  expect(await client.limits.planPut("api", policy)).toEqual(change);
  expect(seen.map(({ url }) => url)).toEqual([
    "https://gateway.test/v1/limits/api",
    "https://gateway.test/v1/limits/api?dryRun=true",
  ]);
  expect(seen.map(({ headers }) => headers.get("if-match"))).toEqual(['"8"', null]);
});

test.each([
  ["a/b", "/v1/limits/api/keys?key=a%2Fb"],
  [".", "/v1/limits/api/keys?key=."],
  ["..", "/v1/limits/api/keys?key=.."],
  ["", "/v1/limits/api/keys?key="],
  ["a.b", "/v1/limits/api/keys/a.b"],
  ["a?b#c", "/v1/limits/api/keys/a%3Fb%23c"],
  ["é 😀", "/v1/limits/api/keys/%C3%A9%20%F0%9F%98%80"],
  ["__proto__", "/v1/limits/api/keys/__proto__"],
])("key %j survives its address", async (key, path) => {
  const { client, seen } = fakeGateway([says({})]);
  await client.limits.peek("api", key);
  expect(seen[0]?.url).toBe(`https://gateway.test${path}`);
  expect(new URL(seen[0]?.url ?? "").href).toBe(seen[0]?.url);
});

test("a key that is not Unicode rejects like the platform would", async () => {
  const { client, seen } = fakeGateway([]);
  await expect(client.limits.peek("api", "\ud800")).rejects.toMatchObject({ code: "invalid_parameter" });
  expect(seen).toHaveLength(0);
});

test("an id or a name that is not Unicode rejects too, and nothing throws before its promise", async () => {
  const { client } = fakeGateway([]);
  for (const call of [client.limits.release("\ud800"), client.keys.get("\ud800"), client.switches.get("\ud800")]) {
    await expect(call).rejects.toMatchObject({ code: "invalid_parameter" });
  }
});
