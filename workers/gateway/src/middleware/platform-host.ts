import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../context.ts";
import { refused } from "../http/answer.ts";

/** With PLATFORM_HOST set, the platform's routes exist on that host alone; others are for the sites behind the gateway. */
export const platformHost: MiddlewareHandler<GatewayEnv> = async (c, next) => {
  const { platformHost: host } = c.get("state").services.settings;
  if (host !== undefined && hostOf(c.req.raw.url) !== host) {
    return refused(c, { code: "not_found", detail: "Nothing is served on this host." });
  }
  await next();
};

function hostOf(url: string): string {
  const { hostname, host } = new URL(url);
  // PLATFORM_HOST names a host; a port only where it is not the scheme's own.
  return host === hostname ? hostname : host;
}
