import type { Hono } from "hono";
import { ok, type Result } from "../../../../contracts/result.ts";
import { inputHash } from "../../../../isolate/input-hash.ts";
import type { GatewayContext, GatewayEnv } from "../context.ts";
import { refused } from "../http/answer.ts";
import { managementLimit } from "../middleware/gateway-limits.ts";
import { type IdempotencyRequest, idempotencyKey } from "../middleware/idempotency-key.ts";
import { rateLimit } from "../middleware/rate-limit.ts";
import { unsupportedHeader } from "../middleware/unsupported-headers.ts";
import type { Services } from "../services.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Input, readInput } from "./input.ts";
import { serve } from "./serve.ts";

const admission = rateLimit({ limit: managementLimit });

/** Adds the endpoint to the app. */
export function mount(app: Hono<GatewayEnv>, endpoint: Endpoint, services: (c: GatewayContext) => Services): void {
  const { spec } = endpoint;
  const method = spec.method.toUpperCase();
  const path = [honoPath(spec.path)];
  if (!isManagement(spec)) {
    app.on(method, path, (c) => serve(c, services(c), spec, () => answer(c, endpoint)));
    return;
  }
  const rest = async (c: GatewayContext, next: () => Promise<void>) => {
    await next();
    return c.res;
  };
  app.on(
    method,
    path,
    (c, next) => serve(c, services(c), spec, () => rest(c, next)),
    (c, next) => (repairs(c, spec) ? next() : admission(c, next)),
    (c) => answer(c, endpoint),
  );
}

/** Checks, reservations and permits are what the platform is for, not how it is managed. */
export function isManagement({ access }: Endpoint["spec"]): boolean {
  return access !== "public" && access !== "limits:check";
}

/** Whether the request is about the limit on management itself, which must not keep a tenant from mending it (GW-5). */
function repairs(c: GatewayContext, { path }: Endpoint["spec"]): boolean {
  return path.startsWith("/v1/limits/{name}") && c.req.param("name") === managementLimit;
}

/** OpenAPI's `{name}` in Hono's words. */
function honoPath(template: string): string {
  return template.replaceAll(/\{(\w+)\}/g, ":$1");
}

async function answer(c: GatewayContext, { spec, handle }: Endpoint): Promise<Response> {
  const state = c.get("state");
  const unsupported = unsupportedHeader(c.req.raw.headers, spec);
  if (unsupported !== undefined) return refused(c, unsupported);
  const input = await readInput(spec, c.req.raw, spec.params === undefined ? {} : c.req.param());
  if (!input.ok) return refused(c, input.refusal);
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
