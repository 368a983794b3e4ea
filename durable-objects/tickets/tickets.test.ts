import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { bindings, freshPlatform } from "../../database/testing/bindings.ts";

const grant = { subject: "key:k1", tenant: "shop", scopes: ["events:read"], path: "/v1/events" };
const refused = { ok: false, refusal: { code: "unauthenticated" } };
const startMs = 1_800_000_000_000;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(startMs);
  await freshPlatform();
});
afterEach(() => {
  vi.useRealTimers();
});

const object = () => bindings.TICKETS.getByName("6:t_shop7:tickets");

async function mint(): Promise<string> {
  const minted = await object().mint("t_shop", grant);
  if (!minted.ok) throw new Error(minted.refusal.detail);
  expect(minted.value.expiresAtMs).toBe(Date.now() + 30_000);
  return minted.value.ticket;
}

describe("AU-7", () => {
  test("a ticket works once and carries its maker, over evictions", async () => {
    const ticket = await mint();
    expect(ticket).toMatch(/^t_shop\.[0-9a-f]{64}$/);
    await evictDurableObject(object());
    expect(await object().redeem(ticket, "/v1/events")).toEqual({ ok: true, value: grant });
    await evictDurableObject(object());
    expect(await object().redeem(ticket, "/v1/events")).toMatchObject(refused);
  });

  test("two uses at the same time: one of them works", async () => {
    const ticket = await mint();
    const uses = await Promise.all([1, 2, 3].map(() => object().redeem(ticket, "/v1/events")));
    expect(uses.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test("a ticket works until just before 30 s", async () => {
    const [early, late] = [await mint(), await mint()];
    vi.setSystemTime(startMs + 29_999);
    expect(await object().redeem(early, "/v1/events")).toMatchObject({ ok: true });
    vi.setSystemTime(startMs + 30_000);
    expect(await object().redeem(late, "/v1/events")).toMatchObject(refused);
  });

  test("a ticket tried for another path is spent", async () => {
    const ticket = await mint();
    expect(await object().redeem(ticket, "/v1/audit")).toMatchObject(refused);
    expect(await object().redeem(ticket, "/v1/events")).toMatchObject(refused);
  });
});

test("AU-3 the stored ticket is a hash", async () => {
  const ticket = await mint();
  const stored = await runInDurableObject(object(), (_, state) =>
    JSON.stringify(state.storage.sql.exec("SELECT * FROM tickets").toArray()),
  );
  expect(stored).not.toContain(ticket.slice("t_shop.".length));
});

test("the alarm forgets what has ended, and with the last ticket everything", async () => {
  await mint();
  vi.setSystemTime(startMs + 10_000);
  await mint();
  const count = () =>
    runInDurableObject(object(), (_, state) => state.storage.sql.exec("SELECT 1 FROM tickets").toArray().length);
  vi.setSystemTime(startMs + 30_000);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  expect(await count()).toBe(1);
  vi.setSystemTime(startMs + 40_000);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  expect(await runDurableObjectAlarm(object())).toBe(false);
  expect(await object().redeem("t_shop.00", "/v1/events")).toMatchObject(refused);
  expect(await object().redeem(await mint(), "/v1/events")).toMatchObject({ ok: true });
});

test("an object that never made a ticket keeps nothing, whatever it is asked", async () => {
  expect(await object().redeem("t_shop.00", "/v1/events")).toMatchObject(refused);
  const tables = await runInDurableObject(object(), (_, state) =>
    state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'tickets'").toArray(),
  );
  expect(tables).toEqual([]);
});

test("10,000 unspent tickets are the bound", async () => {
  await mint();
  await runInDurableObject(object(), (_, state) => {
    state.storage.sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
       INSERT INTO tickets SELECT 'h' || i, '{}', '/', ${startMs + 5_000} FROM n`,
    );
  });
  expect(await object().mint("t_shop", grant)).toMatchObject({ ok: false, refusal: { code: "overloaded" } });
  vi.setSystemTime(startMs + 5_000);
  expect(await object().mint("t_shop", grant)).toMatchObject({ ok: true });
});
