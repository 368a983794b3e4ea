import { and, asc, eq, gt, isNotNull, type SQL, sql } from "drizzle-orm";
import type { Override } from "../contracts/limits.ts";
import { ok, type Result, refuse } from "../contracts/result.ts";
import { canonicalJson } from "../core/config/canonical.ts";
import type { Database } from "./database.ts";
import { type Page, type Paged, paged, rowsOf, startOf } from "./page.ts";
import { notFound } from "./resources.ts";
import { limitOverrides } from "./schema.ts";
import { commit, committed, isMatch, matches, versionMismatch, versionOf, type Write } from "./write.ts";

/** Most overrides of one tenant: as many as one exported document holds. */
export const maxOverridesPerTenant = 10_000;

export interface StoredOverride {
  readonly limit: string;
  readonly key: string;
  readonly override: Override;
  /** Its ETag is `"<version>"`. */
  readonly version: number;
  /** Whether the key's object has acknowledged it. */
  readonly delivered: boolean;
  readonly updatedAtMs: number;
}

/** What an object has to be told: the override, or null when there is none any more. */
export interface Undelivered {
  readonly tenantId: string;
  readonly limit: string;
  readonly key: string;
  readonly override: Override | null;
  readonly version: number;
}

/** One version of an override. */
type OverrideVersion = Pick<Undelivered, "tenantId" | "limit" | "key" | "version">;

/** The registry of overrides (ADR 0004). Each is in force once its object has it, which is then marked here (CP-8). */
export class Overrides {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Refuses `override_not_found`. */
  async get(tenantId: string, limit: string, key: string): Promise<Result<StoredOverride>> {
    const which = and(ofLimit(tenantId, limit), eq(limitOverrides.key, key));
    const read = await this.#database.read(() => this.#database.orm.select().from(limitOverrides).where(which));
    if (!read.ok) return read;
    const [row] = read.value;
    return row === undefined ? overrideNotFound(key) : ok(stored(row));
  }

  /** Of one limit, by key. */
  async list(tenantId: string, limit: string, page: Page): Promise<Result<Paged<StoredOverride>>> {
    const which = and(ofLimit(tenantId, limit), gt(limitOverrides.key, startOf(page)));
    const query = () =>
      this.#database.orm
        .select()
        .from(limitOverrides)
        .where(which)
        .orderBy(asc(limitOverrides.key))
        .limit(rowsOf(page));
    const read = await this.#database.read(query);
    return read.ok ? ok(paged(page, read.value, stored, ({ key }) => key)) : read;
  }

