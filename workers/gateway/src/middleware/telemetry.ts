import type { RequestState } from "../context.ts";
import type { Settings } from "../settings.ts";

/** Methods that the semantic conventions know; others are the caller's words, and would be a series each. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"]);

/** Tells of a finished request in the metrics and, by its outcome, in the log: successes at debug alone. */
export function tell(state: RequestState, request: Request, status: number): void {
  const { log, requestDuration, settings } = state.services;
  const { method } = request;
  const durationMs = Date.now() - state.startedMs;
  requestDuration.record(durationMs / 1000, methods.has(method) ? method : "_OTHER", state.route, String(status));
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
    client_address: clientAddress(request, settings),
  });
}

/** Who called, where Cloudflare's edge says so; what callers say of themselves counts for nothing (AU-8). */
function clientAddress(request: Request, settings: Settings): string | undefined {
  return settings.trustsConnectingIp ? (request.headers.get("cf-connecting-ip") ?? undefined) : undefined;
}

/** Tells of an exception, which is a fault of ours, once. */
export function tellException(state: RequestState, error: unknown): void {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  state.services.log.write("error", "unexpected exception", {
    request_id: state.id,
    trace_id: state.trace?.traceId,
    route: state.route,
    error: name,
    detail: message,
    stack,
  });
}
