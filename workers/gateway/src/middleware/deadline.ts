import type { GatewayContext } from "../context.ts";
import { refused } from "../http/answer.ts";
import { invalidParameter } from "../http/invalid-parameter.ts";
import type { Step } from "./step.ts";

/** An inner hop gives up at the deadline; its own answer, if it has one then, still counts. */
const graceMs = 10;

const passed = {
  code: "deadline_exceeded",
  detail: "The deadline has passed; what was asked may still have been done.",
} as const;

/** Reads `X-Request-Timeout-Ms`, the time that the caller has left. */
export const readDeadline: Step = (c) => {
  const header = c.req.raw.headers.get("x-request-timeout-ms");
  if (header === null) return undefined;
  if (!/^\d{1,9}$/.test(header)) {
    return refused(c, invalidParameter("X-Request-Timeout-Ms", "must be whole milliseconds").refusal);
  }
  const state = c.get("state");
  state.deadlineMs = state.startedMs + Number(header);
  return header === "0" ? refused(c, passed) : undefined;
};

/** The answer of `work`, or 504 when the caller's deadline passes before there is one. */
export async function inTime(c: GatewayContext, work: Promise<Response>): Promise<Response> {
  const { deadlineMs } = c.get("state");
  if (deadlineMs === undefined) return work;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const expired = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), deadlineMs - Date.now() + graceMs);
  });
  try {
    return (await Promise.race([work, expired])) ?? refused(c, passed);
  } finally {
    clearTimeout(timer);
  }
}
