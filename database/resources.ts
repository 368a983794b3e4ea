import { and, asc, eq, gt, type SQL, sql } from "drizzle-orm";
import { type Change, maxStoredEntries, type ResourceKind } from "../contracts/control-plane.ts";
import type { ErrorCode } from "../contracts/errors.ts";
import { ok, type Result, refuse } from "../contracts/result.ts";
import type { ConfigEntry } from "../contracts/rpc/hub.ts";
import { canonicalJson } from "../core/config/canonical.ts";
import { planChange } from "../core/config/plan.ts";
import type { Database } from "./database.ts";
import { type Page, type Paged, paged, rowsOf, startOf } from "./page.ts";
import { resources } from "./schema.ts";
import { commit, committed, type IfMatch, isMatch, matches, versionMismatch, versionOf, type Write } from "./write.ts";

export interface StoredResource {
  readonly name: string;
  readonly body: unknown;
  /** Its ETag is `"<version>"`. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What a put did. The entry is for the snapshot of the isolate that wrote. */
export interface PutResource {
  readonly action: "create" | "update" | "unchanged";
  readonly version: number;
  readonly entry: ConfigEntry;
}

const notFoundCodes: Readonly<Record<ResourceKind, ErrorCode>> = {
  limits: "limit_not_found",
  issuers: "issuer_not_found",
};

/** The refusal of a resource that does not exist, or belongs to somebody else. */
export function notFound(
  kind: ResourceKind,
  name: string,
): { ok: false; refusal: { code: ErrorCode; detail: string } } {
  return refuse(notFoundCodes[kind], `There is none named ${JSON.stringify(name)} in ${kind}. List them, or make it.`);
}

/** The refusal of a resource beyond what a snapshot holds (CP-11). */
export const tooManyResources = refuse(
  "too_many_resources",
  `The platform holds at most ${maxStoredEntries} limits, issuers and tenants. Delete some first.`,
);

/** Condition that one more entry fits into the snapshot. */
export const hasRoom = sql`(SELECT count(*) FROM resources) + (SELECT count(*) FROM tenants) < ${maxStoredEntries}`;

/** Resources of every kind in D1. `tenantId` is "" for kinds that belong to the platform. */
export class Resources {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Refuses with the kind's not-found code. */
  async get(kind: ResourceKind, tenantId: string, name: string): Promise<Result<StoredResource>> {
    const query = () =>
      this.#database.orm
        .select()
        .from(resources)
        .where(named(kind, tenantId, name));
    const read = await this.#database.read(query);
    if (!read.ok) return read;
    const [row] = read.value;
    return row === undefined ? notFound(kind, name) : ok(stored(row));
  }

  /** By name. */
  async list(kind: ResourceKind, tenantId: string, page: Page): Promise<Result<Paged<StoredResource>>> {
    const after = and(eq(resources.kind, kind), eq(resources.tenantId, tenantId), gt(resources.name, startOf(page)));
    const query = () =>
      this.#database.orm.select().from(resources).where(after).orderBy(asc(resources.name)).limit(rowsOf(page));
    const read = await this.#database.read(query);
    return read.ok ? ok(paged(page, read.value, stored, ({ name }) => name)) : read;
  }

  /**
   * Creates or replaces a resource. One with the same body keeps its version, and nothing is written.
   * @param body JSON that fits the kind's schema
   * @returns refusals `version_mismatch` and `too_many_resources`
   */
  async put(
    write: Write,
    kind: ResourceKind,
    tenantId: string,
    name: string,
    body: unknown,
  ): Promise<Result<PutResource>> {
    const text = canonicalJson(body);
    const id = crypto.randomUUID();
    const current = (column: SQL) => currentColumn(column, kind, tenantId, name);
    const version = current(sql`version`);
    const outcome = await commit(this.#database, write, {
      id,
      subject: {
        tenantId,
        kind,
        name,
        action: sql`iif(${version} IS NULL, 'create', 'update')`,
        before: current(sql`body`),
        after: text,
      },
      guard: sql`${matches(write.ifMatch, version)} AND ${current(sql`body`)} IS NOT ${text}
        AND (${version} IS NOT NULL OR ${hasRoom})`,
      effects: [
        sql`INSERT INTO resources (kind, tenant_id, name, body, version, created_at_ms, updated_at_ms)
          SELECT ${kind}, ${tenantId}, ${name}, ${text}, seq, ${write.nowMs}, ${write.nowMs} FROM audit WHERE id = ${id}
          ON CONFLICT (kind, tenant_id, name)
          DO UPDATE SET body = excluded.body, version = excluded.version, updated_at_ms = excluded.updated_at_ms`,
      ],
      probe: sql`${version} AS version, ${current(sql`body`)} AS body`,
    });
    const written = (action: PutResource["action"], at: number) =>
      ok({ action, version: at, entry: { kind, tenantId, name, version: at, body } });
    if (outcome.kind === "refused") return outcome.result;
    if (outcome.kind === "committed")
      return written(outcome.action === "create" ? "create" : "update", outcome.version);
    const now = currentVersion(outcome);
    if (!isMatch(write.ifMatch, now)) return versionMismatch;
    const isSame = outcome.kind === "guarded" && outcome.probe.body === text;
    return isSame && now !== null ? written("unchanged", now) : tooManyResources;
  }

