import { z } from "zod";
import {
  ApiKey,
  ApiKeyList,
  CreatedKey,
  CreateKeyRequest,
  type Principal,
  RotateKeyRequest,
  type Scope,
} from "../../../../contracts/access.ts";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import { keyNotFound, type StoredKey } from "../../../../database/api-keys.ts";
import { mintKey, mintSecret } from "../../../../database/key-secret.ts";
import { type Call, type Endpoint, endpoint, smallBodySizeBytes } from "../endpoint/endpoint.ts";
import { json, noContent, refused } from "../http/answer.ts";
import { announce, writeOf } from "../http/write.ts";
import { holds } from "../middleware/authorize.ts";
import { PageQuery, timestamp } from "./list.ts";

const maxIdLength = 64;
const IdParams = z.strictObject({ id: z.string().min(1).max(maxIdLength) });
/** A secret is for the one who asked, and for no cache on the way. */
const secretHeaders = { "cache-control": "no-store" };

/** API keys: made with at most the maker's scopes and life, and by others than administrators in their own tenant (AU-6). */
export const keys: readonly Endpoint[] = [
  endpoint(
    {
      method: "post",
      path: "/v1/keys",
      tag: "access",
      summary: "Create an API key",
      description:
        "The key is shown once. Administrators may name another tenant; a new name creates it. A key that expires makes keys that expire no later.",
      access: "keys:write",
      body: { schema: CreateKeyRequest, maxSizeBytes: smallBodySizeBytes },
      idempotent: true,
      answers: { 201: { description: "The key, shown once.", schema: CreatedKey } },
      refusals: ["key_already_created", "too_many_resources", "outcome_unknown"],
    },
    create,
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/keys",
      tag: "access",
      summary: "List API keys",
      access: "keys:read",
      query: PageQuery,
      answers: { 200: { description: "A page, without secrets.", schema: ApiKeyList } },
    },
    async ({ c, services, principal, query }) => {
      const page = await services.database.apiKeys.list(reach(principal), query);
      if (!page.ok) return refused(c, page.refusal);
      return json(c, { keys: page.value.items.map(answered), cursor: page.value.cursor });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/keys/{id}",
      tag: "access",
      summary: "Read an API key",
      access: "keys:read",
      params: IdParams,
      answers: { 200: { description: "The key, without its secret.", schema: ApiKey } },
      refusals: ["key_not_found"],
    },
    async (call) => {
      const found = await find(call);
      return found.ok ? json(call.c, answered(found.value)) : refused(call.c, found.refusal);
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/keys/{id}/rotate",
      tag: "access",
      summary: "Rotate an API key",
      description:
        "Gives the key a new secret, shown once. The old one works for `graceMs` more. You must hold its scopes, and expire no earlier than it.",
      access: "keys:write",
      params: IdParams,
      body: { schema: RotateKeyRequest, maxSizeBytes: smallBodySizeBytes, optional: true },
      idempotent: true,
      answers: { 200: { description: "The key with its new secret, shown once.", schema: CreatedKey } },
      refusals: ["key_not_found", "key_already_created", "outcome_unknown"],
    },
    rotate,
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/keys/{id}",
      tag: "access",
      summary: "Revoke an API key",
      description: "Refused everywhere within a second. You must hold its scopes, but for the key that you call with.",
      access: "keys:write",
      params: IdParams,
      answers: { 204: { description: "Revoked." } },
      refusals: ["key_not_found", "outcome_unknown"],
    },
    revoke,
  ),
];

async function create(call: Call<undefined, undefined, CreateKeyRequest>): Promise<Response> {
  const { c, services, principal, body } = call;
  const { name, scopes, tenant = principal.tenant, expiresAt } = body;
  const may = mayGrant(principal, tenant, scopes);
  if (!may.ok) return refused(c, may.refusal);
  const expiresAtMs = expiresAt === undefined ? null : Date.parse(expiresAt);
  if (expiresAtMs !== null && expiresAtMs <= Date.now()) {
    const errors = [{ pointer: "/expiresAt", detail: "must be in the future" }];
    return refused(c, { code: "invalid_body", detail: "The key would have expired already.", errors });
  }
  const mayLast = await mayGrantUntil(call, expiresAtMs);
  if (!mayLast.ok) return refused(c, mayLast.refusal);
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const { id, key, secretHash } = await mintKey();
  const created = await services.database.apiKeys.create(write.value, {
    id,
    secretHash,
    name,
    tenant,
    scopes: [...new Set(scopes)],
    expiresAtMs,
  });
  if (!created.ok) return refused(c, created.refusal);
  services.apiKeys.forget(id);
  const { tenantId, version } = created.value;
  services.isolate.apply({ kind: "tenants", tenantId: "", name: tenant, version, body: { id: tenantId } });
  await announce(call, version);
  return json(c, { id, key }, 201, secretHeaders);
}

