import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** `tenant_id` of what belongs to the platform and to no tenant. */
export const platformTenantId = "";

/** Tenants by name. The id is minted by the server and starts every object name; the name is what people say. */
export const tenants = sqliteTable(
  "tenants",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull().unique(),
    version: integer("version").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (table) => [index("tenants_by_version").on(table.version)],
);

/** API keys. Of a secret only the SHA-256 is kept; `previous_hash` is the rotated secret while its grace lasts. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text("id").primaryKey(),
    tenantId: text("tenant_id").notNull(),
    name: text("name").notNull(),
    secretHash: text("secret_hash").notNull(),
    previousHash: text("previous_hash"),
    previousExpiresAtMs: integer("previous_expires_at_ms"),
    scopes: text("scopes").notNull(),
    version: integer("version").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    expiresAtMs: integer("expires_at_ms"),
    revokedAtMs: integer("revoked_at_ms"),
    lastUsedAtMs: integer("last_used_at_ms"),
  },
  (table) => [index("api_keys_by_tenant").on(table.tenantId, table.id)],
);

/** Resources of every kind that isolates hold whole. `body` is canonical JSON, so equal bodies are equal texts. */
export const resources = sqliteTable(
  "resources",
  {
    kind: text("kind").notNull(),
    tenantId: text("tenant_id").notNull(),
    name: text("name").notNull(),
    body: text("body").notNull(),
    version: integer("version").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.kind, table.tenantId, table.name] }),
    index("resources_by_version").on(table.version),
  ],
);

/**
 * The registry of overrides. `override` is null once removed, until the key's object has acknowledged the removal;
 * `delivered` says whether the object has acknowledged this version, `attempted_at_ms` when its object was last
 * told in vain, 0 for never.
 */
export const limitOverrides = sqliteTable(
  "limit_overrides",
  {
    tenantId: text("tenant_id").notNull(),
    limit: text("limit_name").notNull(),
    key: text("key").notNull(),
    override: text("override"),
    version: integer("version").notNull(),
    delivered: integer("delivered").notNull(),
    attemptedAtMs: integer("attempted_at_ms").notNull().default(0),
    createdAtMs: integer("created_at_ms").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.limit, table.key] }),
    index("limit_overrides_undelivered").on(table.delivered, table.attemptedAtMs, table.version),
  ],
);

/** One row for each change, in its transaction. `seq` is the version of what changed (ADR 0005); rows are never deleted. */
export const audit = sqliteTable(
  "audit",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull().unique(),
    atMs: integer("at_ms").notNull(),
    actor: text("actor").notNull(),
    tenantId: text("tenant_id").notNull(),
    action: text("action").notNull(),
    kind: text("kind").notNull(),
    name: text("name").notNull(),
    before: text("before"),
    after: text("after"),
    requestId: text("request_id").notNull(),
  },
  (table) => [index("audit_by_tenant").on(table.tenantId, table.seq)],
);

/** Answers kept for a repeated Idempotency-Key. Never holds a secret. */
export const idempotency = sqliteTable(
  "idempotency",
  {
    id: text("id").primaryKey(),
    bodyHash: text("body_hash").notNull(),
    response: text("response").notNull(),
    expiresAtMs: integer("expires_at_ms").notNull(),
  },
  (table) => [index("idempotency_by_expiry").on(table.expiresAtMs)],
);
