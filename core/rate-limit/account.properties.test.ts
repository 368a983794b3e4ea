import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { advance, ban, check, decode, encode, idle, idleAtMs, open, refund, resize, settle, spend } from "./account.ts";
import { algorithms, capacityOf, policyOf, type Scenario, scenarioOf } from "./testing/scenarios.ts";
import { freeze, Simulation } from "./testing/simulation.ts";

const everything = ["refund", "reload", "resize", "hold", "wait back"] as const;
const runs = { numRuns: 300 };

/** The account after the scenario, advanced to the scenario's clock, and that clock. */
function after(scenario: Scenario): Simulation {
  const key = new Simulation(scenario);
  for (const operation of scenario.operations) key.run(operation);
  key.account = freeze(advance(key.account, key.nowMs));
  return key;
}

/** A cost from its place between nothing and a little more than the capacity. */
function costAt(place: number, capacity: number): number {
  return Math.max(1, Math.round(place * (capacity + 1)));
}

/** Debts of another window may take 285,000 years to refill; no clock counts the milliseconds after that. */
function isBefore2To53(atMs: number): boolean {
  return Number.isSafeInteger(atMs);
}

const place = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));

describe.each(algorithms)("%s", (algorithm) => {
  test("RL-7 a refused check is refused 1 ms before retryAfterMs and admitted at it, also with holds, bans, resizes and a clock that jumped", () => {
    const property = fc.property(
      scenarioOf(algorithm, everything),
      place,
      fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 })),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (scenario, costPlace, banMs, between) => {
        const key = after(scenario);
        const account = ban(key.account, key.account.state.atMs + banMs);
        const capacity = capacityOf(account.policy);
        const cost = costAt(costPlace, capacity);
        const { allowed, retryAfterMs } = check(account, cost);
        fc.pre(isBefore2To53(key.nowMs + (retryAfterMs ?? 0)));
        if (allowed) {
          expect(retryAfterMs).toBe(0);
        } else if (retryAfterMs === null) {
          expect(cost).toBeGreaterThan(capacity);
        } else {
          const at = (ms: number) => check(advance(account, key.nowMs + ms), cost);
          expect(at(retryAfterMs).allowed, `at ${retryAfterMs}`).toBe(true);
          expect(at(retryAfterMs - 1).allowed, `just before ${retryAfterMs}`).toBe(false);
          expect(at(Math.floor(between * retryAfterMs)).allowed, "in between").toBe(false);
        }
        if (cost > capacity) expect(retryAfterMs).toBeNull();
      },
    );
    fc.assert(property, runs);
  });

  test("RL-8 what was refused leaves no trace: without the refused checks the account is the same", () => {
    const property = fc.property(scenarioOf(algorithm, everything), (scenario) => {
      const key = new Simulation(scenario);
      const effective = scenario.operations.filter((operation) => key.run(operation)?.allowed !== false);
      const without = after({ ...scenario, operations: effective });
      expect(advance(key.account, key.nowMs)).toEqual(without.account);
    });
    fc.assert(property, runs);
  });

  test("RL-13 a clock that jumps back decides as one that stands still, and adds no more than the jump to a wait", () => {
    const property = fc.property(scenarioOf(algorithm, ["refund", "hold", "wait back"]), (scenario) => {
      const jumping = new Simulation(scenario);
      const standing = new Simulation(scenario);
      for (const operation of scenario.operations) {
        const verdict = jumping.run(operation);
        const beforeMs = standing.nowMs;
        const same =
          operation.do === "wait"
            ? standing.run({ do: "wait", ms: Math.max(0, jumping.nowMs - beforeMs) })
            : standing.run(operation);
        const jumpMs = standing.nowMs - jumping.nowMs;
        expect(verdict?.allowed).toBe(same?.allowed);
        expect(verdict?.remaining).toBe(same?.remaining);
        if (same?.retryAfterMs) expect(verdict?.retryAfterMs).toBe(same.retryAfterMs + jumpMs);
        if (same?.resetMs) expect(verdict?.resetMs).toBe(same.resetMs + jumpMs);
        expect(jumping.account.state).toEqual(standing.account.state);
      }
    });
    fc.assert(property, runs);
  });

  test("RL-14 a resize forgets nothing that was spent, and is never undone by an older version", () => {
    const property = fc.property(scenarioOf(algorithm, everything), policyOf(algorithm), (scenario, to) => {
      const { account } = after(scenario);
      const now = account.state.atMs;
      const withoutHolds = { ...account, holds: [] };
      const used = capacityOf(account.policy) - (settle(withoutHolds, 0, 2e9).charged || 0);
      const resized = resize(withoutHolds, to, account.version + 1);
      const freed = settle(resized, 0, 2e9).charged;
      expect(resized.state.atMs).toBe(now);
      expect(freed).toBeLessThanOrEqual(capacityOf(to));
      // A log under a shorter window rightly forgets what is older than it.
      if (algorithm !== "sliding-log") expect(freed).toBeLessThanOrEqual(Math.max(0, capacityOf(to) - used));
      expect(resize(resized, account.policy, account.version)).toBe(resized);
      expect(resize(resized, account.policy, resized.version)).toBe(resized);
    });
    fc.assert(property, runs);
  });

  test("RL-16 a refund gives back at most its cost and never more than an unused key holds", () => {
    const property = fc.property(scenarioOf(algorithm, everything), place, (scenario, costPlace) => {
      const key = after(scenario);
      const capacity = capacityOf(key.account.policy);
      const cost = costAt(costPlace, capacity);
      const account = { ...key.account, holds: [] };
      const before = settle(account, 0, 2e9).charged;
      const refunded = settle(refund(account, cost), 0, 2e9).charged;
      expect(refunded).toBeLessThanOrEqual(capacity);
      expect(refunded).toBeLessThanOrEqual(before + cost);
      expect(refunded).toBeGreaterThanOrEqual(before);
      const fresh = open(account.policy, 1, key.nowMs);
      expect(refund(fresh, cost)).toEqual(fresh);
    });
    fc.assert(property, runs);
  });

  test("RL-16 a spend that is refunded at once leaves the key as it was", () => {
    const property = fc.property(scenarioOf(algorithm, everything), place, (scenario, costPlace) => {
      const { account } = after(scenario);
      const cost = costAt(costPlace, capacityOf(account.policy));
      if (check(account, cost).allowed) expect(refund(spend(account, cost), cost)).toEqual(account);
    });
    fc.assert(property, runs);
  });

  test("RL-17 settling gives back or charges the difference as far as it fits, and says what did not", () => {
    const property = fc.property(scenarioOf(algorithm, everything), place, place, (scenario, first, second) => {
      const { account } = after(scenario);
      const capacity = capacityOf(account.policy);
      const reserved = costAt(first, capacity);
      const actual = Math.round(second * (capacity + 1));
      if (!check(account, reserved).allowed) return;
      const held = spend(account, reserved);
      const left = check(held, 1).remaining ?? Number.NaN;
      const settled = settle(held, reserved, actual);
      expect(settled.charged + settled.uncharged).toBe(actual);
      expect(settled.charged).toBe(Math.min(actual, reserved + left));
      expect(settled.account).toEqual(settled.charged === 0 ? account : spend(account, settled.charged));
    });
    fc.assert(property, runs);
  });

  test("RL-19 a ban refuses every cost until it ends, whatever is left, and is kept in the row", () => {
    const property = fc.property(
      scenarioOf(algorithm, everything),
      fc.integer({ min: 1, max: 1e9 }),
      (scenario, ms) => {
        const key = after(scenario);
        const endsMs = key.account.state.atMs + ms;
        const banned = advance(decode(encode(ban(key.account, endsMs))), key.nowMs);
        const free = advance({ ...key.account, holds: [] }, endsMs);
        expect(check(advance(banned, endsMs - 1), 1)).toMatchObject({ allowed: false, remaining: 0 });
        expect(check(advance(banned, endsMs), 1)).toEqual(check(free, 1));
      },
    );
    fc.assert(property, runs);
  });

  test("a row brings back the account but for its holds", () => {
    const property = fc.property(scenarioOf(algorithm, everything), (scenario) => {
      const { account } = after(scenario);
      const row = encode(account);
      expect(decode(row)).toEqual({ ...account, holds: [], lagMs: 0 });
      if (algorithm !== "sliding-log") expect(row.length).toBeLessThan(120);
    });
    fc.assert(property, runs);
  });

  test("resetMs and idleAtMs: a millisecond earlier the key is in use, then it stands as if never used", () => {
    const property = fc.property(scenarioOf(algorithm, everything), (scenario) => {
      const key = after(scenario);
      const { account } = key;
      const atMs = idleAtMs(account);
      fc.pre(isBefore2To53(atMs));
      const { resetMs } = check(account, 1);
      expect(idle(account)).toBe(atMs <= account.state.atMs);
      expect(resetMs).toBe(idle(account) ? 0 : atMs - key.nowMs);
      const then = advance(account, atMs);
      expect(idle(then)).toBe(true);
      expect(then.state).toEqual(open(account.policy, 1, Math.max(atMs, account.state.atMs)).state);
      expect(then.holds).toEqual([]);
      if (!idle(account)) expect(idle(advance(account, atMs - 1))).toBe(false);
    });
    fc.assert(property, runs);
  });
});
