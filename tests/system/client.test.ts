import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Breakwater, BreakwaterError } from "../../client/index.ts";
import { startTestPlatform, type TestPlatform, testAdminKey } from "../harness.ts";

// The client against the whole platform: that both mean the same by every path, body and answer.

const origin = "https://app.example.com";
let platform: TestPlatform;
let admin: Breakwater;

beforeAll(async () => {
  platform = await startTestPlatform({ ALLOWED_ORIGINS: origin });
  admin = new Breakwater({ baseUrl: platform.url, token: testAdminKey });
  await admin.limits.put("api", { algorithm: "gcra", limit: 10, windowMs: 3_600_000 });
  await admin.limits.put("jobs", { algorithm: "concurrency", limit: 1 });
});

afterAll(() => platform.stop());

describe("limits", () => {
  test("are written, read, listed, planned and deleted, under the version that was read", async () => {
    const policy = { algorithm: "fixed-window", limit: 5, windowMs: 1000 } as const;
    expect(await admin.limits.planPut("lifecycle", policy)).toMatchObject({ action: "create", name: "lifecycle" });
    const created = await admin.limits.put("lifecycle", policy);
    expect(created).toMatchObject({ name: "lifecycle", ...policy, mode: "exact", failMode: "open" });
    expect(await admin.limits.get("lifecycle")).toEqual(created);
    const updated = await admin.limits.put("lifecycle", { ...policy, limit: 6 }, { ifMatch: created.version });
    expect(updated.version).toBeGreaterThan(created.version);
    await expect(admin.limits.put("lifecycle", policy, { ifMatch: created.version })).rejects.toMatchObject({
      code: "version_mismatch",
      status: 412,
    });
    const { limits } = await admin.limits.list();
    expect(limits.find(({ name }) => name === "lifecycle")).toEqual(updated);
    expect(await admin.limits.planDelete("lifecycle")).toMatchObject({ action: "delete" });
    await admin.limits.delete("lifecycle", { ifMatch: updated.version });
    await expect(admin.limits.get("lifecycle")).rejects.toMatchObject({ code: "limit_not_found" });
  });

  test("pages follow one another by cursor", async () => {
    const first = await admin.limits.list({ limit: 1 });
    expect(first.limits).toHaveLength(1);
    const second = await admin.limits.list({ limit: 1, cursor: first.cursor ?? "" });
    expect(second.limits[0]?.name).not.toBe(first.limits[0]?.name);
  });

  test("a check is allowed and then refused, as values", async () => {
    const check = { limit: "api", key: "check", cost: 10 };
    expect(await admin.limits.check(check)).toMatchObject({
      allowed: true,
      results: [{ remaining: 0, source: "object" }],
    });
    const refused = await admin.limits.check(check);
    expect(refused).toMatchObject({ allowed: false, results: [{ limit: "api", key: "check", allowed: false }] });
    expect(refused.results[0]?.retryAfterMs).toBeGreaterThan(0);
    const batch = await admin.limits.checkBatch([check, { limit: "api", key: "other" }, { limit: "nope", key: "k" }]);
    expect(batch.results).toMatchObject([
      { allowed: false },
      { allowed: true },
      { error: { code: "limit_not_found" } },
    ]);
  });

  test("ID-1 a check repeated under its Idempotency-Key is charged once", async () => {
    const check = { limit: "api", key: "idempotent", cost: 6 };
    const idempotencyKey = "client-test-1";
    expect(await admin.limits.check(check, { idempotencyKey })).toMatchObject({ allowed: true });
    expect(await admin.limits.check(check, { idempotencyKey })).toMatchObject({ allowed: true });
    expect(await admin.limits.peek("api", "idempotent")).toMatchObject({ remaining: 4 });
  });

  test.each(["plain", "with/slash", ".", "..", "ban", "refund", "__proto__", "é 😀", "a%2Fb?c#d&e=f+g", " "])(
    "RL-21 key %j is one key to every operation",
    async (key) => {
      const { limits } = admin;
      await limits.check({ limit: "api", key, cost: 4 });
      expect(await limits.peek("api", key)).toMatchObject({ limit: "api", key, remaining: 6 });
      expect(await limits.refund("api", key, 2)).toMatchObject({ key, remaining: 8 });
      expect(await limits.ban("api", key, 60_000)).toMatchObject({ key, remaining: 0 });
      expect(await limits.check({ limit: "api", key })).toMatchObject({ allowed: false });
      expect(await limits.unban("api", key)).toMatchObject({ key, remaining: 8 });
      expect(await limits.reset("api", key)).toMatchObject({ key, remaining: 10 });
      expect(await limits.overrides.put("api", key, { limit: 3 })).toMatchObject({ key, override: { limit: 3 } });
      expect(await limits.overrides.get("api", key)).toMatchObject({ key, override: { limit: 3 } });
      expect(await limits.peek("api", key)).toMatchObject({ limitValue: 3 });
      expect((await limits.overrides.list("api")).overrides.some((override) => override.key === key)).toBe(true);
      await limits.overrides.delete("api", key);
      expect(await limits.peek("api", key)).toMatchObject({ limitValue: 10 });
    },
  );

  test("RL-17 a reservation is settled at its real cost, and one too large is refused as an error", async () => {
    const { reservation } = await admin.limits.reserve("api", "reserve", 8, { ttlMs: 60_000 });
    expect(await admin.limits.settle(reservation, 3)).toEqual({ reserved: 8, charged: 3, uncharged: 0 });
    expect(await admin.limits.peek("api", "reserve")).toMatchObject({ remaining: 7 });
    await expect(admin.limits.reserve("api", "reserve", 9)).rejects.toMatchObject({
      code: "quota_exceeded",
      status: 429,
    });
  });

  test("RL-5 one permit is held by one piece of work at a time", async () => {
    const inner = admin.limits.withPermit("jobs", "one", () =>
      admin.limits.acquire("jobs", "one").catch((error: unknown) => error),
    );
    expect(await inner).toMatchObject({ code: "permits_exhausted", status: 429 });
    const { permit } = await admin.limits.acquire("jobs", "one", { ttlMs: 60_000 });
    expect(await admin.limits.renew(permit, { ttlMs: 60_000 })).toMatchObject({ permit });
    await admin.limits.release(permit);
    await expect(admin.limits.release(permit)).rejects.toMatchObject({ code: "permit_not_found" });
  });
});

