import type { Result } from "../../../../contracts/result.ts";
import type { GatewayContext } from "../context.ts";
import { json, noContent, refused } from "./answer.ts";

const replayedHeader = { "idempotency-replayed": "true" };

/** The result's value as JSON, or its refusal as a problem. */
export function resultAnswer(c: GatewayContext, result: Result<unknown>, status = 200): Response {
  if (!result.ok) return refused(c, result.refusal);
  return json(c, result.value, status, result.replayed ? replayedHeader : undefined);
}

/** 204 when the result is good: there is nothing to say of it. */
export function doneAnswer(c: GatewayContext, result: Result<unknown>): Response {
  if (!result.ok) return refused(c, result.refusal);
  return noContent(c, result.replayed ? replayedHeader : undefined);
}
