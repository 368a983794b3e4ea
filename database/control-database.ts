import type { Scope } from "../contracts/access.ts";
import type { AuditEntry, Change, ConfigDocument, ResourceKind } from "../contracts/control-plane.ts";
import type { Override } from "../contracts/limits.ts";
import type { Result } from "../contracts/result.ts";
import type { ConfigEntry } from "../contracts/rpc/hub.ts";
import type { Page, Paged, Write } from "./write.ts";

// INTERFACE of database/: `ControlDatabase.of(env.DB)` gives all repositories (classes below this comment replace it soon,
// with these names and signatures). D1 away: reads refuse control_plane_unavailable, writes outcome_unknown.

export interface StoredResource {
  name: string;
  body: unknown;
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
}
export interface Written {
  version: number;
  action: "create" | "update" | "unchanged";
  entry: ConfigEntry;
}

export interface Resources {
  get(kind: ResourceKind, tenantId: string, name: string): Promise<Result<StoredResource>>;
  list(kind: ResourceKind, tenantId: string, page: Page): Promise<Result<Paged<StoredResource>>>;
  put(write: Write, kind: ResourceKind, tenantId: string, name: string, body: unknown): Promise<Result<Written>>;
  delete(
    write: Write,
    kind: ResourceKind,
    tenantId: string,
    name: string,
  ): Promise<Result<{ version: number; entry: ConfigEntry }>>;
  /** dry run; body null = delete; honours write.ifMatch */
  plan(write: Write, kind: ResourceKind, tenantId: string, name: string, body: unknown | null): Promise<Result<Change>>;
}
export interface StoredKey {
  id: string;
  tenantId: string;
  tenant: string;
  name: string;
  scopes: readonly Scope[];
  secretHash: string;
  previousHash: string | null;
  previousExpiresAtMs: number | null;
  createdAtMs: number;
  expiresAtMs: number | null;
  revokedAtMs: number | null;
  lastUsedAtMs: number | null;
}
export interface NewKey {
  id: string;
  secretHash: string;
  name: string;
  tenant: string;
  scopes: readonly Scope[];
  expiresAtMs: number | null;
}
/** tenantId null = any tenant (administrators) */
export interface ApiKeys {
  create(write: Write, key: NewKey): Promise<Result<{ id: string; tenantId: string; version: number }>>; // makes the tenant when new; repeated: key_already_created
  rotate(
    write: Write,
    tenantId: string | null,
    id: string,
    secretHash: string,
    graceMs: number,
  ): Promise<Result<{ version: number }>>;
  revoke(write: Write, tenantId: string | null, id: string): Promise<Result<{ version: number }>>;
  find(id: string): Promise<Result<StoredKey>>; // key_not_found
  list(tenantId: string | null, page: Page): Promise<Result<Paged<StoredKey>>>;
}
export interface StoredOverride {
  limit: string;
  key: string;
  override: Override;
  version: number;
  delivered: boolean;
  updatedAtMs: number;
}
export interface Undelivered {
  tenantId: string;
  limit: string;
  key: string;
  override: Override | null;
  version: number;
}
export interface Overrides {
  get(tenantId: string, limit: string, key: string): Promise<Result<StoredOverride>>;
  list(tenantId: string, limit: string, page: Page): Promise<Result<Paged<StoredOverride>>>;
  put(
    write: Write,
    tenantId: string,
    limit: string,
    key: string,
    override: Override,
  ): Promise<Result<{ version: number; action: "create" | "update" | "unchanged" }>>;
  delete(write: Write, tenantId: string, limit: string, key: string): Promise<Result<{ version: number }>>;
  undelivered(limit: number): Promise<Result<readonly Undelivered[]>>;
  markDelivered(items: readonly Pick<Undelivered, "tenantId" | "limit" | "key" | "version">[]): Promise<Result<void>>;
}
export interface AuditLog {
  /** newest first; tenantId null = all */
  list(tenantId: string | null, page: Page): Promise<Result<Paged<AuditEntry>>>;
}
export interface Idempotency {
  purgeExpired(nowMs: number): Promise<Result<number>>;
}
export interface Documents {
  export(tenantId: string, platform: boolean): Promise<Result<ConfigDocument>>;
  /** The document replaces the tenant's limits and overrides (and, when present, the issuers). Answers what changed. */
  import(
    write: Write,
    tenantId: string,
    platform: boolean,
    document: ConfigDocument,
    dryRun: boolean,
  ): Promise<Result<{ changes: readonly Change[]; entries: readonly ConfigEntry[]; version: number }>>;
}
export interface Tenants {
  byName(name: string): Promise<Result<{ id: string; name: string }>>;
}
/** database/key-secret.ts */
export interface KeySecret {
  mintKey(): Promise<{ id: string; key: string; secretHash: string }>;
  hashSecret(secret: string): Promise<string>;
  parseKey(text: string): { id: string; secret: string } | undefined;
}
