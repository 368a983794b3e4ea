import type { CheckItem, FailMode } from "../../contracts/limits.ts";
import { type Result, refuse } from "../../contracts/result.ts";
import type { LimitNumbers, WireLimit } from "../../contracts/rpc/rate-limiter.ts";
import type { PlannedCheck } from "./batcher.ts";
import type { KnownLimit } from "./dependencies.ts";

/** A check as it is sent, and what its result needs besides the verdict. */
export interface Planned extends PlannedCheck {
  readonly shard: number;
  readonly failMode: FailMode;
  readonly limitValue: number;
}

/** The checks of one object. */
export interface Group {
  readonly shard: number;
  readonly checks: Planned[];
}

const wireLimits = new WeakMap<KnownLimit, WireLimit>();

/** The form in which a limit travels: one object for as long as the configuration keeps the limit. */
export function wireLimit(name: string, known: KnownLimit): WireLimit {
  let wire = wireLimits.get(known);
  if (wire === undefined) {
    const { mode: _mode, failMode: _failMode, shadow: _shadow, ...numbers } = known.policy;
    wire = [name, known.version, numbers as LimitNumbers];
    wireLimits.set(known, wire);
  }
  return wire;
}

/** What a limit of this name can be asked. */
export function checkable(name: string, known: KnownLimit | undefined): Result<KnownLimit> {
  if (known === undefined) return refuse("limit_not_found", `No limit is named "${name}"; PUT it first.`);
  if (known.policy.algorithm === "concurrency") {
    return refuse("limit_needs_acquire", `Acquire a permit of "${name}" instead.`);
  }
  return { ok: true, value: known };
}

export function plan(item: CheckItem, known: KnownLimit, shard: number, shadowAll: boolean): Planned {
  const { policy } = known;
  return {
    limit: wireLimit(item.limit, known),
    key: item.key,
    cost: item.cost,
    shadow: shadowAll || policy.shadow ? 1 : 0,
    shard,
    failMode: policy.failMode,
    limitValue: "burst" in policy ? (policy.burst ?? policy.limit) : policy.limit,
  };
}

/**
 * Sums the costs of checks that name one limit and key.
 *
 * @returns the checks, each limit and key once, and for each check given the place of its sum
 */
export function summed(checks: readonly Planned[]): { sums: Planned[]; places: number[] } {
  const sums: Planned[] = [];
  const places = checks.map((check) => {
    const place = sums.findIndex((sum) => sum.limit === check.limit && sum.key === check.key);
    const sum = sums[place];
    if (sum === undefined) return sums.push(check) - 1;
    sums[place] = { ...sum, cost: sum.cost + check.cost };
    return place;
  });
  return { sums, places };
}

/** The checks by shard, shards in order. */
export function grouped(checks: readonly Planned[]): Group[] {
  const groups = new Map<number, Planned[]>();
  for (const check of checks) {
    const group = groups.get(check.shard);
    if (group === undefined) groups.set(check.shard, [check]);
    else group.push(check);
  }
  return [...groups].map(([shard, checks]) => ({ shard, checks })).sort((a, b) => a.shard - b.shard);
}
