import type { CheckResult } from "../../contracts/limits.ts";
import type { WireVerdict } from "../../contracts/rpc/rate-limiter.ts";
import type { Fallback } from "./fail-mode.ts";
import type { Planned } from "./plan.ts";

/** What the object said of one check, as its caller sees it. A shadow limit never refuses; it says what it would do. */
export function fromObject({ limit, key, shadow }: Planned, verdict: WireVerdict): CheckResult {
  const [allowed, limitValue, remaining, resetMs, retryAfterMs] = verdict;
  const passes = allowed === 1;
  const result: CheckResult = {
    limit: limit[0],
    key,
    allowed: passes,
    limitValue,
    remaining,
    resetMs,
    retryAfterMs,
    source: "object",
  };
  return shadow === 0 ? result : { ...result, allowed: true, retryAfterMs: 0, shadow: { wouldDeny: !passes } };
}

/** What the fail mode said of one check. */
export function fromFallback({ limit, key, shadow, limitValue }: Planned, fallback: Fallback): CheckResult {
  const { allowed, retryAfterMs } = fallback;
  const result: CheckResult = {
    limit: limit[0],
    key,
    allowed,
    limitValue,
    remaining: null,
    resetMs: null,
    retryAfterMs,
    source: "fallback",
  };
  return shadow === 0 ? result : { ...result, allowed: true, retryAfterMs: 0, shadow: { wouldDeny: !allowed } };
}
