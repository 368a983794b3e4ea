import type { Context } from "hono";
import type { GatewayEnv } from "../context.ts";
import { methodNotAllowed, refused } from "../http/answer.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * The answer to what no endpoint matches: 405 where the path exists with other methods, else 404.
 */
export function unmatched(endpoints: readonly Endpoint[]): (c: Context<GatewayEnv>) => Response {
  const paths = new Map<string, { pattern: RegExp; methods: string[] }>();
  for (const { spec } of endpoints) {
    const known = paths.get(spec.path) ?? { pattern: pathPattern(spec.path), methods: [] };
    known.methods.push(...(spec.method === "get" ? ["GET", "HEAD"] : [spec.method.toUpperCase()]));
    paths.set(spec.path, known);
  }
  return (c) => {
    const methods = new Set<string>(paths.get(c.req.path)?.methods);
    // A path of its own is no other's: `/v1/limits/check` is not a limit.
    if (methods.size === 0) {
      for (const { pattern, methods: known } of paths.values()) {
        if (pattern.test(c.req.path)) for (const method of known) methods.add(method);
      }
    }
    if (methods.size === 0) return refused(c, { code: "not_found", detail: "No route has this path; see /docs." });
    return methodNotAllowed(c, [...methods]);
  };
}

function pathPattern(template: string): RegExp {
  const escaped = template.replaceAll(/[.*+?^$()[\]\\|]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}
