import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { RateLimiterService } from "../src/service.ts";

type Service = Pick<
  RateLimiterService,
  "check" | "checkBatch" | "peek" | "refund" | "reserve" | "settle" | "acquire" | "renew" | "release" | "ban" | "unban"
>;
const { RateLimiterService: bind } = exports as unknown as {
  RateLimiterService: (options: { props?: object }) => Service;
};
const acme = bind({ props: { tenant: "acme" } });
const other = bind({ props: { tenant: "other" } });
const nobody = bind({ props: { tenant: "nobody" } });
const bare = bind({});

test("other Workers check limits of the tenant that their binding names", async () => {
  expect(await acme.check({ checks: [{ limit: "api", key: "k", cost: 5 }] })).toMatchObject({
    value: { allowed: true, results: [{ remaining: 0, source: "object" }] },
  });
  expect(await acme.check({ checks: [{ limit: "api", key: "k" }] })).toMatchObject({ value: { allowed: false } });
  expect(
    await acme.checkBatch({
      items: [
        { limit: "api", key: "l" },
        { limit: "none", key: "l" },
      ],
    }),
  ).toMatchObject({
    value: { results: [{ allowed: true }, { error: { code: "limit_not_found" } }] },
  });
});

test("AU-2 a binding of another tenant sees nothing of it, and one without a tenant nothing at all", async () => {
  expect(await other.peek({ limit: "api", key: "k" })).toMatchObject({ refusal: { code: "limit_not_found" } });
  expect(await nobody.peek({ limit: "api", key: "k" })).toMatchObject({ refusal: { code: "forbidden" } });
  expect(await bare.peek({ limit: "api", key: "k" })).toMatchObject({ refusal: { code: "forbidden" } });
  const reserved = await acme.reserve({ limit: "api", key: "r", cost: 1 });
  if (!reserved.ok) throw new Error(reserved.refusal.detail);
  expect(await other.settle({ reservation: reserved.value.reservation, cost: 0 })).toMatchObject({
    refusal: { code: "reservation_not_found" },
  });
  expect(await acme.settle({ reservation: reserved.value.reservation, cost: 0 })).toMatchObject({ ok: true });
});

test("input is checked with the schemas of the HTTP API", async () => {
  for (const request of [
    undefined,
    {},
    { checks: [] },
    { checks: [{ limit: "api", key: "" }] },
    { tenant: "t_other" },
  ]) {
    expect(await acme.check(request as never)).toMatchObject({ refusal: { code: "invalid_body" } });
  }
  expect(await acme.check({ checks: [{ limit: "api", key: "v", cost: 0.5 }] })).toMatchObject({
    refusal: { code: "invalid_body", detail: expect.stringContaining("/checks/0/cost") },
  });
  expect(await acme.peek({ limit: "api", key: "v" }, { idempotencyKey: "" })).toMatchObject({
    refusal: { code: "invalid_body" },
  });
});

test("ID-1 a call is repeated with its Idempotency-Key", async () => {
  const request = { limit: "api", key: "once", cost: 2 };
  const first = await acme.refund(request, { idempotencyKey: "a" });
  expect(await acme.refund(request, { idempotencyKey: "a" })).toEqual({ ...first, replayed: true });
  expect(await acme.refund({ ...request, cost: 3 }, { idempotencyKey: "a" })).toMatchObject({
    refusal: { code: "idempotency_key_reused" },
  });
});

test("permits are acquired, renewed and released", async () => {
  const permit = await acme.acquire({ limit: "jobs", key: "k" });
  if (!permit.ok) throw new Error(permit.refusal.detail);
  expect(await acme.acquire({ limit: "jobs", key: "k" })).toMatchObject({ refusal: { code: "permits_exhausted" } });
  expect(await acme.renew({ permit: permit.value.permit, ttlMs: 1000 })).toMatchObject({ ok: true });
  expect(await acme.release({ permit: permit.value.permit })).toMatchObject({ ok: true });
  expect(await acme.release({ permit: permit.value.permit })).toMatchObject({ refusal: { code: "permit_not_found" } });
});
