import { z } from "zod";
import type { Scope } from "../../../../contracts/access.ts";
import { ChangePlan, type ResourceKind, resourceKinds } from "../../../../contracts/control-plane.ts";
import type { ErrorCode } from "../../../../contracts/errors.ts";
import { LimitName, reservedLimitNames } from "../../../../contracts/limits.ts";
import { Name } from "../../../../contracts/names.ts";
import type { StoredResource } from "../../../../database/resources.ts";
import { platformTenantId } from "../../../../database/schema.ts";
import { type Call, type Endpoint, endpoint, smallBodySizeBytes, type Tag } from "../endpoint/endpoint.ts";
import { json, methodNotAllowed, noContent, refused } from "../http/answer.ts";
import { etag } from "../http/etag.ts";
import { announce, writeOf } from "../http/write.ts";
import { DryRunQuery, PageQuery, timestamp } from "./list.ts";

/** What a kind's routes say of it, and who may use them. */
interface KindRoutes {
  readonly tag: Tag;
  readonly singular: string;
  /** With its article. */
  readonly one: string;
  /** The name of one in the documentation's examples. */
  readonly example: string;
  /** What one may be named. */
  readonly name: z.ZodType<string>;
  /** Names under which the path serves something else, with POST. */
  readonly reserved: readonly string[];
  readonly read: Scope;
  readonly write: Scope;
  readonly notFound: ErrorCode;
}

const routes: Readonly<Record<ResourceKind, KindRoutes>> = {
  limits: {
    tag: "limits",
    singular: "limit",
    one: "a limit",
    example: "api",
    name: LimitName,
    reserved: reservedLimitNames,
    read: "limits:read",
    write: "limits:write",
    notFound: "limit_not_found",
  },
  issuers: {
    tag: "access",
    singular: "issuer",
    one: "an issuer",
    example: "main",
    name: Name,
    reserved: [],
    read: "admin",
    write: "admin",
    notFound: "issuer_not_found",
  },
};

const NameParams = z.strictObject({ name: Name });
const etagHeader = { ETag: "the version, for If-Match" };

/** Members that an answer has beside those of the resource. */
const stored = z.object({
  name: Name,
  servedAs: z.literal("exact").optional().meta({ description: "how a `leased` limit is served until leases exist" }),
  version: z.int().meta({ description: "grows with each change, also over deletion; the ETag" }),
  updatedAt: z.string(),
});

/** `PUT|GET|DELETE /v1/<kind>/<name>` and `GET /v1/<kind>` of every kind of resource. */
export const resources: readonly Endpoint[] = (Object.keys(resourceKinds) as ResourceKind[]).flatMap(kindEndpoints);

function kindEndpoints(kind: ResourceKind): Endpoint[] {
  const { tag, singular, one: aResource, name, reserved, read, write, notFound } = routes[kind];
  const example = { params: { name: routes[kind].example } };
  const schema: z.ZodType = resourceKinds[kind].schema;
  const one = withMembers(schema, stored.shape).meta({ id: `${capital(singular)}Resource` });
  const list = z.object({ [kind]: z.array(one), cursor: z.string().optional() });
  const path = `/v1/${kind}/{name}`;
  return [
    endpoint(
      {
        method: "get",
        path: `/v1/${kind}`,
        tag,
        summary: `List ${kind}`,
        access: read,
        query: PageQuery,
        answers: { 200: { description: "A page, ordered by name.", schema: list } },
      },
      async ({ c, services, principal, query }) => {
        const page = await services.database.resources.list(kind, owner(kind, principal.tenantId), query);
        if (!page.ok) return refused(c, page.refusal);
        return json(c, { [kind]: page.value.items.map(answered), cursor: page.value.cursor });
      },
    ),
    endpoint(
      {
        method: "get",
        path,
        tag,
        summary: `Read ${aResource}`,
        access: read,
        params: NameParams,
        example,
        answers: { 200: { description: `The ${singular}.`, schema: one, headers: etagHeader } },
        refusals: [notFound],
      },
      async ({ c, services, principal, params }) => {
        if (reserved.includes(params.name)) return methodNotAllowed(c, ["POST"]);
        const found = await services.database.resources.get(kind, owner(kind, principal.tenantId), params.name);
        if (!found.ok) return refused(c, found.refusal);
        return json(c, answered(found.value), 200, { etag: etag(found.value.version) });
      },
    ),
    endpoint(
      {
        method: "put",
        path,
        tag,
        summary: `Create or replace ${aResource}`,
        access: write,
        params: z.strictObject({ name }),
        example,
        query: DryRunQuery,
        body: { schema, maxSizeBytes: smallBodySizeBytes },
        conditional: true,
        answers: {
          200: {
            description: `The ${singular} as it is now; with dryRun, what would change.`,
            schema: z.union([one, ChangePlan]),
            headers: etagHeader,
          },
          201: { description: "Created.", schema: one, headers: etagHeader },
        },
        refusals: ["version_mismatch", "too_many_resources", "outcome_unknown"],
      },
      (call) => (call.query.dryRun === "true" ? plan(call, kind, call.body) : put(call, kind, call.body)),
    ),
    endpoint(
      {
        method: "delete",
        path,
        tag,
        summary: `Delete ${aResource}`,
        access: write,
        params: NameParams,
        example,
        query: DryRunQuery,
        conditional: true,
        answers: {
          200: { description: "With dryRun, what would change.", schema: ChangePlan },
          204: { description: "Deleted." },
        },
        refusals: [notFound, "version_mismatch", "outcome_unknown"],
      },
      (call) => {
        if (reserved.includes(call.params.name)) return methodNotAllowed(call.c, ["POST"]);
        return call.query.dryRun === "true" ? plan(call, kind, null) : remove(call, kind);
      },
    ),
  ];
}

