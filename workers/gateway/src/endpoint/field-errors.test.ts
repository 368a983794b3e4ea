import { expect, test } from "vitest";
import type { z } from "zod";
import { CheckRequest, LimitPolicy } from "../../../../contracts/limits.ts";
import { fieldErrors, jsonPointer } from "./field-errors.ts";

function errorsOf(schema: z.ZodType, value: unknown): Record<string, string> {
  const parsed = schema.safeParse(value, { reportInput: true });
  return Object.fromEntries(
    fieldErrors(parsed.error ?? { issues: [] }).map(({ pointer, detail }) => [pointer, detail]),
  );
}

test("GW-1 pointers follow RFC 6901", () => {
  expect(jsonPointer([])).toBe("");
  expect(jsonPointer(["a/b", 0, "m~n"])).toBe("/a~1b/0/m~0n");
});

test("GW-1 each member is told once, and whether it is missing or wrong", () => {
  expect(errorsOf(CheckRequest, { checks: [{ key: 1, cost: 1e308, x: 1 }] })).toEqual({
    "/checks/0/limit": "is missing; it must be a string",
    "/checks/0/key": "must be a string",
    "/checks/0/cost": "must be at most 1000000000",
    "/checks/0/x": "is not known here",
  });
  expect(errorsOf(CheckRequest, { checks: [] })).toEqual({ "/checks": "must have at least 1 item" });
  expect(errorsOf(CheckRequest, null)).toEqual({ "": "must be an object" });
});

test("GW-1 of a union the alternative is told that the caller most likely meant", () => {
  const policy = { algorithm: "gcra", limit: 1, windowMs: 1 };
  expect(errorsOf(LimitPolicy, { ...policy, failMode: { safeRatePerSecond: 0 } })).toEqual({
    "/failMode/safeRatePerSecond": "must be more than 0",
  });
  expect(errorsOf(LimitPolicy, { ...policy, failMode: "ajar" })).toEqual({
    "/failMode": 'must be one of "open", "closed"',
  });
  expect(errorsOf(LimitPolicy, { ...policy, algorithm: "guess" })["/algorithm"]).toContain('"sliding-log"');
});

test("GW-1 a member named __proto__ is told like any other", () => {
  const value = JSON.parse('{"checks":[{"limit":"a","key":"b","__proto__":{}}]}');
  expect(errorsOf(CheckRequest, value)).toEqual({ "/checks/0/__proto__": "is not known here" });
});

test("GW-1 a body wrong in a thousand places is told in twenty", () => {
  const checks = Array.from({ length: 20 }, () => ({}));
  expect(Object.keys(errorsOf(CheckRequest, { checks }))).toHaveLength(20);
});
