import { CheckBatchRequest, CheckBatchResponse, CheckRequest, CheckResponse } from "../../../../contracts/limits.ts";
import { type Endpoint, endpoint } from "../endpoint/endpoint.ts";
import { refused } from "../http/answer.ts";
import { limiterCall } from "../http/limiter-call.ts";
import { checkAnswer } from "../http/rate-limit-answer.ts";
import { resultAnswer } from "../http/result-answer.ts";
import { ownLimitAmong } from "../middleware/gateway-limits.ts";

/** 20 checks with keys of 512 bytes, each byte escaped. */
const maxCheckSizeBytes = 96 * 1024;
/** 1000 items with keys of 512 bytes, some of it escaped. */
const maxBatchSizeBytes = 1024 * 1024;

const rateLimitHeaders = {
  RateLimit:
    "of each limit `r`: what is left; `t`: seconds until the limit is full again, on a refusal until the same check passes",
  "RateLimit-Policy": "the limits and their windows",
};

export const checks: readonly Endpoint[] = [
  endpoint(
    {
      method: "post",
      path: "/v1/limits/check",
      tag: "checks",
      summary: "Check",
      description:
        "Spends the cost of up to 20 checks, all or nothing. Refused by any limit it charges none of them and answers 429 with the same members. Limits named `gateway.…` are the gateway's own: 403.",
      access: "limits:check",
      body: { schema: CheckRequest, maxSizeBytes: maxCheckSizeBytes },
      idempotent: true,
      answers: { 200: { description: "Allowed, and charged.", schema: CheckResponse, headers: rateLimitHeaders } },
      refusals: [
        "quota_exceeded",
        "limit_not_found",
        "limit_needs_acquire",
        "limiter_unavailable",
        "outcome_unknown",
        "overloaded",
      ],
    },
    async ({ c, services, body, idempotency }) => {
      const own = ownLimitAmong(body.checks);
      if (own !== undefined) return refused(c, own);
      const decided = await services.limits.check(limiterCall(c, idempotency), body.checks);
      if (!decided.ok) return refused(c, decided.refusal);
      return checkAnswer(c, decided.value, decided.replayed === true);
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/limits/check-batch",
      tag: "checks",
      summary: "Check many",
      description:
        "Decides up to 1000 items, each on its own. Always 200; an item that names no limit carries an error. One that names a limit `gateway.…`, which are the gateway's own, makes it 403.",
      access: "limits:check",
      body: { schema: CheckBatchRequest, maxSizeBytes: maxBatchSizeBytes },
      idempotent: true,
      answers: { 200: { description: "One result for each item, in order.", schema: CheckBatchResponse } },
      refusals: ["outcome_unknown", "overloaded"],
    },
    async ({ c, services, body, idempotency }) => {
      const own = ownLimitAmong(body.items);
      if (own !== undefined) return refused(c, own);
      return resultAnswer(c, await services.limits.checkBatch(limiterCall(c, idempotency), body.items));
    },
  ),
];
