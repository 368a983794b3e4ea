import type { FixedWindowPolicy } from "../fixed-window.ts";
import type { MeterPolicy } from "../policy.ts";
import type { QuotaPolicy } from "../quota.ts";
import type { SlidingLogPolicy } from "../sliding-log.ts";
import type { SlidingWindowPolicy } from "../sliding-window.ts";
import type { Rate } from "../units.ts";
import { Fraction, rate } from "./fraction.ts";
import { wallClockLabel } from "./wall-clock.ts";

/**
 * An algorithm as its definition says it, without a thought for speed or size: exact arithmetic over everything that was
 * ever admitted. Times given to a twin never go back.
 */
export interface Twin {
  moveTo(nowMs: number): void;
  fits(cost: number): boolean;
  spend(cost: number): void;
  refund(cost: number): void;
  resize(policy: MeterPolicy): void;
}

/** The twin of a policy's algorithm. */
export function twinOf(policy: MeterPolicy, nowMs: number): Twin {
  switch (policy.algorithm) {
    case "gcra":
    case "token-bucket":
      return new BucketTwin(policy, nowMs);
    case "fixed-window":
      return new FixedWindowTwin(policy, nowMs);
    case "sliding-window":
      return new SlidingWindowTwin(policy, nowMs);
    case "sliding-log":
      return new SlidingLogTwin(policy, nowMs);
    case "quota":
      return new QuotaTwin(policy, nowMs);
    case "unlimited":
      throw new Error("nothing to compare");
  }
}

const largestInteger = BigInt(Number.MAX_SAFE_INTEGER);

interface Spend {
  readonly atMs: number;
  cost: number;
}

/** Takes `cost` out of the newest spends for which `counts` holds. */
function takeBack(spends: Spend[], cost: number, counts: (spend: Spend) => boolean): void {
  let left = cost;
  for (const spend of spends.toReversed()) {
    if (!counts(spend)) continue;
    const taken = Math.min(left, spend.cost);
    spend.cost -= taken;
    left -= taken;
  }
}

function sum(spends: readonly Spend[], counts: (spend: Spend) => boolean): bigint {
  return spends.filter(counts).reduce((total, spend) => total + BigInt(spend.cost), 0n);
}

function windowIndex(windowMs: number, atMs: number): bigint {
  return BigInt(atMs) / BigInt(windowMs);
}

/** Turner's bucket in rational numbers. */
class BucketTwin implements Twin {
  #policy: Rate;
  #nowMs: number;
  #used = Fraction.of(0);

  constructor(policy: Rate, nowMs: number) {
    this.#policy = policy;
    this.#nowMs = nowMs;
  }

