import type { MiddlewareHandler } from "hono";
import type { GatewayContext, GatewayEnv } from "../context.ts";
import { limiterCall } from "../http/limiter-call.ts";
import { quotaExceeded } from "../http/rate-limit-answer.ts";
import { holds } from "./authorize.ts";

export interface RateLimitOptions {
  /** Name of a limit of the caller's tenant. A tenant that has none of this name is not limited. */
  readonly limit: string;
  /** What is counted, 1 to 512 bytes; by default who calls. */
  readonly key?: (c: GatewayContext) => string;
}

/**
 * Admission by one of the tenant's own limits, spending 1 a request. Administrators always pass: whoever repairs a limit must
 * not be shut out by it (GW-5).
 *
 * @example app.use("/v1/keys/*", rateLimit({ limit: "gateway.api" }))
 */
export function rateLimit({ limit, key = caller }: RateLimitOptions): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const { services, principal } = c.get("state");
    if (holds(principal, "admin")) return next();
    if (services.isolate.config.limit(principal.tenantId, limit) === undefined) return next();
    const decided = await services.limits.check(limiterCall(c), [{ limit, key: key(c), cost: 1 }]);
    // Deleted this moment, or of a kind that is not checked: then there is nothing to obey.
    if (decided.ok && !decided.value.allowed) return quotaExceeded(c, decided.value);
    await next();
  };
}

/** The credential. */
function caller(c: GatewayContext): string {
  return c.get("state").principal.subject;
}
