import { refused } from "../http/answer.ts";
import type { Step } from "./step.ts";

/** With PLATFORM_HOST set, the platform's routes exist on that host alone; others are for the sites behind the gateway. */
export const platformHost: Step = (c) => {
  const { platformHost: host } = c.get("state").services.settings;
  if (host === undefined || hostsOf(c.req.raw.url).includes(host)) return undefined;
  return refused(c, { code: "not_found", detail: "Nothing is served on this host." });
};

/** PLATFORM_HOST may name the port or not. */
function hostsOf(url: string): readonly string[] {
  const { hostname, host } = new URL(url);
  return [hostname, host];
}
