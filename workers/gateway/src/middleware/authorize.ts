import type { MiddlewareHandler } from "hono";
import type { Principal, Scope } from "../../../../contracts/access.ts";
import type { GatewayEnv } from "../context.ts";
import { refused } from "../http/answer.ts";

/** Whether the principal may do what `scope` covers. */
export function holds(principal: Principal, scope: Scope): boolean {
  return principal.scopes.has(scope) || principal.scopes.has("admin");
}

/** Lets pass only callers that hold `scope`; others are told which one they lack (AU-1). */
export function authorize(scope: Scope): MiddlewareHandler<GatewayEnv> {
  const detail = `These credentials lack the scope ${scope}; use others, or ask an administrator for them.`;
  const challenge = `Bearer realm="breakwater", error="insufficient_scope", scope="${scope}"`;
  return async (c, next) => {
    if (!holds(c.get("state").principal, scope)) {
      return refused(c, { code: "forbidden", detail }, { headers: { "www-authenticate": challenge } });
    }
    await next();
  };
}
