import { z } from "zod";
import { type LimitPolicy, largestOverride, Override } from "../../../../contracts/limits.ts";
import { Key, Name } from "../../../../contracts/names.ts";
import { ok, type Refusal, type Result, refuse } from "../../../../contracts/result.ts";
import { type Call, type Endpoint, endpoint, smallBodySizeBytes } from "../endpoint/endpoint.ts";
import { json, noContent, refused } from "../http/answer.ts";
import { etag } from "../http/etag.ts";
import { limiterCall } from "../http/limiter-call.ts";
import { writeOf } from "../http/write.ts";
import { PageQuery, timestamp } from "./list.ts";

const LimitParams = z.strictObject({ name: Name });
const KeyParams = z.strictObject({ name: Name, key: Key });
const KeyQuery = z.strictObject({ key: Key });

const KeyOverride = z
  .object({ limit: Name, key: Key, override: Override, version: z.int(), updatedAt: z.string() })
  .meta({ id: "KeyOverride" });
const KeyOverrideList = z
  .object({ overrides: z.array(KeyOverride), cursor: z.string().optional() })
  .meta({ id: "KeyOverrideList" });

interface Subject {
  readonly limit: string;
  readonly key: string;
}
type AnyCall = Call<unknown, unknown, unknown>;

const inPath = "/v1/limits/{name}/overrides/{key}";
const inQuery = "/v1/limits/{name}/overrides";
const keyInQuery =
  "This form is for keys that a path cannot carry: `.`, `..`, and those with `/` where a proxy decodes it.";
const etagHeader = { ETag: "the version, for If-Match" };

const putSpec = {
  method: "put",
  tag: "limits",
  summary: "Override a limit for one key",
  description:
    "In force in the key's object when it is answered. `limit` and `burst` can be no larger than those of the limit itself could be.",
  access: "limits:write",
  body: { schema: Override, maxSizeBytes: smallBodySizeBytes },
  conditional: true,
  answers: {
    200: { description: "The override as it is now.", schema: KeyOverride, headers: etagHeader },
    201: { description: "Created.", schema: KeyOverride, headers: etagHeader },
  },
  refusals: ["limit_not_found", "version_mismatch", "too_many_resources", "outcome_unknown"],
} as const;

const deleteSpec = {
  method: "delete",
  tag: "limits",
  summary: "Remove an override",
  access: "limits:write",
  conditional: true,
  answers: { 204: { description: "Removed; the limit's own numbers are in force." } },
  refusals: ["limit_not_found", "override_not_found", "version_mismatch", "outcome_unknown"],
} as const;

/** What single keys of a limit get instead of its numbers (ADR 0004). */
export const overrides: readonly Endpoint[] = [
  endpoint(
    {
      method: "get",
      path: inQuery,
      tag: "limits",
      summary: "List overrides",
      description: "With `?key=` the one override of that key.",
      access: "limits:read",
      params: LimitParams,
      query: PageQuery.extend({ key: Key.optional() }),
      answers: { 200: { description: "A page, ordered by key.", schema: z.union([KeyOverrideList, KeyOverride]) } },
      refusals: ["limit_not_found", "override_not_found"],
    },
    ({ query: { key, ...page }, params, ...call }) =>
      key === undefined
        ? list({ ...call, params, query: page, body: undefined })
        : read(call, { limit: params.name, key }),
  ),
  endpoint(
    {
      method: "get",
      path: inPath,
      tag: "limits",
      summary: "Read an override",
      access: "limits:read",
      params: KeyParams,
      answers: { 200: { description: "The override.", schema: KeyOverride, headers: etagHeader } },
      refusals: ["limit_not_found", "override_not_found"],
    },
    (call) => read(call, { limit: call.params.name, key: call.params.key }),
  ),
  endpoint({ ...putSpec, path: inPath, params: KeyParams }, (call) =>
    put(call, { limit: call.params.name, key: call.params.key }, call.body),
  ),
  endpoint(
    {
      ...putSpec,
      summary: `${putSpec.summary} (?key=)`,
      path: inQuery,
      description: keyInQuery,
      params: LimitParams,
      query: KeyQuery,
    },
    (call) => put(call, { limit: call.params.name, key: call.query.key }, call.body),
  ),
  endpoint({ ...deleteSpec, path: inPath, params: KeyParams }, (call) =>
    remove(call, { limit: call.params.name, key: call.params.key }),
  ),
  endpoint(
    {
      ...deleteSpec,
      summary: `${deleteSpec.summary} (?key=)`,
      path: inQuery,
      description: keyInQuery,
      params: LimitParams,
      query: KeyQuery,
    },
    (call) => remove(call, { limit: call.params.name, key: call.query.key }),
  ),
];

