import { z } from "zod";
import {
  AcquireRequest,
  BanRequest,
  KeyState,
  Permit,
  RefundRequest,
  Reservation,
  ReserveRequest,
} from "../../../../contracts/limits.ts";
import { Key, Name } from "../../../../contracts/names.ts";
import type { Result } from "../../../../contracts/result.ts";
import { type Call, type Endpoint, type EndpointSpec, endpoint, smallBodySizeBytes } from "../endpoint/endpoint.ts";
import { limiterCall } from "../http/limiter-call.ts";
import { waitFor } from "../http/rate-limit-answer.ts";
import { resultAnswer } from "../http/result-answer.ts";
import { ownLimitAmong } from "../middleware/gateway-limits.ts";

const LimitParams = z.strictObject({ name: Name });
const KeyParams = z.strictObject({ name: Name, key: Key });
const KeyQuery = z.strictObject({ key: Key });

/** A limit's key that a request is about, wherever in the URL it stood. */
interface Subject {
  readonly limit: string;
  readonly key: string;
}

type KeySpec<B> = Omit<EndpointSpec<unknown, unknown, B>, "path" | "params" | "query">;
type KeyHandler<B> = (call: Call<unknown, unknown, B>, subject: Subject) => Promise<Result<unknown>>;

const keyInQuery =
  "This form is for keys that a path cannot carry: `.`, `..`, and those with `/` where a proxy decodes it.";

/** `/v1/limits/{name}/keys/{key}<action>`: an operation on one key. */
function inPath<B>(action: string, spec: KeySpec<B>, handle: KeyHandler<B>): Endpoint {
  return endpoint({ ...spec, path: `/v1/limits/{name}/keys/{key}${action}`, params: KeyParams }, async (call) =>
    resultAnswer(call.c, await handle(call, { limit: call.params.name, key: call.params.key })),
  );
}

/** `/v1/limits/{name}/keys<action>?key=`: the same operation with the key in the query. */
function inQuery<B>(action: string, spec: KeySpec<B>, handle: KeyHandler<B>): Endpoint {
  const description = spec.description === undefined ? keyInQuery : `${spec.description} ${keyInQuery}`;
  return endpoint(
    {
      ...spec,
      summary: `${spec.summary} (?key=)`,
      description,
      path: `/v1/limits/{name}/keys${action}`,
      params: LimitParams,
      query: KeyQuery,
    },
    async (call) => resultAnswer(call.c, await handle(call, { limit: call.params.name, key: call.query.key })),
  );
}

function both<B = undefined>(action: string, spec: KeySpec<B>, handle: KeyHandler<B>): Endpoint[] {
  return [inPath(action, spec, handle), inQuery(action, spec, handle)];
}

/** As `handle`, but not on the gateway's own limits (GW-5). */
function unlessOwn<B>(handle: KeyHandler<B>): KeyHandler<B> {
  return async (call, subject) => {
    const own = ownLimitAmong([subject]);
    return own === undefined ? handle(call, subject) : { ok: false, refusal: own };
  };
}

const state = { 200: { description: "What the key stands at.", schema: KeyState } };
/** Operations on one key have no fail mode: they say when the object does not answer. */
const refusals = ["limit_not_found", "limiter_unavailable", "outcome_unknown", "overloaded"] as const;

const reset: KeySpec<undefined> = {
  method: "delete",
  tag: "keys",
  summary: "Reset a key",
  description: "Makes the key as if never used. A ban and open holds stay.",
  access: "limits:write",
  answers: state,
  refusals,
};
const resetKey: KeyHandler<undefined> = ({ c, services }, { limit, key }) =>
  services.limits.reset(limiterCall(c), limit, key);

const unban: KeySpec<undefined> = {
  method: "delete",
  tag: "keys",
  summary: "End a ban",
  access: "limits:write",
  answers: state,
  refusals,
};
const unbanKey: KeyHandler<undefined> = ({ c, services }, { limit, key }) =>
  services.limits.unban(limiterCall(c), limit, key);

