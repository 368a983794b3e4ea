import { type Account, epochOf, refund } from "./account.ts";
import { type AnyState, meterOf } from "./algorithms.ts";
import type { GcraState } from "./gcra.ts";
import type { SlidingLogState } from "./sliding-log.ts";
import type { SlidingWindowState } from "./sliding-window.ts";
import type { TokenBucketState } from "./token-bucket.ts";

/** When a charge was made, by its account: what tells whether it still counts. */
export interface Charge {
  /** The account's time at the spend. */
  readonly atMs: number;
  /** The account's version at the spend. */
  readonly version: number;
  /** The account's epoch at the spend: in another one the charge is gone. */
  readonly epoch: string;
}

/** What the account's last spend is remembered by. */
export function chargeOf(account: Account): Charge {
  return { atMs: account.state.atMs, version: account.version, epoch: epochOf(account) };
}

/**
 * Takes a charge of the past back, as far as it certainly still counts. Unlike `refund` it leaves the admissions of any
 * span within the bound as if the charge had never been made: a bucket gets back what it would still owe had it been
 * charged nothing else, a charge of a window that has ended gives nothing to the next one, and a log loses the very entry.
 *
 * Had a bucket not been charged `cost`, it would owe less now by some d. At first d is `cost`, and it shrinks only while
 * the bucket would be full without the charge, at the rate of the refill. So d is at least what is left of the charge
 * when it refills alone; how much more, nobody remembers. Numbers that changed meanwhile give nothing back: what was
 * spent counts elsewhere then. Nor does an account that was started anew (RL-17): it never owed the charge.
 */
export function undo(account: Account, cost: number, charge: Charge): Account {
  const { policy, state } = account;
  if (policy.algorithm === "unlimited" || !isOf(account, charge)) return account;
  if (policy.algorithm === "sliding-log")
    return { ...account, state: withoutEntry(state as SlidingLogState, cost, charge) };
  if (account.version !== charge.version) return account;
  const alone = chargedAlone(account, cost, charge);
  switch (policy.algorithm) {
    case "gcra": {
      const usedUnits = (state as GcraState).usedUnits - (alone as GcraState).usedUnits;
      return { ...account, state: { atMs: state.atMs, usedUnits: Math.max(0, usedUnits) } };
    }
    case "token-bucket": {
      const fullUnits = (meterOf(policy).fresh(policy, state.atMs) as TokenBucketState).levelUnits;
      const backUnits = fullUnits - (alone as TokenBucketState).levelUnits;
      const levelUnits = Math.min(fullUnits, (state as TokenBucketState).levelUnits + backUnits);
      return { ...account, state: { atMs: state.atMs, levelUnits } };
    }
    case "fixed-window":
    case "quota":
      return stillCounts(account, alone) ? refund(account, cost) : account;
    case "sliding-window": {
      const { previous, current } = state as SlidingWindowState;
      const less = alone as SlidingWindowState;
      return {
        ...account,
        state: {
          atMs: state.atMs,
          previous: Math.max(0, previous - less.previous),
          current: Math.max(0, current - less.current),
        },
      };
    }
  }
}

/**
 * Gives back the part of a reservation that was not needed. A bucket gets the whole of it, however long ago it was charged:
 * work that took a minute must not cost what it did not use. That bounds the net, as every refund of a bucket does
 * (RL-16). Windows and logs get it back as `undo` does, where it still counts. An account that was started anew since gets
 * nothing (RL-17).
 */
export function giveBack(account: Account, cost: number, charge: Charge): Account {
  if (!isOf(account, charge)) return account;
  const { algorithm } = account.policy;
  return algorithm === "gcra" || algorithm === "token-bucket" ? refund(account, cost) : undo(account, cost, charge);
}

/** Whether the charge was made since the account's last start. */
function isOf(account: Account, charge: Charge): boolean {
  return charge.epoch === epochOf(account);
}

/** The state that a key would be in had it been charged `cost` then and nothing else ever. */
function chargedAlone({ policy, state }: Account, cost: number, charge: Charge): AnyState {
  const meter = meterOf(policy);
  return meter.advance(policy, meter.spend(policy, meter.fresh(policy, charge.atMs), cost), state.atMs);
}

function stillCounts({ policy }: Account, alone: AnyState): boolean {
  const meter = meterOf(policy);
  return meter.free(policy, alone) < meter.capacity(policy);
}

function withoutEntry(log: SlidingLogState, cost: number, charge: Charge): SlidingLogState {
  const entries = log.entries.flatMap((entry) => {
    if (entry.atMs !== charge.atMs) return [entry];
    return entry.cost > cost ? [{ atMs: entry.atMs, cost: entry.cost - cost }] : [];
  });
  return { atMs: log.atMs, entries, used: entries.reduce((sum, entry) => sum + entry.cost, 0) };
}
