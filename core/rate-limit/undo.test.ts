import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { advance, check, open, settle, spend } from "./account.ts";
import { algorithms, capacityOf, scenarioOf } from "./testing/scenarios.ts";
import { Simulation } from "./testing/simulation.ts";
import { chargeOf, giveBack, undo } from "./undo.ts";

/** More than any key holds: settling for it charges all that is free. */
const everythingFree = 2e9;

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