async function rotate(call: Call<{ id: string }, undefined, { graceMs: number }>): Promise<Response> {
  const { c, services, principal, params, body } = call;
  const found = await find(call);
  if (!found.ok) return refused(c, found.refusal);
  // Whoever rotates a key holds its secret: it must not do more than they may.
  const may = mayGrant(principal, found.value.tenant, found.value.scopes);
  if (!may.ok) return refused(c, may.refusal);
  const mayLast = await mayGrantUntil(call, found.value.expiresAtMs);
  if (!mayLast.ok) return refused(c, mayLast.refusal);
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const { id, key, secretHash } = await mintSecret(params.id);
  const rotated = await services.database.apiKeys.rotate(write.value, reach(principal), id, secretHash, body.graceMs);
  if (!rotated.ok) return refused(c, rotated.refusal);
  services.apiKeys.forget(id);
  await announce(call, rotated.value.version);
  return json(c, { id, key }, 200, secretHeaders);
}

async function revoke(call: Call<{ id: string }, undefined, undefined>): Promise<Response> {
  const { c, services, principal, params } = call;
  const found = await find(call);
  if (!found.ok) return refused(c, found.refusal);
  const may = mayRevoke(principal, found.value);
  if (!may.ok) return refused(c, may.refusal);
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const revoked = await services.database.apiKeys.revoke(write.value, reach(principal), params.id);
  if (!revoked.ok) return refused(c, revoked.refusal);
  services.apiKeys.forget(params.id);
  await announce(call, revoked.value.version);
  return noContent(c);
}

/** The key, if it exists for the caller: that of another tenant does not (AU-2). */
async function find({
  services,
  principal,
  params,
}: Pick<Call<{ id: string }, unknown, unknown>, "services" | "principal" | "params">): Promise<Result<StoredKey>> {
  const found = await services.database.apiKeys.find(params.id);
  if (!found.ok) return found;
  const tenantId = reach(principal);
  return tenantId === null || found.value.tenantId === tenantId ? found : keyNotFound;
}

/** Whose keys the caller reaches: null for those of every tenant. */
function reach(principal: Principal): string | null {
  return holds(principal, "admin") ? null : principal.tenantId;
}

/** A key that expires would live on in one that expires later (AU-6). */
async function mayGrantUntil(
  { services, principal }: Pick<Call<unknown, unknown, unknown>, "services" | "principal">,
  expiresAtMs: number | null,
): Promise<Result<null>> {
  const ownId = ownKeyId(principal);
  if (ownId === undefined) return ok(null);
  const own = await services.database.apiKeys.find(ownId);
  if (!own.ok) return own;
  const endMs = own.value.expiresAtMs;
  if (endMs === null || (expiresAtMs !== null && expiresAtMs <= endMs)) return ok(null);
  return refuse("forbidden", `Your own key expires at ${timestamp(endMs)}: what you hand on must expire no later.`);
}

/** A key may always revoke itself: whoever holds a leaked one must be able to end it. */
function mayRevoke(principal: Principal, key: StoredKey): Result<null> {
  if (holds(principal, "admin") || ownKeyId(principal) === key.id) return ok(null);
  const missing = key.scopes.find((scope) => !principal.scopes.has(scope));
  if (missing === undefined) return ok(null);
  return refuse("forbidden", `You cannot revoke a key with the scope ${missing}: your own credentials lack it.`);
}

/** Id of the API key that the caller calls with. */
function ownKeyId({ subject }: Principal): string | undefined {
  return subject.startsWith("key:") ? subject.slice("key:".length) : undefined;
}

function mayGrant(principal: Principal, tenant: string, scopes: readonly Scope[]): Result<null> {
  if (holds(principal, "admin")) return ok(null);
  if (tenant !== principal.tenant) return refuse("forbidden", "Only administrators make keys of another tenant.");
  const missing = scopes.find((scope) => !principal.scopes.has(scope));
  if (missing === undefined) return ok(null);
  return refuse("forbidden", `You cannot hand on the scope ${missing}: your own credentials lack it.`);
}

function answered(key: StoredKey): z.infer<typeof ApiKey> {
  return {
    id: key.id,
    name: key.name,
    tenant: key.tenant,
    scopes: [...key.scopes],
    createdAt: timestamp(key.createdAtMs),
    expiresAt: key.expiresAtMs === null ? null : timestamp(key.expiresAtMs),
    revokedAt: key.revokedAtMs === null ? null : timestamp(key.revokedAtMs),
    lastUsedAt: key.lastUsedAtMs === null ? null : timestamp(key.lastUsedAtMs),
  };
}
