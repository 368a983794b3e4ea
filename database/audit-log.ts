import { and, desc, eq, lt, sql } from "drizzle-orm";
import type { AuditEntry, SwitchRequest } from "../contracts/control-plane.ts";
import { ok, type Result } from "../contracts/result.ts";
import type { SwitchBody } from "../core/config/entry.ts";
import type { SwitchAudit } from "../core/config/switch-ledger.ts";
import type { Database } from "./database.ts";
import { type Page, type Paged, paged, rowsOf, startOf } from "./page.ts";
import { asJson } from "./resources.ts";
import { audit, platformTenantId, tenants } from "./schema.ts";

const columns = { entry: audit, tenant: tenants.name };

/** The record of every change, newest first. */
export class AuditLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Changes to what belongs to the tenant; `tenantId` null lists every change. */
  async list(tenantId: string | null, page: Page): Promise<Result<Paged<AuditEntry>>> {
    const before = Number(startOf(page));
    const which = and(
      tenantId === null ? undefined : eq(audit.tenantId, tenantId),
      before > 0 ? lt(audit.seq, before) : undefined,
    );
    const query = () =>
      this.#database.orm
        .select(columns)
        .from(audit)
        .leftJoin(tenants, eq(tenants.id, audit.tenantId))
        .where(which)
        .orderBy(desc(audit.seq))
        .limit(rowsOf(page));
    const read = await this.#database.read(query);
    return read.ok ? ok(paged(page, read.value, entryOf, (row) => String(row.entry.seq))) : read;
  }

  /** Adds the rows of switches that were changed elsewhere; one that is there already stays. Rejects when D1 does not answer. */
  async appendSwitchChanges(changes: readonly SwitchAudit[]): Promise<void> {
    const rows = changes.map((change) => ({
      ...change,
      before: asRequest(change.before),
      after: asRequest(change.after),
    }));
    const member = (path: string) => sql`json_extract(value, ${path})`;
    await this.#database.batch([
      sql`INSERT OR IGNORE INTO audit (id, at_ms, actor, tenant_id, "action", kind, name, "before", "after", request_id)
        SELECT ${member("$.id")}, ${member("$.atMs")}, ${member("$.actor")}, ${platformTenantId}, ${member("$.action")},
          'switches', ${member("$.name")}, nullif(value -> '$.before', 'null'), nullif(value -> '$.after', 'null'), ${member("$.requestId")}
        FROM json_each(${JSON.stringify(rows)}) ORDER BY key`,
    ]);
  }
}

/** The switch as it can be PUT again. Who changed it and when is what the audit's own columns say. */
function asRequest(body: SwitchBody | null): SwitchRequest | null {
  if (body === null) return null;
  const { on, value, untilMs } = body;
  return {
    on,
    ...(value === undefined ? undefined : { value: value as SwitchRequest["value"] }),
    ...(untilMs === undefined ? undefined : { until: new Date(untilMs).toISOString() }),
  };
}

function entryOf({ entry, tenant }: { entry: typeof audit.$inferSelect; tenant: string | null }): AuditEntry {
  const { seq, atMs, actor, tenantId, action, kind, name, requestId } = entry;
  return {
    seq,
    at: new Date(atMs).toISOString(),
    actor,
    tenant: tenantId === platformTenantId ? null : tenant,
    action,
    kind,
    name,
    before: parse(entry.before),
    after: parse(entry.after),
    requestId,
  };
}

function parse(text: string | null): AuditEntry["before"] {
  return text === null ? null : asJson(JSON.parse(text));
}
