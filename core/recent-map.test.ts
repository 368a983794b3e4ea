import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentMap } from "./recent-map.ts";

const operation = fc.record({
  kind: fc.constantFrom("get", "set", "set", "delete"),
  key: fc.integer({ min: 0, max: 30 }),
});

test("it holds the most recently used half at least, its capacity at most, and never a wrong value", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.array(operation, { maxLength: 200 }), (capacity, operations) => {
      const map = new RecentMap<number, number>(capacity);
      /** Everything ever put, the most recently used last. */
      const model = new Map<number, number>();
      for (const [time, { kind, key }] of operations.entries()) {
        const recent = [...model.keys()].slice(-Math.floor(capacity / 2));
        if (kind === "get") {
          const value = map.get(key);
          if (value === undefined) {
            expect(recent).not.toContain(key);
          } else {
            expect(value).toBe(model.get(key));
            model.delete(key);
            model.set(key, value);
          }
        } else {
          model.delete(key);
          map.delete(key);
          if (kind === "set") {
            map.set(key, time);
            model.set(key, time);
          }
        }
        expect(map.size).toBeLessThanOrEqual(capacity);
      }
    }),
    { numRuns: 1000 },
  );
});
