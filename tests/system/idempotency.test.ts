import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestPlatform, type TestPlatform } from "../harness.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTestPlatform();
  await platform.admin.put("/v1/limits/api", { algorithm: "fixed-window", limit: 10, windowMs: 86_400_000 });
  await platform.admin.put("/v1/limits/slots", { algorithm: "concurrency", limit: 5 });
});
afterAll(() => platform?.stop());

const under = (key: string) => ({ headers: { "idempotency-key": key } });
const remaining = async (key: string) =>
  (await platform.admin.get<{ remaining: number }>(`/v1/limits/api/keys/${key}`)).body.remaining;

test.each<[string, string, object, (id: string) => Promise<unknown>]>([
  ["check", "/v1/limits/check", { checks: [{ limit: "api", key: "c", cost: 2 }] }, () => remaining("c")],
  ["batch", "/v1/limits/check-batch", { items: [{ limit: "api", key: "b", cost: 2 }] }, () => remaining("b")],
  ["refund", "/v1/limits/api/keys/f/refund", { cost: 1 }, () => remaining("f")],
  ["reserve", "/v1/limits/api/keys/r/reserve", { cost: 3 }, () => remaining("r")],
  [
    "acquire",
    "/v1/limits/slots/keys/s/acquire",
    {},
    async () => (await platform.admin.get("/v1/limits/slots/keys/s")).body,
  ],
])(
  "ID-1 ID-2 a repeated %s is done once and answered the same; another body is 422",
  async (name, path, json, look) => {
    const first = await platform.admin.post(path, json, under(`once-${name}`));
    expect(first.status).toBe(200);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    const after = await look(name);
    const again = await platform.admin.post(path, json, under(`once-${name}`));
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");

    const other =
      path.endsWith("check") || path.endsWith("batch")
        ? { ...json, ...otherItems(path) }
        : { ...json, ...otherNumber(path) };
    const reused = await platform.admin.post<{ code: string }>(path, other, under(`once-${name}`));
    expect([reused.status, reused.body.code]).toEqual([422, "idempotency_key_reused"]);
    const left = await look(name);
    if (typeof after === "number") expect(left).toBe(after);
  },
);

function otherItems(path: string): object {
  const item = { limit: "api", key: path.endsWith("check") ? "c" : "b", cost: 5 };
  return path.endsWith("check") ? { checks: [item] } : { items: [item] };
}

function otherNumber(path: string): object {
  return path.endsWith("acquire") ? { ttlMs: 5 } : { cost: 7 };
}

test("ID-4 a check that is refused is decided anew", async () => {
  const check = { checks: [{ limit: "api", key: "refused", cost: 6 }] };
  await platform.admin.post("/v1/limits/check", check);
  expect((await platform.admin.post("/v1/limits/check", check, under("anew"))).status).toBe(429);
  await platform.admin.delete("/v1/limits/api/keys/refused");
  const now = await platform.admin.post("/v1/limits/check", check, under("anew"));
  expect([now.status, now.headers.get("idempotency-replayed")]).toEqual([200, null]);
});

test("ID-5 creating and rotating a key is repeated as 409 with the id, never the secret", async () => {
  const json = { name: "once", scopes: ["limits:check"] };
  const first = await platform.admin.post<{ id: string; key: string }>("/v1/keys", json, under("create"));
  expect(first.status).toBe(201);
  const again = await platform.admin.post<{ code: string }>("/v1/keys", json, under("create"));
  expect([again.status, again.body.code]).toEqual([409, "key_already_created"]);
  expect(JSON.stringify(again.body)).toContain(first.body.id);
  expect(JSON.stringify(again.body)).not.toContain(first.body.key.slice(-64));
  const other = await platform.admin.post("/v1/keys", { ...json, name: "other" }, under("create"));
  expect(other.status).toBe(422);

  const rotate = () => platform.admin.post<{ code?: string }>(`/v1/keys/${first.body.id}/rotate`, {}, under("rotate"));
  expect((await rotate()).status).toBe(200);
  expect((await rotate()).body.code).toBe("key_already_created");
});

test("ID-6 many requests with one key at the same time do the work once", async () => {
  const check = { checks: [{ limit: "api", key: "race", cost: 1 }] };
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => platform.admin.post("/v1/limits/check", check, under("race"))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(
    new Set(answers.some(({ status }) => status === 409) ? [200, 409] : [200]),
  );
  expect(await remaining("race")).toBe(9);
  const keys = await Promise.all(
    Array.from({ length: 5 }, () =>
      platform.admin.post("/v1/keys", { name: "race", scopes: ["limits:check"] }, under("race")),
    ),
  );
  expect(keys.filter(({ status }) => status === 201)).toHaveLength(1);
});

test("ID-7 keys of different callers, tenants and routes never meet", async () => {
  const scopes = ["limits:check", "limits:write", "limits:read"];
  const [one, two, stranger] = await Promise.all([
    platform.caller({ scopes }),
    platform.caller({ scopes }),
    platform.caller({ scopes, tenant: "elsewhere" }),
  ]);
  await stranger.put("/v1/limits/api", { algorithm: "fixed-window", limit: 10, windowMs: 86_400_000 });
  const check = { checks: [{ limit: "api", key: "shared", cost: 1 }] };
  for (const caller of [platform.admin, one, two, stranger]) {
    const { status, headers } = await caller.post("/v1/limits/check", check, under("same"));
    expect([status, headers.get("idempotency-replayed")]).toEqual([200, null]);
  }
  expect(await remaining("shared")).toBe(7);
  // The same body, key and pattern of route, but another key of the limit.
  for (const key of ["x", "y"]) {
    const refund = await one.post(`/v1/limits/api/keys/${key}/refund`, { cost: 1 }, under("per-path"));
    expect([200, 422]).toContain(refund.status);
    expect(refund.headers.get("idempotency-replayed")).toBeNull();
  }
});

test.each(["", "x".repeat(256), "\u00e9"])("GW-1 an Idempotency-Key of %j is 400", async (key) => {
  const { status } = await platform.admin.post(
    "/v1/limits/check",
    { checks: [{ limit: "api", key: "a" }] },
    under(key),
  );
  expect(status).toBe(400);
});