  /** Deletes a resource; a limit's overrides end with it. Refuses not-found and `version_mismatch`. */
  async delete(
    write: Write,
    kind: ResourceKind,
    tenantId: string,
    name: string,
  ): Promise<Result<{ readonly version: number; readonly entry: ConfigEntry }>> {
    const id = crypto.randomUUID();
    const version = currentColumn(sql`version`, kind, tenantId, name);
    const effects = [
      sql`DELETE FROM resources
        WHERE kind = ${kind} AND tenant_id = ${tenantId} AND name = ${name} AND ${committed(id)}`,
    ];
    if (kind === "limits") effects.push(endOverrides(id, tenantId, sql`limit_name = ${name}`, write.nowMs));
    const outcome = await commit(this.#database, write, {
      id,
      subject: {
        tenantId,
        kind,
        name,
        action: "delete",
        before: currentColumn(sql`body`, kind, tenantId, name),
        after: null,
      },
      guard: sql`${version} IS NOT NULL AND ${matches(write.ifMatch, version)}`,
      effects,
      probe: sql`${version} AS version`,
    });
    if (outcome.kind === "refused") return outcome.result;
    if (outcome.kind === "committed") {
      const entry: ConfigEntry = { kind, tenantId, name, version: outcome.version, body: null };
      return ok({ version: outcome.version, entry });
    }
    return currentVersion(outcome) === null && write.ifMatch === undefined ? notFound(kind, name) : versionMismatch;
  }

  /**
   * What putting `body` (or deleting, with null) would do; changes nothing (CP-6). Refuses as the write would, but for the
   * bound on resources, which only the write can decide.
   */
  async plan(
    ifMatch: IfMatch | undefined,
    kind: ResourceKind,
    tenantId: string,
    name: string,
    body: unknown,
  ): Promise<Result<Change>> {
    const read = await this.get(kind, tenantId, name);
    if (!read.ok && read.refusal.code !== notFoundCodes[kind]) return read;
    const current = read.ok ? read.value : undefined;
    if (!isMatch(ifMatch, current?.version ?? null)) return versionMismatch;
    if (body === null && current === undefined) return notFound(kind, name);
    const { before, after, ...change } = planChange(kind, name, current?.body, body ?? undefined);
    return ok({ ...change, before: asJson(before), after: asJson(after) });
  }
}

/** Removes overrides of a tenant; their objects are told until they have acknowledged it. */
export function endOverrides(changeId: string, tenantId: string, which: SQL, nowMs: number): SQL {
  return sql`UPDATE limit_overrides
    SET override = NULL, version = ${versionOf(changeId)}, delivered = 0, attempted_at_ms = ${nowMs},
      updated_at_ms = ${nowMs}
    WHERE tenant_id = ${tenantId} AND ${which} AND override IS NOT NULL AND ${committed(changeId)}`;
}

/** A value that came out of a JSON column. */
export function asJson(value: unknown): Change["before"] {
  return value as Change["before"];
}

function named(kind: ResourceKind, tenantId: string, name: string): SQL | undefined {
  return and(eq(resources.kind, kind), eq(resources.tenantId, tenantId), eq(resources.name, name));
}

function currentColumn(column: SQL, kind: ResourceKind, tenantId: string, name: string): SQL {
  return sql`(SELECT ${column} FROM resources WHERE kind = ${kind} AND tenant_id = ${tenantId} AND name = ${name})`;
}

function currentVersion(outcome: { kind: "guarded"; probe: Readonly<Record<string, unknown>> } | { kind: "repeated" }) {
  const version = outcome.kind === "guarded" ? outcome.probe.version : null;
  return typeof version === "number" ? version : null;
}

function stored({ name, body, version, createdAtMs, updatedAtMs }: typeof resources.$inferSelect): StoredResource {
  return { name, body: JSON.parse(body), version, createdAtMs, updatedAtMs };
}
