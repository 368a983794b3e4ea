import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Client } from "./client.ts";
import { holdClock } from "./objects.ts";

beforeEach(() => holdClock());
afterEach(() => {
  vi.useRealTimers();
});

test("reservations, refunds and permits are counted by what came of them", async () => {
  const client = new Client();
  client.put("api", { algorithm: "gcra", limit: 10, windowMs: 60_000 });
  client.put("jobs", { algorithm: "concurrency", limit: 1 });
  const { limits } = client;
  const counted = (...labels: string[]) => client.counted("breakwater.ratelimit.operations", ...labels);

  const reserved = await limits.reserve(client.call(), "api", "k", 8, 1_000);
  if (!reserved.ok) throw new Error(reserved.refusal.detail);
  await limits.reserve(client.call(), "api", "k", 8, 1_000);
  await limits.settle(client.call(), reserved.value.reservation, 1);
  await limits.settle(client.call(), reserved.value.reservation, 1);
  await limits.refund(client.call(), "api", "k", 1);
  const held = await limits.acquire(client.call(), "jobs", "k");
  if (!held.ok) throw new Error(held.refusal.detail);
  await limits.acquire(client.call(), "jobs", "k");
  await limits.renew(client.call(), held.value.permit);
  await limits.release(client.call(), held.value.permit);
  await limits.acquire(client.call(), "of the caller's invention", "k");

  expect(counted("api", "reserve", "ok")).toBe(1);
  expect(counted("api", "reserve", "quota_exceeded")).toBe(1);
  expect(counted("", "settle", "ok")).toBe(1);
  expect(counted("", "settle", "reservation_not_found")).toBe(1);
  expect(counted("api", "refund", "ok")).toBe(1);
  expect(counted("jobs", "acquire", "ok")).toBe(1);
  expect(counted("jobs", "acquire", "permits_exhausted")).toBe(1);
  expect(counted("", "renew", "ok")).toBe(1);
  expect(counted("", "release", "ok")).toBe(1);
  expect(counted("", "acquire", "limit_not_found")).toBe(1);
  expect(counted(`name of ${client.tenantId}`)).toBe(10);
});
