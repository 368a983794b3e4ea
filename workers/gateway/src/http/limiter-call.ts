import type { Call as LimiterCall } from "../../../../isolate/rate-limit/dependencies.ts";
import type { GatewayContext } from "../context.ts";
import type { IdempotencyRequest } from "../middleware/idempotency-key.ts";

/** Who asks the rate limiter, until when, and under which Idempotency-Key. */
export function limiterCall(c: GatewayContext, idempotency?: IdempotencyRequest): LimiterCall {
  const { principal, deadlineMs } = c.get("state");
  return {
    tenantId: principal.tenantId,
    subject: principal.subject,
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
    ...(deadlineMs === undefined ? undefined : { deadlineMs }),
    ...(idempotency === undefined ? undefined : { idempotency }),
  };
}
