import { anonymous, type GatewayContext, type RequestState } from "../context.ts";
import type { Services } from "../services.ts";
import { continueTrace, randomHex } from "./trace-context.ts";

const requestIdForm = /^[A-Za-z0-9._-]{1,128}$/;

/** Begins a request: its id (the caller's when it is well-formed), its trace, and whom it is of, which nobody knows yet (GW-2). */
export function begin(c: GatewayContext, services: Services, route: string): RequestState {
  const { headers } = c.req.raw;
  const id = headers.get("x-request-id");
  const trace = headers.get("traceparent");
  const state: RequestState = {
    services,
    id: id !== null && requestIdForm.test(id) ? id : crypto.randomUUID(),
    startedMs: Date.now(),
    trace: trace === null ? undefined : continueTrace(trace, randomHex(16)),
    deadlineMs: undefined,
    route,
    principal: anonymous,
    code: undefined,
  };
  c.set("state", state);
  return state;
}
