import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "./account.ts";
import { algorithms, type Scenario, scenarioOf } from "./testing/scenarios.ts";
import { Simulation } from "./testing/simulation.ts";
import { twinOf } from "./testing/twins.ts";

/** Each decision of the account must be its twin's, and `remaining` the largest cost that fits the twin. */
function runBeside(scenario: Scenario): void {
  const key = new Simulation(scenario);
  const twin = twinOf(scenario.policy, scenario.startMs);
  for (const [step, operation] of scenario.operations.entries()) {
    const verdict = key.run(operation);
    twin.moveTo(key.account.state.atMs);
    if (operation.do === "check") {
      const fits = twin.fits(operation.cost);
      expect(verdict?.allowed, `step ${step}`).toBe(fits);
      if (fits) twin.spend(operation.cost);
    }
    if (operation.do === "refund") twin.refund(operation.cost);
    if (operation.do === "resize") twin.resize(operation.to);
    const remaining = check(key.account, 1).remaining ?? Number.NaN;
    expect(remaining === 0 || twin.fits(remaining), `remaining ${remaining} fits after step ${step}`).toBe(true);
    expect(twin.fits(remaining + 1), `more than ${remaining} fits after step ${step}`).toBe(false);
  }
}

describe.each(algorithms)("%s", (algorithm) => {
  test("RL-6 decides as its naive twin, operation by operation", () => {
    fc.assert(fc.property(scenarioOf(algorithm, ["refund", "reload", "wait back"]), runBeside), { numRuns: 300 });
  });

  test("RL-6 RL-14 decides as its naive twin across resizes", () => {
    fc.assert(fc.property(scenarioOf(algorithm, ["refund", "reload", "resize", "wait back"]), runBeside), {
      numRuns: 300,
    });
  });
});