test("keys are created, used, rotated, listed and revoked", async () => {
  const { id, key } = await admin.keys.create({ name: "client test", scopes: ["limits:check"] });
  const caller = new Breakwater({ baseUrl: platform.url, token: key });
  expect((await caller.limits.check({ limit: "api", key: "keys" })).allowed).toBe(true);
  await expect(caller.limits.get("api")).rejects.toMatchObject({ code: "forbidden", status: 403, retryable: false });
  const rotated = await admin.keys.rotate(id);
  expect(rotated.id).toBe(id);
  expect(rotated.key).not.toBe(key);
  expect(await admin.keys.get(id)).toMatchObject({ id, name: "client test", revokedAt: null });
  await admin.keys.revoke(id);
  expect((await admin.keys.list({ limit: 1000 })).keys.some((one) => one.id === id)).toBe(true);
  const revoked = new Breakwater({ baseUrl: platform.url, token: rotated.key });
  await expect(revoked.limits.check({ limit: "api", key: "keys" })).rejects.toMatchObject({ code: "unauthenticated" });
});

test("ID-5 a key whose creation is repeated is told by its id", async () => {
  const options = { idempotencyKey: "client-test-key" };
  const request = { name: "once", scopes: ["limits:check" as const] };
  await admin.keys.create(request, options);
  await expect(admin.keys.create(request, options)).rejects.toMatchObject({ code: "key_already_created" });
});

test("switches are set, read, listed and deleted", async () => {
  await admin.switches.put("client-test", { on: true, value: { rollout: 0.5 } });
  expect(await admin.switches.get("client-test")).toMatchObject({ on: true, value: { rollout: 0.5 } });
  expect((await admin.switches.list()).switches.some(({ name }) => name === "client-test")).toBe(true);
  await admin.switches.delete("client-test");
  await expect(admin.switches.get("client-test")).rejects.toMatchObject({ code: "switch_not_found" });
});

test("issuers are written, read and deleted", async () => {
  const issuer = { issuer: "https://issuer.test", audience: "breakwater", jwksUrl: "https://issuer.test/jwks" };
  expect(await admin.issuers.put("client-test", issuer)).toMatchObject({ name: "client-test", ...issuer });
  expect((await admin.issuers.list()).issuers.some(({ name }) => name === "client-test")).toBe(true);
  await admin.issuers.delete("client-test");
});

test("CP-7 importing an export changes nothing, and the audit tells who changed what", async () => {
  const document = await admin.configuration.export();
  expect(document.limits).toHaveProperty("api");
  expect(await admin.configuration.import(document, { dryRun: true })).toMatchObject({ dryRun: true });
  const { changes } = await admin.configuration.import(document);
  expect(changes.filter(({ action }) => action !== "unchanged")).toEqual([]);
  const { entries } = await admin.configuration.audit({ limit: 5 });
  expect(entries).toHaveLength(5);
  expect(entries[0]).toMatchObject({ actor: "admin" });
});

test("a ticket is made, and the platform says that it is well", async () => {
  expect(await admin.ticket("/v1/events")).toMatchObject({ ticket: expect.any(String) });
  await admin.healthy();
  expect(await admin.ready()).toMatchObject({ status: "ready" });
});

test("errors carry what the platform says", async () => {
  const failure = await admin.limits.check({ limit: "api", key: "k", cost: -1 }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BreakwaterError);
  expect(failure).toMatchObject({
    code: "invalid_body",
    status: 400,
    retryable: false,
    requestId: expect.stringMatching(/./),
    errors: [{ pointer: "/checks/0/cost" }],
  });
  const nobody = new Breakwater({ baseUrl: platform.url });
  await expect(nobody.limits.list()).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
});

test("a browser on an allowed origin may send every header that the client sends, and read what it reads", async () => {
  const sent = new Set<string>();
  const recording = new Breakwater({
    baseUrl: platform.url,
    token: testAdminKey,
    fetch: (url, init) => {
      for (const name of new Headers(init.headers).keys()) sent.add(name);
      return fetch(url, init);
    },
  });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const { version } = await recording.limits.get("api", { traceparent });
  const policy = { algorithm: "gcra", limit: 10, windowMs: 3_600_000 } as const;
  await recording.limits.put("api", policy, { ifMatch: version });
  await recording.limits.refund("api", "browser", 1);
  const preflight = await fetch(`${platform.url}/v1/limits/api`, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "PUT" },
  });
  const allowed = listOf(preflight.headers.get("access-control-allow-headers"));
  // `Accept` needs no leave (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
  expect([...sent].filter((name) => name !== "accept" && !allowed.includes(name))).toEqual([]);
  const answer = await fetch(`${platform.url}/healthz`, { headers: { origin } });
  expect(listOf(answer.headers.get("access-control-expose-headers"))).toEqual(
    expect.arrayContaining(["retry-after", "x-request-id"]),
  );
});

function listOf(header: string | null): string[] {
  return (header ?? "").toLowerCase().split(/\s*,\s*/);
}
