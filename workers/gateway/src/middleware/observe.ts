import type { MiddlewareHandler } from "hono";
import type { Histogram } from "../../../../core/metrics/metrics.ts";
import { anonymous, type GatewayContext, type GatewayEnv, type RequestState } from "../context.ts";
import type { Services } from "../services.ts";
import { continueTrace, randomHex } from "./trace-context.ts";

const requestIdForm = /^[A-Za-z0-9._-]{1,128}$/;

/** The route of requests that no route matches: paths are the caller's words and would be a series each. */
const unmatched = "unmatched";

/** The request's id: the caller's when it is well-formed, else a new one. */
function requestId(request: Request): string {
  const given = request.headers.get("x-request-id");
  return given !== null && requestIdForm.test(given) ? given : crypto.randomUUID();
}

/**
 * Outermost: gives the request its state, and tells of its end in the metrics and the log (GW-2).
 * @param services made at the isolate's first request
 */
export function observe(services: (c: GatewayContext) => Services): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const request = c.req.raw;
    const given = request.headers.get("traceparent");
    const state: RequestState = {
      services: services(c),
      id: requestId(request),
      startedMs: Date.now(),
      trace: given === null ? undefined : continueTrace(given, randomHex(16)),
      deadlineMs: undefined,
      route: unmatched,
      principal: anonymous,
      code: undefined,
    };
    c.set("state", state);
    await next();
    tell(state, request.method, c.res.status);
  };
}

function tell(state: RequestState, method: string, status: number): void {
  const { log, requestDuration } = state.services;
  const durationMs = Date.now() - state.startedMs;
  record(requestDuration, durationMs, method, state.route, status);
  const level = status >= 500 ? "error" : status === 401 || status === 403 ? "info" : "debug";
  if (!log.writes(level)) return;
  log.write(level, "request", {
    request_id: state.id,
    trace_id: state.trace?.traceId,
    span_id: state.trace?.spanId,
    method,
    route: state.route,
    status,
    duration_ms: durationMs,
    code: state.code,
    tenant: state.principal.tenant || undefined,
    subject: state.principal.subject,
  });
}

/** Methods that the semantic conventions know; others are the caller's words. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"]);

function record(histogram: Histogram, durationMs: number, method: string, route: string, status: number): void {
  histogram.record(durationMs / 1000, methods.has(method) ? method : "_OTHER", route, String(status));
}
