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
 * and no `w`. `r` is what is left and `t` the seconds until the limit is full again, on a refusal until the same check
 * passes. Keys without a limit and decisions that know no figures are left out of `RateLimit`.
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
  const policies: string[] = [];
  const limits: string[] = [];
  for (const [name, result] of [...nearest].slice(0, maxItems)) {
    const known = config.limit(tenantId, name);
    if (known === undefined) continue;
    const constant = constantParts(name, known);
    policies.push(constant.policy);
    if (result.remaining === null) continue;
    const untilMs = result.allowed ? result.resetMs : (result.retryAfterMs ?? result.resetMs);
    const until = untilMs === null ? "" : `;t=${wholeSeconds(untilMs)}`;
    limits.push(`${constant.name};r=${result.remaining}${until}`);
  }
  const headers = { policy: policies.join(", "), limit: limits.join(", ") };
  const retryAfterS = retryAfter(results);
  return retryAfterS === undefined ? headers : { ...headers, retryAfterS };
}

interface ConstantParts {
  /** The limit's name as an item. */
  readonly name: string;
  /** Its member of `RateLimit-Policy`. */
  readonly policy: string;
}

/** Serialized once for each limit: it is the same object until it changes, and every check would serialize it anew. */
const constants = new WeakMap<KnownLimit, ConstantParts>();

function constantParts(name: string, known: KnownLimit): ConstantParts {
  let parts = constants.get(known);
  if (parts === undefined) {
    const item: Item = [name, policyParameters(known)];
    parts = { name: serializeList([[name, new Map()]]), policy: serializeList([item]) };
    constants.set(known, parts);
  }
  return parts;
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
