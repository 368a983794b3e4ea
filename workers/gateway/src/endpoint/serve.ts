import type { GatewayContext } from "../context.ts";
import { refused } from "../http/answer.ts";
import { authenticate, authenticateOrTicket } from "../middleware/authenticate.ts";
import { authorize } from "../middleware/authorize.ts";
import { allowOrigin, preflight } from "../middleware/cors.ts";
import { inTime, readDeadline } from "../middleware/deadline.ts";
import { wellFormedPath } from "../middleware/path.ts";
import { platformHost } from "../middleware/platform-host.ts";
import { begin } from "../middleware/request-state.ts";
import { tell, tellException } from "../middleware/telemetry.ts";
import type { Services } from "../services.ts";
import type { Endpoint } from "./endpoint.ts";

/** The route of requests that no endpoint matches: paths are the caller's words and would be a series each. */
const unmatched = "unmatched";

/**
 * What every request passes, in this order: who it is (id, trace), whether it can be served at all, who calls and whether
 * they may, the work, and what is told of it.
 *
 * @param spec of the endpoint that matched, if one did
 * @param proceed the work that is left
 */
export async function serve(
  c: GatewayContext,
  services: Services,
  spec: Endpoint["spec"] | undefined,
  proceed: () => Promise<Response> | Response,
): Promise<Response> {
  const state = begin(c, services, spec?.path ?? unmatched);
  let response = platformHost(c) ?? wellFormedPath(c) ?? preflight(c) ?? readDeadline(c);
  if (response === undefined) {
    try {
      response = await inTime(c, admitted(c, spec, proceed));
    } catch (error) {
      response = failed(c, error);
    }
  }
  allowOrigin(c, response);
  tell(state, c.req.raw, response.status);
  return response;
}

/** Lets callers proceed that are known and hold the scope. */
async function admitted(
  c: GatewayContext,
  spec: Endpoint["spec"] | undefined,
  proceed: () => Promise<Response> | Response,
): Promise<Response> {
  if (spec === undefined || spec.access === "public") return proceed();
  const refusal = await (spec.ticket ? authenticateOrTicket(c) : authenticate(c));
  if (refusal !== undefined) return refusal;
  return (spec.access === "any" ? undefined : authorize(c, spec.access)) ?? proceed();
}

/** The answer to an exception: the caller learns the request id, the log the rest. */
export function failed(c: GatewayContext, error: unknown): Response {
  tellException(c.get("state"), error);
  return refused(c, { code: "internal", detail: "Try again; if it stays, report the request id." });
}
