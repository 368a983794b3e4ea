import { and, asc, eq, gt, type SQL, sql } from "drizzle-orm";
import type { CreateKeyRequest, Scope } from "../contracts/access.ts";
import { ok, type Result, refuse } from "../contracts/result.ts";
import type { Database } from "./database.ts";
import { type Page, type Paged, paged, rowsOf, startOf } from "./page.ts";
import { tooManyResources } from "./resources.ts";
import { apiKeys, tenants } from "./schema.ts";
import { ensureTenant, tenantIdOf } from "./tenants.ts";
import { commit, committed, type Outcome, type Write } from "./write.ts";

/** Most keys of one tenant, the revoked ones included: they are kept for the record. */
export const maxKeysPerTenant = 10_000;

export interface StoredKey {
  readonly id: string;
  readonly tenantId: string;
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly secretHash: string;
  /** The hash of the secret before the last rotation; it counts until `previousExpiresAtMs`. */
  readonly previousHash: string | null;
  readonly previousExpiresAtMs: number | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  readonly lastUsedAtMs: number | null;
}

export interface NewKey {
  readonly id: string;
  readonly secretHash: string;
  readonly name: string;
  /** Name of the tenant; made when there is none. */
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number | null;
}

/** API keys in D1. Hashes of secrets go in and out here and never into the audit (AU-3). */
export class ApiKeys {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Of any tenant, for authentication. Refuses `key_not_found`. */
  async find(id: string): Promise<Result<StoredKey>> {
    const read = await this.#database.read(() => this.#select(eq(apiKeys.id, id), 1));
    if (!read.ok) return read;
    const [row] = read.value;
    return row === undefined ? keyNotFound : ok(stored(row));
  }

  /** By id. `tenantId` null lists those of every tenant. */
  async list(tenantId: string | null, page: Page): Promise<Result<Paged<StoredKey>>> {
    const which = and(tenantId === null ? undefined : eq(apiKeys.tenantId, tenantId), gt(apiKeys.id, startOf(page)));
    const read = await this.#database.read(() => this.#select(which, rowsOf(page)));
    return read.ok ? ok(paged(page, read.value, stored, ({ key }) => key.id)) : read;
  }

