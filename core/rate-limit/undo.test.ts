import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Account,
  advance,
  check,
  decode,
  encode,
  forgettableAtMs,
  idleAtMs,
  open,
  reset,
  resize,
  settle,
  spend,
} from "./account.ts";
import type { MeterPolicy } from "./policy.ts";
import { algorithms, capacityOf, policyOf, scenarioOf } from "./testing/scenarios.ts";
import { Simulation } from "./testing/simulation.ts";
import { chargeOf, giveBack, undo } from "./undo.ts";

/** More than any key holds: settling for it charges all that is free. */
const everythingFree = 2e9;
const dayMs = 86_400_000;

describe.each(algorithms)("%s", (algorithm) => {
  test("RL-9 after an undo the key has no more than if the charge had never been made", () => {
    const property = fc.property(
      scenarioOf(algorithm, ["wait back"]),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(),
      (scenario, share, after) => {
        const cost = Math.max(1, Math.floor(share * capacityOf(scenario.policy)));
        const chargeAt = after % scenario.operations.length;
        const key = new Simulation(scenario);
        let without = open(scenario.policy, 1, scenario.startMs);
        let charge: ReturnType<typeof chargeOf> | undefined;
        for (const [step, operation] of scenario.operations.entries()) {
          const verdict = key.run(operation);
          without = advance(without, key.nowMs);
          if (operation.do === "check" && verdict?.allowed) without = spend(without, operation.cost);
          if (step === chargeAt && check(key.account, cost).allowed) {
            key.account = spend(key.account, cost);
            charge = chargeOf(key.account);
            expect(undo(key.account, cost, charge)).toEqual(without);
          }
        }
        if (charge === undefined) return;
        const undone = settle(undo(key.account, cost, charge), 0, everythingFree).charged;
        const given = settle(giveBack(key.account, cost, charge), 0, everythingFree).charged;
        expect(given).toBeGreaterThanOrEqual(undone);
        expect(given).toBeLessThanOrEqual(capacityOf(scenario.policy));
        expect(undone).toBeLessThanOrEqual(settle(without, 0, everythingFree).charged);
        expect(undone).toBeGreaterThanOrEqual(settle(key.account, 0, everythingFree).charged);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

/** Everything that starts an account anew; `to` is of another algorithm. */
const starts: Readonly<Record<string, (account: Account, to: MeterPolicy, nowMs: number) => Account>> = {
  "a reset": (account, _to, nowMs) => reset(account, nowMs),
  "two resets at one time": (account, _to, nowMs) => reset(reset(account, nowMs), nowMs),
  "another algorithm": (account, to) => resize(account, to, account.version + 1),
  "another algorithm and back": (account, to) =>
    resize(resize(account, to, account.version + 1), account.policy, account.version + 2),
  "no limit and back": (account) =>
    resize(resize(account, { algorithm: "unlimited" }, account.version + 1), account.policy, account.version + 2),
};

describe.each(algorithms)("%s", (algorithm) => {
  const others = fc.constantFrom(...algorithms.filter((each) => each !== algorithm)).chain(policyOf);

  test.each(Object.keys(starts))("RL-17 after %s a charge of before is gone: nothing is given back", (start) => {
    const property = fc.property(
      scenarioOf(algorithm, ["wait back", "refund", "reload"]),
      others,
      fc.nat(),
      fc.nat(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (scenario, to, first, second, share) => {
        const cost = Math.max(1, Math.floor(share * capacityOf(scenario.policy)));
        const chargeAt = first % scenario.operations.length;
        const startAt = chargeAt + (second % (scenario.operations.length - chargeAt));
        const key = new Simulation(scenario);
        let charge: ReturnType<typeof chargeOf> | undefined;
        for (const [step, operation] of scenario.operations.entries()) {
          key.run(operation);
          if (step === chargeAt && check(key.account, cost).allowed) {
            key.account = spend(key.account, cost);
            charge = chargeOf(key.account);
          }
          if (step === startAt) key.account = (starts[start] as (typeof starts)[string])(key.account, to, key.nowMs);
        }
        if (charge === undefined) return;
        for (const account of [key.account, decode(encode(key.account))]) {
          expect(giveBack(account, cost, charge)).toBe(account);
          expect(undo(account, cost, charge)).toBe(account);
        }
        expect(forgettableAtMs(key.account)).toBeGreaterThanOrEqual(charge.atMs + dayMs);
      },
    );
    fc.assert(property, { numRuns: 100 });
  });

  test("RL-17 a row remembers its epoch: what is given back is the same after it was read again", () => {
    const property = fc.property(scenarioOf(algorithm, ["wait back"]), fc.boolean(), (scenario, isReset) => {
      const key = new Simulation(scenario);
      for (const operation of scenario.operations) key.run(operation);
      const account = isReset ? reset(key.account, key.nowMs) : key.account;
      if (!check(account, 1).allowed) return;
      const charged = { ...spend(account, 1), lagMs: 0 };
      const charge = chargeOf(charged);
      expect(giveBack(decode(encode(charged)), 1, charge)).toEqual({ ...account, lagMs: 0 });
    });
    fc.assert(property, { numRuns: 100 });
  });
});

test("RL-17 what was reserved without a limit is not given back to a key that has one", () => {
  const reserved = spend(open({ algorithm: "unlimited" }, 1, 0), 1000);
  const used = spend(open({ algorithm: "gcra", limit: 20, windowMs: 1e9, burst: 20 }, 1, 0), 20);
  expect(giveBack(used, 1000, chargeOf(reserved))).toBe(used);
});

test("RL-20 only what was started anew is remembered for a day, and a row says it in few bytes", () => {
  const used = spend(open({ algorithm: "gcra", limit: 10, windowMs: 1000, burst: 10 }, 1, 1000), 5);
  expect(forgettableAtMs(used)).toBe(idleAtMs(used));
  const started = reset(used, 2000);
  expect([idleAtMs(started), forgettableAtMs(started)]).toEqual([2000, 2000 + dayMs]);
  expect(encode(started).length - encode(used).length).toBeLessThan(14);
});

test("RL-9 a charge that has refilled gives nothing back from what another one owes", () => {
  const fresh = open({ algorithm: "gcra", limit: 10, windowMs: 1000, burst: 10 }, 1, 0);
  const charged = spend(fresh, 10);
  const later = spend(advance(charged, 1000), 10);
  expect(undo(later, 10, chargeOf(charged))).toEqual(later);
  expect(check(undo(advance(charged, 400), 10, chargeOf(charged)), 1).remaining).toBe(10);
  const half = spend(advance(charged, 400), 4);
  expect(check(undo(half, 10, chargeOf(charged)), 1).remaining).toBe(6);
});

test("RL-17 a reservation that took long gives a bucket back all that it did not need, and a window only its own", () => {
  const bucket = open({ algorithm: "token-bucket", limit: 10, windowMs: 1000, burst: 10 }, 1, 0);
  const reserved = spend(bucket, 8);
  const busy = spend(advance(reserved, 800), 8);
  expect(check(giveBack(busy, 8, chargeOf(reserved)), 1).remaining).toBe(10);
  const window = spend(open({ algorithm: "fixed-window", limit: 10, windowMs: 1000 }, 1, 0), 8);
  const next = spend(advance(window, 1000), 8);
  expect(giveBack(next, 8, chargeOf(window))).toEqual(next);
  expect(giveBack(window, 5, chargeOf(window))).toEqual(spend(open(window.policy, 1, 0), 3));
});