async function list(call: Call<{ name: string }, { limit: number; cursor?: string | undefined }, unknown>) {
  const { c, services, principal, params, query } = call;
  const page = await services.database.overrides.list(principal.tenantId, params.name, query);
  if (!page.ok) return refused(c, page.refusal);
  return json(c, { overrides: page.value.items.map(answered), cursor: page.value.cursor });
}

async function read({ c, services, principal }: Pick<AnyCall, "c" | "services" | "principal">, subject: Subject) {
  const found = await services.database.overrides.get(principal.tenantId, subject.limit, subject.key);
  if (!found.ok) return refused(c, found.refusal);
  return json(c, answered(found.value), 200, { etag: etag(found.value.version) });
}

async function put(call: AnyCall, { limit, key }: Subject, override: Override): Promise<Response> {
  const { c, services, principal } = call;
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const served = await servable(call, limit, override);
  if (!served.ok) return refused(c, served.refusal);
  const stored = await services.database.overrides.put(write.value, principal.tenantId, limit, key, override);
  if (!stored.ok) return refused(c, stored.refusal);
  const { version, action } = stored.value;
  if (!(await deliver(call, { limit, key }, override, version))) return refused(c, notDelivered.refusal);
  const body = answered({ limit, key, override, version, updatedAtMs: write.value.nowMs });
  return json(c, body, action === "create" ? 201 : 200, { etag: etag(version) });
}

/** Refuses numbers over what the limit's algorithm can serve: they would be answered and lowered in silence. */
async function servable({ services, principal }: AnyCall, limit: string, override: Override): Promise<Result<null>> {
  if ("unlimited" in override) return ok(null);
  const stored = await services.database.resources.get("limits", principal.tenantId, limit);
  if (!stored.ok) return stored;
  const most = largestOverride(stored.value.body as LimitPolicy);
  const tooLarge = (["limit", "burst"] as const).filter((name) => (override[name] ?? 0) > most);
  if (tooLarge.length === 0) return ok(null);
  const errors = tooLarge.map((name) => ({ pointer: `/${name}`, detail: `must be at most ${most} for this limit` }));
  const detail = `The override is too large for this limit, which can serve at most ${most}.`;
  const refusal: Refusal = { code: "invalid_body", detail, errors };
  return { ok: false, refusal };
}

async function remove(call: AnyCall, { limit, key }: Subject): Promise<Response> {
  const { c, services, principal } = call;
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const removed = await services.database.overrides.delete(write.value, principal.tenantId, limit, key);
  if (!removed.ok) return refused(c, removed.refusal);
  const delivered = await deliver(call, { limit, key }, null, removed.value.version);
  return delivered ? noContent(c) : refused(c, notDelivered.refusal);
}

const notDelivered = refuse(
  "outcome_unknown",
  "The override is stored and will be in force within minutes; its object did not answer in time.",
);

/** Puts the stored override in force in its key's object, and notes that it is (CP-8). */
async function deliver(call: AnyCall, { limit, key }: Subject, override: Override | null, version: number) {
  const { c, services, principal } = call;
  const set = await services.limits.setOverride(limiterCall(c), limit, key, override, version);
  if (!set.ok) return false;
  // Should this fail, the schedule delivers again, which changes nothing.
  await services.database.overrides.markDelivered([{ tenantId: principal.tenantId, limit, key, version }]);
  return true;
}

interface Stored extends Subject {
  readonly override: Override;
  readonly version: number;
  readonly updatedAtMs: number;
}

function answered({ limit, key, override, version, updatedAtMs }: Stored): z.infer<typeof KeyOverride> {
  return { limit, key, override, version, updatedAt: timestamp(updatedAtMs) };
}
