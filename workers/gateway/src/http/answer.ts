import type { Refusal } from "../../../../contracts/result.ts";
import type { GatewayContext } from "../context.ts";
import { traceparent } from "../middleware/trace-context.ts";
import { type ProblemExtras, problem } from "./problem.ts";

type Headers = Readonly<Record<string, string>>;

const jsonHeaders: Headers = { "content-type": "application/json" };

/**
 * Every answer of the gateway is made here, with the request's id and trace in its headers (GW-2). They are given at once:
 * setting a header of a finished Response costs as much as making it.
 */
export function respond(c: GatewayContext, body: BodyInit | null, status: number, given: Headers): Response {
  const { id, trace } = c.get("state");
  const headers: Record<string, string> = { ...given, "x-request-id": id };
  if (trace !== undefined) headers.traceparent = traceparent(trace);
  return new Response(body, { status, headers });
}

/** An answer in JSON. */
export function json(c: GatewayContext, body: unknown, status = 200, headers?: Headers): Response {
  const all = headers === undefined ? jsonHeaders : { ...jsonHeaders, ...headers };
  return respond(c, JSON.stringify(body), status, all);
}

/** An answer without a body: the thing is done, and there is nothing to say of it. */
export function noContent(c: GatewayContext, headers: Headers = {}): Response {
  return respond(c, null, 204, headers);
}

/** 405: the path exists, with these methods alone (RFC 9110, 15.5.6). */
export function methodNotAllowed(c: GatewayContext, methods: readonly string[]): Response {
  const allow = methods.join(", ");
  return refused(c, { code: "method_not_allowed", detail: `Use ${allow}.` }, { headers: { allow } });
}

/** The problem that answers `refusal` in this request. */
export function refused(c: GatewayContext, refusal: Refusal, extras?: ProblemExtras): Response {
  const state = c.get("state");
  state.code = refusal.code;
  const { status, headers, body } = problem(refusal, state.id, extras);
  return respond(c, JSON.stringify(body), status, headers);
}