  moveTo(nowMs: number): void {
    const refilled = rate(this.#policy.limit, this.#policy.windowMs).times(Fraction.of(nowMs - this.#nowMs));
    this.#used = atLeastZero(this.#used.minus(refilled));
    this.#nowMs = nowMs;
  }

  fits(cost: number): boolean {
    return this.#used.plus(Fraction.of(cost)).atMost(Fraction.of(this.#policy.burst));
  }

  spend(cost: number): void {
    this.#used = this.#used.plus(Fraction.of(cost));
  }

  refund(cost: number): void {
    this.#used = atLeastZero(this.#used.minus(Fraction.of(cost)));
  }

  /** What was used is kept, rounded up to parts of 1/W of a token, of which there are less than 2^53. */
  resize(policy: MeterPolicy): void {
    this.#policy = policy as MeterPolicy & Rate;
    const parts = BigInt(this.#policy.windowMs);
    const tooMany = new Fraction(largestInteger / parts).atMost(this.#used);
    this.#used = tooMany ? new Fraction(largestInteger, parts) : this.#used.roundedUpTo(parts);
  }
}

function atLeastZero(value: Fraction): Fraction {
  return value.atMost(Fraction.of(0)) ? Fraction.of(0) : value;
}

class FixedWindowTwin implements Twin {
  #policy: FixedWindowPolicy;
  #nowMs: number;
  #spends: Spend[] = [];

  constructor(policy: FixedWindowPolicy, nowMs: number) {
    this.#policy = policy;
    this.#nowMs = nowMs;
  }

  moveTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  fits(cost: number): boolean {
    return sum(this.#spends, this.#inWindow) + BigInt(cost) <= BigInt(this.#policy.limit);
  }

  spend(cost: number): void {
    this.#spends.push({ atMs: this.#nowMs, cost });
  }

  refund(cost: number): void {
    takeBack(this.#spends, cost, this.#inWindow);
  }

  resize(policy: MeterPolicy): void {
    const used = Number(sum(this.#spends, this.#inWindow));
    this.#policy = policy as FixedWindowPolicy;
    this.#spends = [{ atMs: this.#nowMs, cost: used }];
  }

  readonly #inWindow = (spend: Spend): boolean =>
    windowIndex(this.#policy.windowMs, spend.atMs) === windowIndex(this.#policy.windowMs, this.#nowMs);
}

/** Cloudflare's formula, all of it multiplied by the window. */
class SlidingWindowTwin implements Twin {
  #policy: SlidingWindowPolicy;
  #nowMs: number;
  #spends: Spend[] = [];

  constructor(policy: SlidingWindowPolicy, nowMs: number) {
    this.#policy = policy;
    this.#nowMs = nowMs;
  }

  moveTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  fits(cost: number): boolean {
    return this.#estimate().plus(Fraction.of(cost)).atMost(Fraction.of(this.#policy.limit));
  }

  spend(cost: number): void {
    this.#spends.push({ atMs: this.#nowMs, cost });
  }

  refund(cost: number): void {
    takeBack(this.#spends, cost, (spend) => this.#windowsAgo(spend) <= 1n);
  }

  resize(policy: MeterPolicy): void {
    const next = policy as SlidingWindowPolicy;
    if (next.windowMs !== this.#policy.windowMs) {
      const estimate = Number(this.#estimate().roundedUpTo(1n).over);
      const most = Number(largestInteger / BigInt(next.windowMs));
      this.#spends = [{ atMs: this.#nowMs, cost: Math.min(estimate, most) }];
    }
    this.#policy = next;
  }

  #estimate(): Fraction {
    const windowMs = BigInt(this.#policy.windowMs);
    const ageMs = BigInt(this.#nowMs) % windowMs;
    const previous = sum(this.#spends, (spend) => this.#windowsAgo(spend) === 1n);
    const current = sum(this.#spends, (spend) => this.#windowsAgo(spend) === 0n);
    return new Fraction(previous * (windowMs - ageMs) + current * windowMs, windowMs);
  }

  #windowsAgo(spend: Spend): bigint {
    return windowIndex(this.#policy.windowMs, this.#nowMs) - windowIndex(this.#policy.windowMs, spend.atMs);
  }
}

/** A time stamp for each token. */
class SlidingLogTwin implements Twin {
  #policy: SlidingLogPolicy;
  #nowMs: number;
  #tokensMs: number[] = [];

  constructor(policy: SlidingLogPolicy, nowMs: number) {
    this.#policy = policy;
    this.#nowMs = nowMs;
  }

  moveTo(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#forget();
  }

  fits(cost: number): boolean {
    return this.#tokensMs.length + cost <= this.#policy.limit;
  }

  spend(cost: number): void {
    for (let token = 0; token < cost; token += 1) this.#tokensMs.push(this.#nowMs);
  }

  refund(cost: number): void {
    for (let token = 0; token < cost && this.#tokensMs.length > 0; token += 1) this.#tokensMs.pop();
  }

  resize(policy: MeterPolicy): void {
    this.#policy = policy as SlidingLogPolicy;
    this.#forget();
  }

  #forget(): void {
    this.#tokensMs = this.#tokensMs.filter((tokenMs) => this.#nowMs < tokenMs + this.#policy.windowMs);
  }
}

/** Spends count while the wall clock of the time zone still shows the same minute, hour, date, week, month or year. */
class QuotaTwin implements Twin {
  #policy: QuotaPolicy;
  #nowMs: number;
  #spends: Spend[] = [];

  constructor(policy: QuotaPolicy, nowMs: number) {
    this.#policy = policy;
    this.#nowMs = nowMs;
  }

  moveTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  fits(cost: number): boolean {
    return sum(this.#spends, this.#inWindow()) + BigInt(cost) <= BigInt(this.#policy.limit);
  }

  spend(cost: number): void {
    this.#spends.push({ atMs: this.#nowMs, cost });
  }

  refund(cost: number): void {
    takeBack(this.#spends, cost, this.#inWindow());
  }

  resize(policy: MeterPolicy): void {
    const used = Number(sum(this.#spends, this.#inWindow()));
    this.#policy = policy as QuotaPolicy;
    this.#spends = [{ atMs: this.#nowMs, cost: used }];
  }

  #inWindow(): (spend: Spend) => boolean {
    const label = wallClockLabel(this.#policy.calendar, this.#nowMs);
    return (spend) => wallClockLabel(this.#policy.calendar, spend.atMs) === label;
  }
}
