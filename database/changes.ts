import { sql } from "drizzle-orm";
import { resourceKinds } from "../contracts/control-plane.ts";
import type { ConfigEntry } from "../contracts/rpc/hub.ts";
import type { Database, Row } from "./database.ts";
import { platformTenantId } from "./schema.ts";

/** Most audit rows of one reading; the next poll reads on. */
const maxRows = 1_000;

/** What the root learns from one reading of D1, which is one transaction. */
export interface Reading {
  /** Sequence number of the newest change; smaller than one read before when the database was restored. */
  readonly newest: number;
  /** Up to where this reading is complete. Entries may be newer. */
  readonly through: number;
  readonly entries: readonly ConfigEntry[];
  /** Ids of API keys that changed. */
  readonly keys: readonly string[];
}

const newest = sql`SELECT coalesce(max(seq), 0) AS seq FROM audit`;

/** What the root reads. Its methods reject when D1 does not answer. */
export class Changes {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** What changed after the change `seq`. */
  async since(seq: number): Promise<Reading> {
    const [[head] = [], changes = [], resources = [], tenants = []] = await this.#database.batch([
      newest,
      sql`SELECT seq, "action", kind, tenant_id, name FROM audit WHERE seq > ${seq} ORDER BY seq LIMIT ${maxRows}`,
      sql`SELECT kind, tenant_id, name, version, body FROM resources WHERE version > ${seq}`,
      sql`SELECT id, name, version FROM tenants WHERE version > ${seq}`,
    ]);
    const newestSeq = Number(head?.seq ?? 0);
    const isWhole = changes.length < maxRows;
    const keys = new Set(changes.filter(({ kind }) => kind === "keys").map(({ name }) => String(name)));
    return {
      newest: newestSeq,
      through: isWhole ? newestSeq : Number(changes.at(-1)?.seq),
      entries: [...changes.flatMap(deletion), ...resources.flatMap(resource), ...tenants.map(tenant)],
      keys: [...keys],
    };
  }

  /** Everything that isolates hold. */
  async everything(): Promise<Reading> {
    const [[head] = [], resources = [], tenants = []] = await this.#database.batch([
      newest,
      sql`SELECT kind, tenant_id, name, version, body FROM resources`,
      sql`SELECT id, name, version FROM tenants`,
    ]);
    const seq = Number(head?.seq ?? 0);
    return { newest: seq, through: seq, entries: [...resources.flatMap(resource), ...tenants.map(tenant)], keys: [] };
  }
}

function deletion({ seq, action, kind, tenant_id, name }: Row): ConfigEntry[] {
  if (action !== "delete" || !isResourceKind(kind)) return [];
  return [{ kind, tenantId: String(tenant_id), name: String(name), version: Number(seq), body: null }];
}

function resource({ kind, tenant_id, name, version, body }: Row): ConfigEntry[] {
  // A kind that this deployment does not know was written by a newer one.
  if (!isResourceKind(kind)) return [];
  const entry = { tenantId: String(tenant_id), name: String(name), version: Number(version) };
  return [{ kind, ...entry, body: JSON.parse(String(body)) }];
}

function tenant({ id, name, version }: Row): ConfigEntry {
  const body = { id: String(id) };
  return { kind: "tenants", tenantId: platformTenantId, name: String(name), version: Number(version), body };
}

function isResourceKind(kind: unknown): kind is keyof typeof resourceKinds {
  return typeof kind === "string" && Object.hasOwn(resourceKinds, kind);
}
