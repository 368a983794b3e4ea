import { z } from "zod";
import { Permit, RenewRequest, Settlement, SettleRequest } from "../../../../contracts/limits.ts";
import { type Endpoint, endpoint, smallBodySizeBytes } from "../endpoint/endpoint.ts";
import { limiterCall } from "../http/limiter-call.ts";
import { doneAnswer, resultAnswer } from "../http/result-answer.ts";

/** Ids of reservations and permits are ours: object names and random parts. */
const maxIdLength = 512;
const IdParams = z.strictObject({ id: z.string().min(1).max(maxIdLength) });
const Nothing = z.strictObject({});

const refusals = ["limiter_unavailable", "outcome_unknown", "overloaded"] as const;

/** What was reserved or acquired, until it is settled or released. */
export const holds: readonly Endpoint[] = [
  endpoint(
    {
      method: "post",
      path: "/v1/reservations/{id}/settle",
      tag: "holds",
      summary: "Settle a reservation",
      description:
        "Less than reserved gives the rest back; more is charged as far as it fits, and `uncharged` says what did not.",
      access: "limits:check",
      params: IdParams,
      body: { schema: SettleRequest, maxSizeBytes: smallBodySizeBytes },
      idempotent: true,
      answers: { 200: { description: "Settled.", schema: Settlement } },
      refusals: [...refusals, "reservation_not_found"],
    },
    async ({ c, services, params, body, idempotency }) =>
      resultAnswer(c, await services.limits.settle(limiterCall(c, idempotency), params.id, body.cost)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/permits/{id}/renew",
      tag: "holds",
      summary: "Renew a permit",
      access: "limits:check",
      params: IdParams,
      body: { schema: RenewRequest, maxSizeBytes: smallBodySizeBytes, optional: true },
      idempotent: true,
      answers: { 200: { description: "The permit with its new end.", schema: Permit } },
      refusals: [...refusals, "permit_not_found"],
    },
    async ({ c, services, params, body, idempotency }) =>
      resultAnswer(c, await services.limits.renew(limiterCall(c, idempotency), params.id, body.ttlMs)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/permits/{id}/release",
      tag: "holds",
      summary: "Release a permit",
      access: "limits:check",
      params: IdParams,
      body: { schema: Nothing, maxSizeBytes: smallBodySizeBytes, optional: true },
      idempotent: true,
      answers: { 204: { description: "Released." } },
      refusals: [...refusals, "permit_not_found"],
    },
    async ({ c, services, params, idempotency }) =>
      doneAnswer(c, await services.limits.release(limiterCall(c, idempotency), params.id)),
  ),
];
