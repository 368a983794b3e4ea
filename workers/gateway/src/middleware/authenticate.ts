import type { Refusal } from "../../../../contracts/result.ts";
import { redeemTicket } from "../auth/tickets.ts";
import type { GatewayContext } from "../context.ts";
import { refused } from "../http/answer.ts";
import { configuration, noConfiguration } from "./configuration.ts";

/** A challenge that says what credentials would do (RFC 6750, 3). */
const challenge = 'Bearer realm="breakwater"';

/**
 * Finds out who calls, once there is a configuration to tell by (AU-1).
 * @returns the answer to a caller that nobody knows; undefined when the request goes on
 */
export async function authenticate(c: GatewayContext): Promise<Response | undefined> {
  const pending = configuration(c);
  if (pending !== undefined && !(await pending)) return refused(c, noConfiguration.refusal);
  const state = c.get("state");
  const { authenticator } = state.services;
  const authorization = c.req.raw.headers.get("authorization");
  const remembered = authenticator.remembered(authorization, state.startedMs);
  if (remembered !== undefined) {
    state.principal = remembered;
    return undefined;
  }
  const found = await authenticator.authenticate(authorization, state.startedMs);
  if (!found.ok) return unauthenticated(c, found.refusal, authorization !== null);
  state.principal = found.value;
  return undefined;
}

/** As `authenticate`, for what browsers open without headers: a ticket in the query counts too (AU-7). */
export async function authenticateOrTicket(c: GatewayContext): Promise<Response | undefined> {
  const { origin, searchParams } = new URL(c.req.raw.url);
  const state = c.get("state");
  const caller = c.req.raw.headers.get("origin");
  // A page of another site would open it with nothing but a URL; CORS does not judge WebSockets, and tickets can leak.
  if (caller !== null && caller !== origin && !state.services.settings.allowedOrigins.has(caller)) {
    return refused(c, { code: "origin_not_allowed", detail: "Name this origin in ALLOWED_ORIGINS to let it call." });
  }
  const ticket = searchParams.get("ticket");
  if (ticket === null) return authenticate(c);
  if ((await configuration(c)) === false) return refused(c, noConfiguration.refusal);
  const redeemed = await redeemTicket(state.services, ticket, c.req.path);
  if (!redeemed.ok) return unauthenticated(c, redeemed.refusal, true);
  state.principal = redeemed.value;
  return undefined;
}

function unauthenticated(c: GatewayContext, refusal: Refusal, tried: boolean): Response {
  if (refusal.code !== "unauthenticated") return refused(c, refusal);
  const header = tried ? `${challenge}, error="invalid_token"` : challenge;
  return refused(c, refusal, { headers: { "www-authenticate": header } });
}
