import {
  type Account,
  advance,
  check,
  confirm,
  decode,
  encode,
  hold,
  open,
  refund,
  release,
  resize,
  spent,
  type Verdict,
} from "../account.ts";
import type { Operation, Scenario } from "./scenarios.ts";

/** `cost` tokens that were admitted at `atMs` of the account's time. */
export interface Admission {
  readonly atMs: number;
  readonly cost: number;
}

/** One key, the clock that it is asked with, and everything that it ever admitted. */
export class Simulation {
  readonly admissions: Admission[] = [];
  nowMs: number;
  account: Account;
  #version = 1;

  constructor(scenario: Scenario) {
    this.nowMs = scenario.startMs;
    this.account = open(scenario.policy, this.#version, scenario.startMs);
  }

  /** Does `operation`, as an object would: advance to the clock first, ask, then change. The verdict when it was a check. */
  run(operation: Operation): Verdict | undefined {
    if (operation.do === "wait") this.nowMs = Math.max(0, this.nowMs + operation.ms);
    this.account = freeze(advance(this.account, this.nowMs));
    switch (operation.do) {
      case "check": {
        const verdict = check(this.account, operation.cost);
        if (!verdict.allowed) return verdict;
        const after = spent(this.account, operation.cost);
        this.#admit(operation.cost);
        this.account = after.account;
        return after.verdict;
      }
      case "refund":
        this.account = refund(this.account, operation.cost);
        return undefined;
      case "resize":
        this.#version += 1;
        this.account = resize(this.account, operation.to, this.#version);
        return undefined;
      case "reload":
        this.account = advance(decode(encode(this.account)), this.nowMs);
        return undefined;
      case "hold":
        if (check(this.account, operation.cost).allowed) {
          this.account = hold(this.account, operation.id, operation.cost, this.account.state.atMs + operation.ttlMs);
        }
        return undefined;
      case "confirm": {
        const cost = this.account.holds.find((held) => held.id === operation.id)?.cost ?? operation.cost;
        const { account, confirmed } = confirm(this.account, operation.id, operation.cost);
        if (confirmed) this.#admit(cost);
        this.account = account;
        return undefined;
      }
      case "release":
        this.account = release(this.account, operation.id);
        return undefined;
      case "wait":
        return undefined;
    }
  }

  #admit(cost: number): void {
    this.admissions.push({ atMs: this.account.state.atMs, cost });
  }
}

/** Everything that the scenario's key admitted, in order. */
export function admissionsOf(scenario: Scenario): readonly Admission[] {
  const simulation = new Simulation(scenario);
  for (const operation of scenario.operations) simulation.run(operation);
  return simulation.admissions;
}

/** Deeply frozen, so that a change in place throws. */
export function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) freeze(each);
  }
  return value;
}