type ResourceCall = Call<{ name: string }, unknown, unknown>;

async function put(call: ResourceCall, kind: ResourceKind, value: unknown): Promise<Response> {
  const { c, services, principal, params } = call;
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const tenantId = owner(kind, principal.tenantId);
  const written = await services.database.resources.put(write.value, kind, tenantId, params.name, value);
  if (!written.ok) return refused(c, written.refusal);
  const { version, action, entry } = written.value;
  services.isolate.apply(entry);
  await announce(call, version);
  const resource = { name: params.name, body: value, version, updatedAtMs: write.value.nowMs };
  if (action !== "unchanged")
    return json(c, answered(resource), action === "create" ? 201 : 200, { etag: etag(version) });
  const found = await services.database.resources.get(kind, tenantId, params.name);
  return found.ok ? json(c, answered(found.value), 200, { etag: etag(version) }) : refused(c, found.refusal);
}

async function remove(call: ResourceCall, kind: ResourceKind): Promise<Response> {
  const { c, services, principal, params } = call;
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const tenantId = owner(kind, principal.tenantId);
  const deleted = await services.database.resources.delete(write.value, kind, tenantId, params.name);
  if (!deleted.ok) return refused(c, deleted.refusal);
  services.isolate.apply(deleted.value.entry);
  await announce(call, deleted.value.version);
  return noContent(c);
}

async function plan(call: ResourceCall, kind: ResourceKind, value: unknown): Promise<Response> {
  const { c, services, principal, params } = call;
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const tenantId = owner(kind, principal.tenantId);
  const change = await services.database.resources.plan(write.value.ifMatch, kind, tenantId, params.name, value);
  if (!change.ok) return refused(c, change.refusal);
  return json(c, { dryRun: true, changes: [change.value] } satisfies z.infer<typeof ChangePlan>);
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** The schema of an object, or of a choice of objects, with more members. */
function withMembers(schema: z.ZodType, members: z.ZodRawShape): z.ZodType {
  if (schema instanceof z.ZodUnion) {
    return z.union(schema.options.map((option) => withMembers(option as z.ZodType, members)));
  }
  return schema instanceof z.ZodObject ? schema.safeExtend(members) : schema;
}

/** Whose resource it is: the caller's tenant's, or the platform's. */
function owner(kind: ResourceKind, tenantId: string): string {
  return resourceKinds[kind].scope === "platform" ? platformTenantId : tenantId;
}

/** A resource as it is answered. */
function answered({ name, body, version, updatedAtMs }: Omit<StoredResource, "createdAtMs">): object {
  const resource = body as { readonly mode?: string };
  const servedAs = resource.mode === "leased" ? { servedAs: "exact" } : undefined;
  return { name, ...resource, ...servedAs, version, updatedAt: timestamp(updatedAtMs) };
}