  /**
   * Creates a key and, where it is the first of a new name, its tenant.
   * @returns refusals `key_already_created` for a repeated Idempotency-Key (ID-5), `too_many_resources`
   */
  async create(write: Write, key: NewKey): Promise<Result<{ readonly tenantId: string; readonly version: number }>> {
    const id = crypto.randomUUID();
    const tenantId = tenantIdOf(key.tenant);
    const { name, tenant, scopes, expiresAtMs } = key;
    const outcome = await commit(this.#database, write, {
      id,
      subject: {
        tenantId,
        kind: "keys",
        name: key.id,
        action: "create",
        before: null,
        after: JSON.stringify(asRequest(key)),
      },
      prelude: ensureTenant(write, tenant),
      guard: sql`${tenantId} IS NOT NULL
        AND (SELECT count(*) FROM api_keys WHERE tenant_id = ${tenantId}) < ${maxKeysPerTenant}`,
      effects: [
        sql`INSERT INTO api_keys (id, tenant_id, name, secret_hash, scopes, version, created_at_ms, expires_at_ms)
          SELECT ${key.id}, tenant_id, ${name}, ${key.secretHash}, ${JSON.stringify(scopes)}, seq, ${write.nowMs},
            ${expiresAtMs}
          FROM audit WHERE id = ${id}`,
      ],
      response: { id: key.id },
      probe: sql`${tenantId} AS tenant_id`,
    });
    if (outcome.kind === "committed") {
      return ok({ tenantId: String(outcome.probe.tenant_id), version: outcome.version });
    }
    if (outcome.kind !== "guarded") return repeated(outcome);
    if (outcome.probe.tenant_id === null) return tooManyResources;
    return refuse("too_many_resources", `A tenant has at most ${maxKeysPerTenant} keys, the revoked ones included.`);
  }

  /**
   * Gives the key another secret; the old one still works for `graceMs`. Of several rotations only the last old secret does.
   * @param tenantId null: of any tenant
   * @returns refusals `key_not_found`, also for a revoked key, and `key_already_created` for a repeated Idempotency-Key
   */
  async rotate(
    write: Write,
    tenantId: string | null,
    keyId: string,
    secretHash: string,
    graceMs: number,
  ): Promise<Result<{ readonly version: number }>> {
    const id = crypto.randomUUID();
    const outcome = await this.#change(write, tenantId, keyId, id, "rotate", { graceMs }, [
      sql`UPDATE api_keys SET previous_hash = secret_hash, previous_expires_at_ms = ${write.nowMs + graceMs},
          secret_hash = ${secretHash}, version = (SELECT seq FROM audit WHERE id = ${id})
        WHERE id = ${keyId} AND ${committed(id)}`,
    ]);
    if (outcome.kind === "committed") return ok({ version: outcome.version });
    return outcome.kind === "guarded" ? keyNotFound : repeated(outcome);
  }

  /** Revokes the key for ever. Again is no error and changes nothing. Refuses `key_not_found`. */
  async revoke(write: Write, tenantId: string | null, keyId: string): Promise<Result<{ readonly version: number }>> {
    const id = crypto.randomUUID();
    const outcome = await this.#change(write, tenantId, keyId, id, "revoke", { revoked: true }, [
      sql`UPDATE api_keys SET revoked_at_ms = ${write.nowMs}, version = (SELECT seq FROM audit WHERE id = ${id})
        WHERE id = ${keyId} AND ${committed(id)}`,
    ]);
    if (outcome.kind === "committed") return ok({ version: outcome.version });
    if (outcome.kind !== "guarded") return repeated(outcome);
    const { version } = outcome.probe;
    return typeof version === "number" ? ok({ version }) : keyNotFound;
  }

  /** Best effort: when these keys were used, to the minute. */
  async touch(ids: readonly string[], usedAtMs: number): Promise<void> {
    const list = JSON.stringify(ids);
    await this.#database.batch([
      sql`UPDATE api_keys SET last_used_at_ms = ${usedAtMs} WHERE id IN (SELECT value FROM json_each(${list}))`,
    ]);
  }

  #change(
    write: Write,
    tenantId: string | null,
    keyId: string,
    changeId: string,
    action: string,
    after: Record<string, unknown>,
    effects: SQL[],
  ): Promise<Outcome> {
    const owned = tenantId === null ? sql`TRUE` : sql`tenant_id = ${tenantId}`;
    const ofKey = (column: SQL) => sql`(SELECT ${column} FROM api_keys WHERE id = ${keyId} AND ${owned})`;
    return commit(this.#database, write, {
      id: changeId,
      subject: {
        tenantId: ofKey(sql`tenant_id`),
        kind: "keys",
        name: keyId,
        action,
        before: null,
        after: JSON.stringify(after),
      },
      guard: sql`EXISTS (SELECT 1 FROM api_keys WHERE id = ${keyId} AND ${owned} AND revoked_at_ms IS NULL)`,
      effects,
      response: { id: keyId },
      probe: sql`${ofKey(sql`version`)} AS version`,
    });
  }

  #select(which: SQL | undefined, limit: number) {
    return this.#database.orm
      .select({ key: apiKeys, tenant: tenants.name })
      .from(apiKeys)
      .innerJoin(tenants, eq(tenants.id, apiKeys.tenantId))
      .where(which)
      .orderBy(asc(apiKeys.id))
      .limit(limit);
  }
}

/** The key as it can be POSTed again: what its audit row says. */
function asRequest({ name, tenant, scopes, expiresAtMs }: NewKey): CreateKeyRequest {
  const request = { name, tenant, scopes: [...scopes] };
  return expiresAtMs === null ? request : { ...request, expiresAt: new Date(expiresAtMs).toISOString() };
}

/** One sentence for every key that the caller does not reach: another would tell which of them exist (AU-2). */
export const keyNotFound = refuse(
  "key_not_found",
  "No API key of yours has this id, or it is revoked; list them with GET /v1/keys.",
);

/** The secret was shown once; a repetition learns which key it made (ID-5). */
function repeated(outcome: Exclude<Outcome, { kind: "committed" | "guarded" }>): Result<never> {
  if (outcome.kind === "refused") return outcome.result;
  const { id } = outcome.response as { id: string };
  return refuse("key_already_created", `The first request made or rotated the key ${id}. Rotate it to get a secret.`);
}

function stored({ key, tenant }: { key: typeof apiKeys.$inferSelect; tenant: string }): StoredKey {
  const { version: _, scopes, ...rest } = key;
  return { ...rest, tenant, scopes: JSON.parse(scopes) as Scope[] };
}
