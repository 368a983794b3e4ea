import type { CheckResponse } from "../../../../contracts/limits.ts";
import { rateLimitHeaders } from "../../../../isolate/rate-limit/headers.ts";
import type { GatewayContext } from "../context.ts";
import { json, refused } from "./answer.ts";

/** The answer to a check: 200, or 429 as a problem of the IETF type that carries the same members. */
export function checkAnswer(c: GatewayContext, response: CheckResponse, replayed: boolean): Response {
  if (!response.allowed) return quotaExceeded(c, response);
  const headers = limitHeaders(c, response);
  if (replayed) headers["idempotency-replayed"] = "true";
  return json(c, response, 200, headers);
}

/** 429 with everything that the decision says (draft-ietf-httpapi-ratelimit-headers, quota-exceeded). */
export function quotaExceeded(c: GatewayContext, response: CheckResponse): Response {
  const refusing = response.results.filter((result) => !result.allowed);
  const waits = refusing.map((result) => result.retryAfterMs);
  const retryAfterMs = waits.includes(null) ? null : Math.max(0, ...waits.map(Number));
  const names = [...new Set(refusing.map((result) => result.limit))];
  return refused(
    c,
    { code: "quota_exceeded", detail: waitFor(names, retryAfterMs) },
    { headers: limitHeaders(c, response), members: { ...response, "violated-policies": names } },
  );
}

/**
 * What the caller of a refused cost can do.
 * @param retryAfterMs null when no wait helps
 */
export function waitFor(limits: readonly string[], retryAfterMs: number | null): string {
  const names = limits.join(", ");
  return retryAfterMs === null
    ? `This cost never fits ${names}; ask for less.`
    : `Wait ${retryAfterMs} ms for ${names}, then try again.`;
}

function limitHeaders(c: GatewayContext, response: CheckResponse): Record<string, string> {
  const { services, principal } = c.get("state");
  const { policy, limit, retryAfterS } = rateLimitHeaders(
    response.results,
    services.isolate.config,
    principal.tenantId,
  );
  const headers: Record<string, string> = {};
  // An empty list has no field (RFC 9651, 3.1): a limit that was deleted this moment, or figures that nobody knows.
  if (policy !== "") headers["ratelimit-policy"] = policy;
  if (limit !== "") headers.ratelimit = limit;
  if (retryAfterS !== undefined) headers["retry-after"] = String(retryAfterS);
  return headers;
}
