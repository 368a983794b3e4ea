import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

test("everything has a default", () => {
  const { settings, warnings } = readSettings({});
  expect(warnings).toEqual([]);
  expect(settings).toEqual({
    adminKey: undefined,
    allowedOrigins: new Set(),
    logLevel: "info",
    platformHost: undefined,
    shards: 16,
    trustsConnectingIp: false,
  });
});

test("what cannot be used is told and replaced", () => {
  const { settings, warnings } = readSettings({
    ADMIN_KEY: "x".repeat(31),
    RATE_LIMITER_SHARDS: "0",
    LOG_LEVEL: "loud",
  });
  expect(warnings).toHaveLength(3);
  expect(warnings.join()).not.toContain("x".repeat(31));
  expect([settings.adminKey, settings.shards, settings.logLevel]).toEqual([undefined, 16, "info"]);
});

test("an ADMIN_KEY of 32 characters is the first administrator's", () => {
  expect(readSettings({ ADMIN_KEY: "x".repeat(32) }).settings.adminKey).toBe("x".repeat(32));
});
