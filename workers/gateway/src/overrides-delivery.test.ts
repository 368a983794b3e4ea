import { beforeEach, expect, test } from "vitest";
import { ok, refuse } from "../../../contracts/result.ts";
import type { Undelivered } from "../../../database/overrides.ts";
import { Log } from "./log.ts";
import { deliverOverrides } from "./overrides-delivery.ts";
import { runSchedule } from "./scheduled.ts";
import type { Services } from "./services.ts";

const context = { waitUntil: () => {} };
let stored: Undelivered[];
let inForce: string[];
let away: Set<string>;
let running: number;
let mostRunning: number;
let services: Services;

beforeEach(() => {
  stored = [];
  inForce = [];
  away = new Set();
  running = 0;
  mostRunning = 0;
  const fake = {
    log: new Log("error", () => {}),
    isolate: { ready: () => undefined },
    database: {
      overrides: {
        undelivered: async (limit: number) => ok(stored.slice(0, limit)),
        markDelivered: async (items: readonly Undelivered[]) => {
          stored = stored.filter(({ version }) => !items.some((item) => item.version === version));
          return ok(undefined);
        },
        markAttempted: async (items: readonly Undelivered[]) => {
          stored = [...stored.filter((item) => !items.includes(item)), ...items];
          return ok(undefined);
        },
      },
      purgeIdempotency: async () => ok(0),
    },
    limits: {
      setOverride: async (_call: unknown, _limit: string, key: string) => {
        mostRunning = Math.max(mostRunning, ++running);
        await Promise.resolve();
        running--;
        if (away.has(key)) return refuse("limiter_unavailable", "away");
        inForce.push(key);
        return ok(null);
      },
    },
  };
  services = fake as unknown as Services;
});

function store(count: number): void {
  for (let version = 1; version <= count; version++) {
    stored.push({ tenantId: "t_1", limit: "api", key: `k${version}`, override: { limit: 1 }, version });
  }
}

test("CP-8 what was stored is delivered, a chunk at a time and few at once", async () => {
  store(300);
  expect(await deliverOverrides(services, context)).toBe(300);
  expect(mostRunning).toBe(6);
  expect(stored).toEqual([]);
  expect(new Set(inForce).size).toBe(300);
  expect(await deliverOverrides(services, context)).toBe(0);
});

test("CP-8 what its object does not take is delivered again by the schedule until it is", async () => {
  store(3);
  away.add("k2");
  await runSchedule(services, context);
  expect(stored.map(({ key }) => key)).toEqual(["k2"]);
  away.clear();
  await runSchedule(services, context);
  expect(stored).toEqual([]);
  expect(inForce).toContain("k2");
});

test("CP-8 those that no object ever takes keep no others waiting", async () => {
  store(200);
  for (const { key } of stored) away.add(key);
  for (let version = 201; version <= 500; version++) {
    stored.push({ tenantId: "t_1", limit: "api", key: `k${version}`, override: { limit: 1 }, version });
  }
  for (let run = 0; run < 2; run++) await runSchedule(services, context);
  expect(new Set(inForce).size).toBe(300);
  expect(stored).toHaveLength(200);
  away.clear();
  await runSchedule(services, context);
  expect(stored).toEqual([]);
});

test("one run is bounded, and ends when objects take nothing", async () => {
  store(1000);
  expect(await deliverOverrides(services, context)).toBe(800);
  for (const { key } of stored) away.add(key);
  const before = inForce.length;
  expect(await deliverOverrides(services, context)).toBe(0);
  expect(inForce.length).toBe(before);
});
