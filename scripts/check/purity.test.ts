import { expect, test } from "vitest";
import { purityViolations } from "./purity.ts";

const violations = (path: string, text: string) => purityViolations([{ path, text }]).map(({ message }) => message);

test.each([
  "const now = Date.now();",
  "const now = new Date();",
  "const now = Date();",
  "const now = Temporal.Now.instant();",
  "const now = performance.now();",
  "const id = Math.random();",
  "const id = crypto.randomUUID();",
  "setTimeout(() => {}, 1);",
  "queueMicrotask(next);",
  "await fetch(url);",
  "const home = process.env.HOME;",
])("core must not: %s", (text) => {
  expect(violations("core/a.ts", text)).toHaveLength(1);
});

test.each([
  ["core/a.ts", "const day = new Date(nowMs);"],
  ["core/a.ts", "// Date.now() comes in as an argument"],
  ["core/a.ts", "const year = asDate(x); db.fetch(x); new Date(Date.UTC(2026, 0));"],
  ["core/a.test.ts", "const now = Date.now();"],
  ["core/testing/a.ts", "const seed = Math.random();"],
  ["isolate/a.ts", "const now = Date.now();"],
])("allowed: %s: %s", (path, text) => {
  expect(violations(path, text)).toEqual([]);
});
