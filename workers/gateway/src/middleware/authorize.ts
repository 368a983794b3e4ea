import type { Principal, Scope } from "../../../../contracts/access.ts";
import type { GatewayContext } from "../context.ts";
import { refused } from "../http/answer.ts";

/** Whether the principal may do what `scope` covers. */
export function holds(principal: Principal, scope: Scope): boolean {
  return principal.scopes.has(scope) || principal.scopes.has("admin");
}

/** Lets pass only callers that hold `scope`; others are told which one they lack (AU-1). */
export function authorize(c: GatewayContext, scope: Scope): Response | undefined {
  if (holds(c.get("state").principal, scope)) return undefined;
  const detail = `These credentials lack the scope ${scope}; use others, or ask an administrator for them.`;
  const challenge = `Bearer realm="breakwater", error="insufficient_scope", scope="${scope}"`;
  return refused(c, { code: "forbidden", detail }, { headers: { "www-authenticate": challenge } });
}
