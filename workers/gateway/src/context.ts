import type { Context } from "hono";
import type { Principal } from "../../../contracts/access.ts";
import type { Bindings } from "./bindings.ts";
import type { TraceContext } from "./middleware/trace-context.ts";
import type { Services } from "./services.ts";

/** What one request carries through middleware and handlers. One object a request: members are set as they are learnt. */
export interface RequestState {
  readonly services: Services;
  /** The caller's, when well-formed, else our own. */
  readonly id: string;
  readonly startedMs: number;
  /** Undefined when the caller sent no valid `traceparent`. */
  readonly trace: TraceContext | undefined;
  /** When the caller stops waiting: absolute, milliseconds since the epoch. */
  deadlineMs: number | undefined;
  /** The path's template, for metrics; set when a route matches. */
  route: string;
  principal: Principal;
  /** Code of the problem that was answered, for the log. */
  code: string | undefined;
}

export type GatewayEnv = { Bindings: Bindings; Variables: { state: RequestState } };
export type GatewayContext = Context<GatewayEnv>;

/** Who calls a public route. It may do nothing. */
export const anonymous: Principal = { tenantId: "", tenant: "", subject: "anonymous", scopes: new Set() };
