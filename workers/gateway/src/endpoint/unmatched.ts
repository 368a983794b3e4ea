import type { Context } from "hono";
import type { GatewayEnv } from "../context.ts";
import { refused } from "../http/answer.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * The answer to what no endpoint matches: 405 with Allow where the path exists with other methods (RFC 9110, 15.5.6), else 404.
 */
export function unmatched(endpoints: readonly Endpoint[]): (c: Context<GatewayEnv>) => Response {
  const paths = new Map<string, { pattern: RegExp; methods: string[] }>();
  for (const { spec } of endpoints) {
    const known = paths.get(spec.path) ?? { pattern: pathPattern(spec.path), methods: [] };
    known.methods.push(...(spec.method === "get" ? ["GET", "HEAD"] : [spec.method.toUpperCase()]));
    paths.set(spec.path, known);
  }
  return (c) => {
    const methods = new Set<string>();
    for (const { pattern, methods: known } of paths.values()) {
      if (pattern.test(c.req.path)) for (const method of known) methods.add(method);
    }
    if (methods.size === 0) return refused(c, { code: "not_found", detail: "No route has this path; see /docs." });
    const allow = [...methods].join(", ");
    return refused(c, { code: "method_not_allowed", detail: `Use ${allow}.` }, { headers: { allow } });
  };
}

function pathPattern(template: string): RegExp {
  const escaped = template.replaceAll(/[.*+?^$()[\]\\|]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}
