import fc from "fast-check";
import { expect, test } from "vitest";
import { equalConstantTime } from "./constant-time.ts";

test("equals exactly what === equals", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength: 4 });
  fc.assert(
    fc.property(text, text, (presented, secret) => {
      expect(equalConstantTime(presented, secret)).toBe(presented === secret);
    }),
  );
});
