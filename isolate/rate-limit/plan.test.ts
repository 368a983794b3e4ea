import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LimitPolicy } from "../../contracts/limits.ts";
import { checkable, grouped, plan, summed, wireLimit } from "./plan.ts";

const known = (more: object = {}, version = 1) => ({
  version,
  policy: LimitPolicy.parse({ algorithm: "gcra", limit: 10, windowMs: 1_000, ...more }),
});
const limits = [known(), known({ limit: 20 })] as const;

describe("a plan", () => {
  test("carries of a policy only what the object needs, as one value for as long as the limit does not change", () => {
    expect(wireLimit("api", limits[0])).toEqual(["api", 1, { algorithm: "gcra", limit: 10, windowMs: 1_000 }]);
    expect(wireLimit("api", limits[0])).toBe(wireLimit("api", limits[0]));
    expect(wireLimit("api", known({}, 2))).not.toBe(wireLimit("api", limits[0]));
  });

  test("RL-18 marks shadow limits, and with limits.shadow-all every one", () => {
    const item = { limit: "api", key: "k", cost: 1 };
    expect(plan(item, known(), 0, false).shadow).toBe(0);
    expect(plan(item, known(), 0, true).shadow).toBe(1);
    expect(plan(item, known({ shadow: true }), 0, false).shadow).toBe(1);
  });

  test("knows what can be checked", () => {
    expect(checkable("api", undefined)).toMatchObject({ refusal: { code: "limit_not_found" } });
    const concurrency = { version: 1, policy: LimitPolicy.parse({ algorithm: "concurrency", limit: 1 }) };
    expect(checkable("jobs", concurrency)).toMatchObject({ refusal: { code: "limit_needs_acquire" } });
  });
});

test("RL-9 each limit and key is asked once, with the sum of its costs, at its shard", () => {
  const checks = fc.array(
    fc.record({
      limit: fc.constantFrom(0, 1),
      key: fc.constantFrom("a", "b", "c"),
      cost: fc.integer({ min: 1, max: 9 }),
    }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(checks, (given) => {
      const shardOf = (key: string) => key.charCodeAt(0) % 2;
      const planned = given.map(({ limit, key, cost }) =>
        plan({ limit: `limit ${limit}`, key, cost }, limits[limit] as (typeof limits)[0], shardOf(key), false),
      );
      const { sums, places } = summed(planned);
      expect(new Set(sums.map(({ limit, key }) => `${limit[0]} ${key}`)).size).toBe(sums.length);
      for (const [index, place] of places.entries()) {
        expect(sums[place]).toMatchObject({ limit: planned[index]?.limit, key: planned[index]?.key });
      }
      const total = (costs: readonly { cost: number }[]) => costs.reduce((sum, { cost }) => sum + cost, 0);
      expect(total(sums)).toBe(total(given));
      const groups = grouped(sums);
      expect(groups.flatMap(({ checks }) => checks)).toHaveLength(sums.length);
      for (const { shard, checks } of groups) for (const { key } of checks) expect(shardOf(key)).toBe(shard);
    }),
  );
});
