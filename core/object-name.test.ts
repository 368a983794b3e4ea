import fc from "fast-check";
import { expect, test } from "vitest";
import { objectName } from "./object-name.ts";

test("an object's name is its parts, each behind its length", () => {
  expect(objectName("t_ab12", "rl", 3)).toBe("6:t_ab122:rl1:3");
});

test("RL-21 AU-2 two different tuples never share a name", () => {
  const tuple = fc.array(fc.oneof(fc.string(), fc.constantFrom("", "1", ":", "1:", "1:1", "11:")), { maxLength: 5 });
  fc.assert(
    fc.property(tuple, tuple, (a, b) => {
      const same = a.length === b.length && a.every((part, i) => part === b[i]);
      expect(objectName(...a) === objectName(...b)).toBe(same);
    }),
    { numRuns: 2000 },
  );
});
