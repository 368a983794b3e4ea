import { type Account, refund } from "./account.ts";
import { meterOf } from "./algorithms.ts";
import type { SlidingLogState } from "./sliding-log.ts";
import type { SlidingWindowState } from "./sliding-window.ts";

/** When a charge was made, by its account: what tells whether it still counts. */
export interface Charge {
  /** The account's time at the spend. */
  readonly atMs: number;
  /** The account's version at the spend. */
  readonly version: number;
}

/** What the account's last spend is remembered by. */
export function chargeOf(account: Account): Charge {
  return { atMs: account.state.atMs, version: account.version };
}

/**
 * Takes a charge of the past back, as far as it still counts. Unlike `refund` it leaves the admissions of any span within
 * the bound as if the charge had never been made: a charge of a window that has ended gives nothing back to the next one,
 * and a log loses the very entry.
 *
 * GCRA and the token bucket owe `max(0, used + cost − refilled)`, which less `cost` is at least what they would owe without the
 * charge. A window whose numbers changed meanwhile gives nothing back: what was spent counts elsewhere then.
 */
export function undo(account: Account, cost: number, charge: Charge): Account {
  const { policy, state } = account;
  switch (policy.algorithm) {
    case "gcra":
    case "token-bucket":
    case "unlimited":
      return refund(account, cost);
    case "fixed-window":
    case "quota": {
      const meter = meterOf(policy);
      const alone = meter.advance(policy, meter.spend(policy, meter.fresh(policy, charge.atMs), cost), state.atMs);
      const counts = account.version === charge.version && meter.free(policy, alone) < meter.capacity(policy);
      return counts ? refund(account, cost) : account;
    }
    case "sliding-window": {
      if (account.version !== charge.version) return account;
      const meter = meterOf(policy);
      const alone = meter.advance(policy, meter.spend(policy, meter.fresh(policy, charge.atMs), cost), state.atMs);
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
    case "sliding-log": {
      const log = state as SlidingLogState;
      const entries = log.entries.flatMap((entry) => {
        if (entry.atMs !== charge.atMs) return [entry];
        return entry.cost > cost ? [{ atMs: entry.atMs, cost: entry.cost - cost }] : [];
      });
      return { ...account, state: { atMs: log.atMs, entries, used: entries.reduce((sum, { cost }) => sum + cost, 0) } };
    }
  }
}
