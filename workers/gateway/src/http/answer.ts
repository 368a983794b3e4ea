import type { Refusal } from "../../../../contracts/result.ts";
import type { GatewayContext } from "../context.ts";
import { type ProblemExtras, problem } from "./problem.ts";

/** An answer in JSON. */
export function json(body: unknown, status = 200, headers?: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: headers === undefined ? jsonHeaders : { ...jsonHeaders, ...headers },
  });
}

const jsonHeaders = { "content-type": "application/json" };

/** An answer without a body: the thing is done, and there is nothing to say of it. */
export function noContent(headers?: Readonly<Record<string, string>>): Response {
  return new Response(null, headers === undefined ? { status: 204 } : { status: 204, headers });
}

/** The problem that answers `refusal` in this request. */
export function refused(c: GatewayContext, refusal: Refusal, extras?: ProblemExtras): Response {
  const state = c.get("state");
  state.code = refusal.code;
  return problem(refusal, state.id, extras);
}
