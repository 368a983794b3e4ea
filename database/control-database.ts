import { lte } from "drizzle-orm";
import { ok, type Result } from "../contracts/result.ts";
import { ApiKeys } from "./api-keys.ts";
import { AuditLog } from "./audit-log.ts";
import { Changes } from "./changes.ts";
import { Database } from "./database.ts";
import { Documents } from "./documents.ts";
import { Overrides } from "./overrides.ts";
import { Resources } from "./resources.ts";
import { idempotency } from "./schema.ts";
import { Tenants } from "./tenants.ts";

/**
 * Everything that the control plane keeps in D1. Reads refuse `control_plane_unavailable` when D1 does not answer; writes
 * refuse `outcome_unknown`, since they may have been committed.
 */
export class ControlDatabase {
  readonly resources: Resources;
  readonly tenants: Tenants;
  readonly apiKeys: ApiKeys;
  readonly overrides: Overrides;
  readonly audit: AuditLog;
  readonly documents: Documents;
  /** For the root hub. */
  readonly changes: Changes;
  readonly #database: Database;

  constructor(d1: D1Database) {
    const database = new Database(d1);
    this.#database = database;
    this.resources = new Resources(database);
    this.tenants = new Tenants(database);
    this.apiKeys = new ApiKeys(database);
    this.overrides = new Overrides(database);
    this.audit = new AuditLog(database);
    this.documents = new Documents(database);
    this.changes = new Changes(database);
  }

  /** Forgets the Idempotency-Keys whose time is over; returns how many. For the schedule. */
  async purgeIdempotency(nowMs: number): Promise<Result<number>> {
    const purge = () => this.#database.orm.delete(idempotency).where(lte(idempotency.expiresAtMs, nowMs));
    const purged = await this.#database.read(purge);
    return purged.ok ? ok(purged.value.meta.changes) : purged;
  }
}
