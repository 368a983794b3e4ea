import { refused } from "../http/answer.ts";
import type { Step } from "./step.ts";

/**
 * The raw path of a URL. Hono's own decodes before it routes, and again for each parameter; keys are decoded once.
 */
export function rawPath(request: Request): string {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}

/** Refuses paths whose percent-encoding is malformed: no route could tell what they name. */
export const wellFormedPath: Step = (c) => {
  if (!c.req.path.includes("%") || decodes(c.req.path)) return undefined;
  return refused(c, { code: "invalid_parameter", detail: "The path is not valid percent-encoded UTF-8." });
};

function decodes(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
