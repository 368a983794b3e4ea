import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../context.ts";
import { refused } from "../http/answer.ts";

/** An inner hop gives up at the deadline; its own answer, if it has one then, still counts. */
const graceMs = 10;

/** Ends a request with 504 when the time that its caller allowed in `X-Request-Timeout-Ms` is over. */
export const deadline: MiddlewareHandler<GatewayEnv> = async (c, next) => {
  const header = c.req.raw.headers.get("x-request-timeout-ms");
  if (header === null) return next();
  if (!/^\d{1,9}$/.test(header)) {
    return refused(c, { code: "invalid_parameter", detail: "X-Request-Timeout-Ms must be whole milliseconds." });
  }
  const timeoutMs = Number(header);
  const state = c.get("state");
  state.deadlineMs = state.startedMs + timeoutMs;
  if (timeoutMs === 0) return refused(c, passed);
  let timer: ReturnType<typeof setTimeout> | null = null;
  const expired = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), timeoutMs + graceMs);
  });
  try {
    if (await Promise.race([next(), expired])) return refused(c, passed);
  } finally {
    clearTimeout(timer);
  }
};

const passed = {
  code: "deadline_exceeded",
  detail: "The deadline has passed; what was asked may still have been done.",
} as const;
