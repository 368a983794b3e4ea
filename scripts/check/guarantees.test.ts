import { expect, test } from "vitest";
import { guaranteeViolations } from "./guarantees.ts";

const spec = { path: "docs/SPEC.md", text: "| No. | Guarantee |\n| --- | --- |\n| XY-1 | a |\n| XY-2  | b |\n" };
const quoting = (text: string) => [{ path: "core/a.test.ts", text }];

test("guarantees that tests quote are in order", () => {
  expect(guaranteeViolations(spec, quoting('test("XY-1 XY-2 hold")'))).toEqual([]);
});

test("a guarantee without a test and a number without a guarantee are found", () => {
  expect(guaranteeViolations(spec, quoting('test("UTF-8")\ntest("XY-1 XY-3 hold")'))).toEqual([
    { path: "docs/SPEC.md", line: 4, message: "no test quotes XY-2" },
    { path: "core/a.test.ts", line: 2, message: "docs/SPEC.md has no XY-3" },
  ]);
});

test("what is quoted outside tests does not count", () => {
  const [first] = guaranteeViolations(spec, [{ path: "core/a.ts", text: "// XY-1 XY-2" }]);
  expect(first?.message).toBe("no test quotes XY-1");
});
