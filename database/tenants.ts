import { eq, type SQL, sql } from "drizzle-orm";
import { ok, type Result, refuse } from "../contracts/result.ts";
import type { Database } from "./database.ts";
import { randomHex } from "./key-secret.ts";
import { hasRoom } from "./resources.ts";
import { tenants } from "./schema.ts";
import { isFirst, type Write } from "./write.ts";

export interface StoredTenant {
  readonly id: string;
  readonly name: string;
}

/** Tenants by name. They are made together with their first API key, and never deleted. */
export class Tenants {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Refuses `not_found`. Isolates know the tenants from their snapshot; this asks D1. */
  async byName(name: string): Promise<Result<StoredTenant>> {
    const columns = { id: tenants.id, name: tenants.name };
    const query = () => this.#database.orm.select(columns).from(tenants).where(eq(tenants.name, name));
    const read = await this.#database.read(query);
    if (!read.ok) return read;
    const [tenant] = read.value;
    return tenant === undefined ? refuse("not_found", `No tenant is named ${JSON.stringify(name)}.`) : ok(tenant);
  }
}

/** The id of the tenant of this name, as an expression. */
export function tenantIdOf(name: string): SQL {
  return sql`(SELECT id FROM tenants WHERE name = ${name})`;
}

/** Statements that make the tenant, with its own audit row, when it does not exist and there is room. */
export function ensureTenant(write: Write, name: string): SQL[] {
  const changeId = crypto.randomUUID();
  // Minted here and nowhere else: whoever names an object starts with it, so tenants cannot meet (AU-2).
  const tenantId = `t_${randomHex(10)}`;
  return [
    sql`INSERT INTO audit (id, at_ms, actor, tenant_id, "action", kind, name, "before", "after", request_id)
      SELECT ${changeId}, ${write.nowMs}, ${write.actor.subject}, ${tenantId}, 'create', 'tenants', ${name}, NULL,
        ${JSON.stringify({ id: tenantId })}, ${write.actor.requestId}
      WHERE ${tenantIdOf(name)} IS NULL AND ${hasRoom} AND ${isFirst(write)}`,
    sql`INSERT INTO tenants (id, name, version, created_at_ms)
      SELECT ${tenantId}, ${name}, seq, ${write.nowMs} FROM audit WHERE id = ${changeId}`,
  ];
}
