import { type Item, serializeList } from "structured-headers";
import type { CheckResult } from "../../contracts/limits.ts";
import type { KnownLimit, LimitConfig } from "./dependencies.ts";

/** Values of the response fields of draft-ietf-httpapi-ratelimit-headers. */
export interface RateLimitHeaders {
  /** `RateLimit-Policy` */
  readonly policy: string;
  /** `RateLimit` */
  readonly limit: string;
  /** `Retry-After`, in whole seconds, when something refused and a wait helps. */
  readonly retryAfterS?: number;
}

/** Most limits in the fields: as many as one check names. */
const maxItems = 20;

const calendarSeconds = { minute: 60, hour: 3_600, day: 86_400, week: 604_800 } as const;

/**
 * The rate limit fields of an answer, as structured fields (RFC 9651): each limit once, and of a limit that was
 * checked with several keys the key that is nearest to its end.
 *
 * `q` is the tokens of a window and `w` the window in whole seconds, rounded up; months and years have no fixed length
 * and no `w`. `r` is what is left and `t` the seconds until there is more. Keys without a limit and decisions that know no
 * figures are left out of `RateLimit`.
 */
export function rateLimitHeaders(
  results: readonly CheckResult[],
  config: Pick<LimitConfig, "limit">,
  tenantId: string,
): RateLimitHeaders {
  const nearest = new Map<string, CheckResult>();
  for (const result of results) {
    const other = nearest.get(result.limit);
    if (other === undefined || remainingOf(result) < remainingOf(other)) nearest.set(result.limit, result);
  }
  const policies: Item[] = [];
  const limits: Item[] = [];
  for (const [name, result] of [...nearest].slice(0, maxItems)) {
    const known = config.limit(tenantId, name);
    if (known === undefined) continue;
    policies.push([name, policyParameters(known)]);
    if (result.remaining === null) continue;
    const untilMs = result.allowed ? result.resetMs : (result.retryAfterMs ?? result.resetMs);
    const parameters = new Map([["r", result.remaining]]);
    if (untilMs !== null) parameters.set("t", wholeSeconds(untilMs));
    limits.push([name, parameters]);
  }
  const headers = { policy: serializeList(policies), limit: serializeList(limits) };
  const retryAfterS = retryAfter(results);
  return retryAfterS === undefined ? headers : { ...headers, retryAfterS };
}

/** The longest wait of what refused: before it the same request cannot pass. Undefined when nothing refused or no wait helps. */
function retryAfter(results: readonly CheckResult[]): number | undefined {
  let longestMs: number | undefined;
  for (const { allowed, retryAfterMs } of results) {
    if (allowed) continue;
    if (retryAfterMs === null) return undefined;
    longestMs = Math.max(longestMs ?? 0, retryAfterMs);
  }
  return longestMs === undefined ? undefined : wholeSeconds(longestMs);
}

function policyParameters({ policy }: KnownLimit): Map<string, number | string> {
  const parameters = new Map<string, number | string>([["q", policy.limit]]);
  if (policy.algorithm === "concurrency") parameters.set("qu", "concurrent-requests");
  else if (policy.algorithm !== "quota") parameters.set("w", wholeSeconds(policy.windowMs));
  else if (policy.calendar.unit in calendarSeconds) {
    parameters.set("w", calendarSeconds[policy.calendar.unit as keyof typeof calendarSeconds]);
  }
  return parameters;
}

function remainingOf({ remaining }: CheckResult): number {
  return remaining ?? Number.POSITIVE_INFINITY;
}

function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