/** A reservation's refusal in the words of a check's: whether to wait, or to ask for less. */
function explained<T>(result: Result<T>, limit: string): Result<T> {
  if (result.ok || result.refusal.code !== "quota_exceeded") return result;
  const detail = waitFor([limit], result.refusal.retryAfterMs ?? null);
  return { ...result, refusal: { ...result.refusal, detail } };
}

/** `DELETE …/keys/ban` is ambiguous by its path alone: with `?key=` it ends that key's ban, without it resets the key "ban". */
const unbanInQuery = endpoint(
  {
    ...unban,
    summary: `${unban.summary} (?key=)`,
    path: "/v1/limits/{name}/keys/ban",
    description: `${keyInQuery} Without \`?key=\` it resets the key that is named \`ban\`.`,
    params: LimitParams,
    query: KeyQuery.partial(),
    example: { query: { key: "user:1" } },
  },
  async (call) => {
    const { key } = call.query;
    const limit = call.params.name;
    const result = key === undefined ? resetKey(call, { limit, key: "ban" }) : unbanKey(call, { limit, key });
    return resultAnswer(call.c, await result);
  },
);

/** What a key of a limit stands at, and what is done to it. Before paths with `{key}` come those with a verb in its place. */
export const limitKeys: readonly Endpoint[] = [
  ...both(
    "",
    { method: "get", tag: "keys", summary: "Peek at a key", access: "limits:read", answers: state, refusals },
    ({ c, services }, { limit, key }) => services.limits.peek(limiterCall(c), limit, key),
  ),
  unbanInQuery,
  inPath("/ban", unban, unbanKey),
  ...both("", reset, resetKey),
  ...both(
    "/refund",
    {
      method: "post",
      tag: "keys",
      summary: "Refund",
      description: "Gives back cost that was charged, never more than a full key.",
      access: "limits:write",
      body: { schema: RefundRequest, maxSizeBytes: smallBodySizeBytes },
      idempotent: true,
      answers: state,
      refusals: [...refusals, "limit_not_refundable"],
    },
    ({ c, services, body, idempotency }, { limit, key }) =>
      services.limits.refund(limiterCall(c, idempotency), limit, key, body.cost),
  ),
  ...both(
    "/ban",
    {
      method: "put",
      tag: "keys",
      summary: "Ban a key",
      description: "Refuses the key until the ban ends, whatever is left. A new ban replaces an older one.",
      access: "limits:write",
      body: { schema: BanRequest, maxSizeBytes: smallBodySizeBytes },
      answers: state,
      refusals,
    },
    unlessOwn(({ c, services, body }, { limit, key }) =>
      services.limits.ban(limiterCall(c), limit, key, body.durationMs),
    ),
  ),
  ...both(
    "/reserve",
    {
      method: "post",
      tag: "holds",
      summary: "Reserve",
      description:
        "Charges an estimated cost at once. Settle it when the real cost is known; unsettled it stays charged.",
      access: "limits:check",
      body: { schema: ReserveRequest, maxSizeBytes: smallBodySizeBytes },
      idempotent: true,
      answers: { 200: { description: "Reserved, and charged.", schema: Reservation } },
      refusals: [...refusals, "quota_exceeded", "limit_needs_acquire"],
      example: { params: { name: "daily" } },
    },
    unlessOwn(async ({ c, services, body, idempotency }, { limit, key }) =>
      explained(await services.limits.reserve(limiterCall(c, idempotency), limit, key, body.cost, body.ttlMs), limit),
    ),
  ),
  ...both(
    "/acquire",
    {
      method: "post",
      tag: "holds",
      summary: "Acquire a permit",
      description: "Takes one of a concurrency limit's permits until it is released or its time is over.",
      access: "limits:check",
      body: { schema: AcquireRequest, maxSizeBytes: smallBodySizeBytes, optional: true },
      idempotent: true,
      answers: { 200: { description: "The permit.", schema: Permit } },
      refusals: [...refusals, "permits_exhausted", "limit_not_concurrency"],
      example: { params: { name: "jobs" } },
    },
    unlessOwn(({ c, services, body, idempotency }, { limit, key }) =>
      services.limits.acquire(limiterCall(c, idempotency), limit, key, body.ttlMs),
    ),
  ),
];
