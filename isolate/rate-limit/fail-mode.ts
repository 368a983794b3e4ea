import type { FailMode } from "../../contracts/limits.ts";
import { objectName } from "../../core/object-name.ts";
import { safeRate } from "../../core/rate-limit/safe-rate.ts";
import { RecentMap } from "../../core/recent-map.ts";
import type { LimitConfig } from "./dependencies.ts";

/** Keys whose safe rate an isolate remembers while objects are away; a forgotten one starts with a full token. */
const maxSafeRateKeys = 10_000;
/** When to come back after a refusal by `closed`: the object is tried anew by every check. */
const closedRetryMs = 1_000;

/** What the fail mode says of one check. */
export interface Fallback {
  readonly allowed: boolean;
  readonly retryAfterMs: number;
}

/** Decides checks that their object does not answer in time. */
export class FailModes {
  readonly #config: LimitConfig;
  /** For each key of a limit with a safe rate, when its next check passes. */
  readonly #nextMs = new RecentMap<string, number>(maxSafeRateKeys);

  constructor(config: LimitConfig) {
    this.#config = config;
  }

  /** `limits.fail-closed` over `limits.fail-open` over the policy's own. */
  inForce(policyMode: FailMode, nowMs: number): FailMode {
    if (this.#config.switchState("limits.fail-closed", nowMs).on) return "closed";
    return this.#config.switchState("limits.fail-open", nowMs).on ? "open" : policyMode;
  }

  /** The decision on one check. Under a safe rate an admission takes its cost. */
  decide(tenantId: string, limit: string, policyMode: FailMode, key: string, cost: number, nowMs: number): Fallback {
    const mode = this.inForce(policyMode, nowMs);
    if (mode === "open") return { allowed: true, retryAfterMs: 0 };
    if (mode === "closed") return { allowed: false, retryAfterMs: closedRetryMs };
    const name = objectName(tenantId, limit, key);
    const decision = safeRate(mode.safeRatePerSecond, this.#nextMs.get(name) ?? 0, cost, nowMs);
    this.#nextMs.set(name, decision.nextMs);
    return { allowed: decision.allowed, retryAfterMs: decision.retryAfterMs };
  }
}
