import { expect, test } from "vitest";
import { changesBetween } from "./configuration-changes.ts";

test("tells what was put and what was deleted", () => {
  const before = new Map([
    ["limits/api", 1],
    ["limits/gone", 2],
    ["limits/same", 3],
  ]);
  const after = new Map([
    ["limits/api", 4],
    ["limits/same", 3],
    ["issuers/new", 5],
  ]);
  expect(changesBetween(before, after)).toEqual([
    { kind: "limits", name: "api", action: "put", version: 4 },
    { kind: "issuers", name: "new", action: "put", version: 5 },
    { kind: "limits", name: "gone", action: "delete" },
  ]);
});
