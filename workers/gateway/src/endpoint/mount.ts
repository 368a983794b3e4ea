import type { Hono, MiddlewareHandler } from "hono";
import { ok, type Result } from "../../../../contracts/result.ts";
import type { GatewayContext, GatewayEnv } from "../context.ts";
import { refused } from "../http/answer.ts";
import { authenticate, authenticateOrTicket } from "../middleware/authenticate.ts";
import { authorize } from "../middleware/authorize.ts";
import { type IdempotencyRequest, idempotencyKey, inputHash } from "../middleware/idempotency-key.ts";
import { rateLimit } from "../middleware/rate-limit.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Input, readInput } from "./input.ts";

/** A tenant's limit of this name bounds its calls of the management routes, by credential. */
const managementLimit = rateLimit({ limit: "gateway.api" });

/** Adds the endpoint to the app: who calls, whether they may, how often, then what they ask, then the work. */
export function mount(app: Hono<GatewayEnv>, endpoint: Endpoint): void {
  const { spec } = endpoint;
  const handlers: MiddlewareHandler<GatewayEnv>[] = [];
  handlers.push(async (c, next) => {
    c.get("state").route = spec.path;
    await next();
  });
  if (spec.access !== "public") handlers.push(spec.ticket ? authenticateOrTicket : authenticate);
  if (spec.access !== "public" && spec.access !== "any") handlers.push(authorize(spec.access));
  // Checks are what the platform is for, not how it is managed.
  if (spec.access !== "public" && spec.tag !== "checks") handlers.push(managementLimit);
  handlers.push((c) => answer(c, endpoint));
  app.on(spec.method.toUpperCase(), [honoPath(spec.path)], ...handlers);
}

/** OpenAPI's `{name}` in Hono's words. */
function honoPath(template: string): string {
  return template.replaceAll(/\{(\w+)\}/g, ":$1");
}

async function answer(c: GatewayContext, { spec, handle }: Endpoint): Promise<Response> {
  const state = c.get("state");
  const input = await readInput(spec, c.req.raw, spec.params === undefined ? {} : c.req.param());
  if (!input.ok) return refused(c, input.refusal, { errors: input.errors });
  const idempotency = spec.idempotent ? await idempotencyOf(c.req.raw, spec, input.value) : ok(undefined);
  if (!idempotency.ok) return refused(c, idempotency.refusal);
  const { params, query, body } = input.value;
  const { services, principal } = state;
  return handle({ c, state, services, principal, params, query, body, idempotency: idempotency.value });
}

async function idempotencyOf(
  request: Request,
  spec: Endpoint["spec"],
  input: Input,
): Promise<Result<IdempotencyRequest | undefined>> {
  const key = idempotencyKey(request);
  if (!key.ok || key.value === undefined) return key as Result<undefined>;
  const route = `${spec.method.toUpperCase()} ${spec.path}`;
  return ok({ key: key.value, route, bodyHash: await inputHash([input.params, input.query, input.body]) });
}