  /**
   * Stores an override, to be delivered. One with the same body keeps its version.
   * @returns refusals `limit_not_found`, `version_mismatch`, `too_many_resources`
   */
  async put(
    write: Write,
    tenantId: string,
    limit: string,
    key: string,
    override: Override,
  ): Promise<Result<{ readonly version: number; readonly action: "create" | "update" | "unchanged" }>> {
    const id = crypto.randomUUID();
    const text = canonicalJson(override);
    const current = (column: SQL) => currentColumn(column, tenantId, limit, key);
    const version = current(sql`version`);
    const hasLimit = sql`EXISTS (SELECT 1 FROM resources WHERE kind = 'limits' AND tenant_id = ${tenantId} AND name = ${limit})`;
    const outcome = await commit(this.#database, write, {
      id,
      subject: {
        tenantId,
        kind: "overrides",
        name: `${limit}/${key}`,
        action: sql`iif(${version} IS NULL, 'create', 'update')`,
        before: current(sql`override`),
        after: text,
      },
      guard: sql`${hasLimit} AND ${matches(write.ifMatch, version)} AND ${current(sql`override`)} IS NOT ${text}
        AND (${version} IS NOT NULL OR ${countOf(tenantId)} < ${maxOverridesPerTenant})`,
      effects: [
        sql`INSERT INTO limit_overrides
            (tenant_id, limit_name, key, override, version, delivered, attempted_at_ms, created_at_ms, updated_at_ms)
          SELECT ${tenantId}, ${limit}, ${key}, ${text}, seq, 0, ${write.nowMs}, ${write.nowMs}, ${write.nowMs} FROM audit WHERE id = ${id}
          ON CONFLICT (tenant_id, limit_name, key) DO UPDATE SET override = excluded.override,
            version = excluded.version, delivered = 0, attempted_at_ms = excluded.attempted_at_ms,
            updated_at_ms = excluded.updated_at_ms`,
      ],
      probe: sql`${version} AS version, ${current(sql`override`)} AS override, ${hasLimit} AS has_limit`,
    });
    if (outcome.kind === "refused") return outcome.result;
    if (outcome.kind === "committed") {
      return ok({ version: outcome.version, action: outcome.action === "create" ? "create" : "update" });
    }
    const probe = outcome.kind === "guarded" ? outcome.probe : {};
    if (probe.has_limit !== 1) return notFound("limits", limit);
    const now = typeof probe.version === "number" ? probe.version : null;
    if (!isMatch(write.ifMatch, now)) return versionMismatch;
    if (now !== null && probe.override === text) return ok({ version: now, action: "unchanged" });
    return refuse("too_many_resources", `A tenant has at most ${maxOverridesPerTenant} overrides. Delete some first.`);
  }

  /** Removes an override, to be delivered. Refuses `override_not_found` and `version_mismatch`. */
  async delete(
    write: Write,
    tenantId: string,
    limit: string,
    key: string,
  ): Promise<Result<{ readonly version: number }>> {
    const id = crypto.randomUUID();
    const version = currentColumn(sql`version`, tenantId, limit, key);
    const outcome = await commit(this.#database, write, {
      id,
      subject: {
        tenantId,
        kind: "overrides",
        name: `${limit}/${key}`,
        action: "delete",
        before: currentColumn(sql`override`, tenantId, limit, key),
        after: null,
      },
      guard: sql`${version} IS NOT NULL AND ${matches(write.ifMatch, version)}`,
      effects: [
        sql`UPDATE limit_overrides
          SET override = NULL, version = ${versionOf(id)}, delivered = 0, attempted_at_ms = ${write.nowMs},
            updated_at_ms = ${write.nowMs}
          WHERE tenant_id = ${tenantId} AND limit_name = ${limit} AND key = ${key} AND ${committed(id)}`,
      ],
      probe: sql`${version} AS version`,
    });
    if (outcome.kind === "refused") return outcome.result;
    if (outcome.kind === "committed") return ok({ version: outcome.version });
    const isThere = outcome.kind === "guarded" && outcome.probe.version !== null;
    return isThere || write.ifMatch !== undefined ? versionMismatch : overrideNotFound(key);
  }

  /**
   * At most `limit` that no object has acknowledged, first those tried longest ago; a write counts as a try, since its
   * writer tells the object at once.
   * So one that no object ever takes waits its turn like the others.
   */
  async undelivered(limit: number): Promise<Result<readonly Undelivered[]>> {
    const query = () =>
      this.#database.orm
        .select()
        .from(limitOverrides)
        .where(eq(limitOverrides.delivered, 0))
        .orderBy(asc(limitOverrides.attemptedAtMs), asc(limitOverrides.version))
        .limit(limit);
    const read = await this.#database.read(query);
    return read.ok ? ok(read.value.map((row) => ({ ...row, override: parse(row.override) }))) : read;
  }

  /** Their objects have acknowledged these versions. A newer version stays undelivered; a removal is now complete. */
  async markDelivered(items: readonly OverrideVersion[]): Promise<Result<void>> {
    const named = areNamed(items);
    const statements = [
      sql`DELETE FROM limit_overrides WHERE override IS NULL AND ${named}`,
      sql`UPDATE limit_overrides SET delivered = 1 WHERE ${named}`,
    ];
    return this.#database.read(async () => {
      await this.#database.batch(statements);
    });
  }

  /** Their objects were asked in vain: others are first in turn now. */
  async markAttempted(items: readonly OverrideVersion[], nowMs: number): Promise<Result<void>> {
    const update = sql`UPDATE limit_overrides SET attempted_at_ms = ${nowMs} WHERE delivered = 0 AND ${areNamed(items)}`;
    return this.#database.read(async () => {
      await this.#database.batch([update]);
    });
  }
}

function areNamed(items: readonly OverrideVersion[]): SQL {
  const list = JSON.stringify(items.map(({ tenantId, limit, key, version }) => [tenantId, limit, key, version]));
  return sql`(tenant_id, limit_name, key, version) IN (SELECT json_extract(value, '$[0]'),
    json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]') FROM json_each(${list}))`;
}

function ofLimit(tenantId: string, limit: string): SQL | undefined {
  return and(
    eq(limitOverrides.tenantId, tenantId),
    eq(limitOverrides.limit, limit),
    isNotNull(limitOverrides.override),
  );
}

function currentColumn(column: SQL, tenantId: string, limit: string, key: string): SQL {
  return sql`(SELECT ${column} FROM limit_overrides
    WHERE tenant_id = ${tenantId} AND limit_name = ${limit} AND key = ${key} AND override IS NOT NULL)`;
}

/** How many live overrides the tenant has, as an expression. */
export function countOf(tenantId: string): SQL {
  return sql`(SELECT count(*) FROM limit_overrides WHERE tenant_id = ${tenantId} AND override IS NOT NULL)`;
}

function overrideNotFound(key: string) {
  return refuse("override_not_found", `The key ${JSON.stringify(key)} has no override of this limit.`);
}

function parse(text: string | null): Override | null {
  return text === null ? null : (JSON.parse(text) as Override);
}

function stored(row: typeof limitOverrides.$inferSelect): StoredOverride {
  const { limit, key, version, updatedAtMs } = row;
  // Rows without an override are filtered out by every query that comes here.
  return {
    limit,
    key,
    version,
    updatedAtMs,
    delivered: row.delivered === 1,
    override: parse(row.override) as Override,
  };
}
