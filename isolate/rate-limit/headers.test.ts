import { parseList } from "structured-headers";
import { describe, expect, test } from "vitest";
import { type CheckResult, LimitPolicy } from "../../contracts/limits.ts";
import { rateLimitHeaders } from "./headers.ts";

const policies: Record<string, object> = {
  api: { algorithm: "gcra", limit: 100, windowMs: 60_000, burst: 10 },
  tiny: { algorithm: "fixed-window", limit: 1, windowMs: 1 },
  daily: { algorithm: "quota", limit: 1000, calendar: { unit: "day", timeZone: "Europe/Paris" } },
  monthly: { algorithm: "quota", limit: 1000, calendar: { unit: "month" } },
};
const config = {
  limit: (_tenantId: string, name: string) =>
    name in policies ? { version: 1, policy: LimitPolicy.parse(policies[name]) } : undefined,
};

const result = (more: Partial<CheckResult>): CheckResult => ({
  limit: "api",
  key: "k",
  allowed: true,
  limitValue: 10,
  remaining: 7,
  resetMs: 1_800,
  retryAfterMs: 0,
  source: "object",
  ...more,
});
const headers = (...results: Partial<CheckResult>[]) => rateLimitHeaders(results.map(result), config, "t_1");

describe("the fields of draft-ietf-httpapi-ratelimit-headers", () => {
  test("name the policy with its window, and what is left of it in how many seconds", () => {
    expect(headers({})).toEqual({ policy: '"api";q=100;w=60', limit: '"api";r=7;t=2' });
  });

  test("round windows and waits up to whole seconds, and leave out windows without a fixed length", () => {
    expect(headers({ limit: "tiny" }).policy).toBe('"tiny";q=1;w=1');
    expect(headers({ limit: "daily" }, { limit: "monthly" }).policy).toBe('"daily";q=1000;w=86400, "monthly";q=1000');
  });

  test("name a limit once, for the key that is nearest to its end", () => {
    expect(headers({ remaining: 7 }, { remaining: 2, resetMs: 5_000 }, { remaining: 3 }).limit).toBe('"api";r=2;t=5');
  });

  test("say nothing of what is left where that is not known or not limited", () => {
    expect(headers({ remaining: null, resetMs: null })).toEqual({ policy: '"api";q=100;w=60', limit: "" });
  });

  test("RL-7 Retry-After is the longest wait, rounded up, never earlier than t", () => {
    const refused = headers(
      { allowed: false, remaining: 0, retryAfterMs: 1_001 },
      { limit: "daily", allowed: false, remaining: 0, retryAfterMs: 500 },
    );
    expect(refused).toMatchObject({ limit: '"api";r=0;t=2, "daily";r=0;t=1', retryAfterS: 2 });
    expect(headers({ allowed: false, remaining: 0, retryAfterMs: null })).not.toHaveProperty("retryAfterS");
  });

  test("are structured fields whatever the limits are called", () => {
    expect(parseList(headers({}, { limit: "daily" }).policy)).toHaveLength(2);
    expect(headers({ limit: "gone" })).toEqual({ policy: "", limit: "" });
  });
});
