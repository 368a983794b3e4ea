/**
 * The unit of configuration that isolates hold: one resource, switch or tenant of one version. A body of null says that it
 * is deleted.
 */
export interface ConfigEntry {
  readonly kind: SnapshotKind;
  /** Empty for what belongs to the platform. */
  readonly tenantId: string;
  readonly name: string;
  /** Sequence number of the change. It grows over deletion and re-creation (ADR 0005). */
  readonly version: number;
  readonly body: unknown | null;
}

/** What isolates hold whole. */
export type SnapshotKind = "limits" | "issuers" | "tenants" | "switches";

/** Body of a `tenants` entry; its name is the tenant's name. */
export interface TenantBody {
  readonly id: string;
}

/** Body of a `switches` entry. */
export interface SwitchBody {
  readonly on: boolean;
  readonly value?: unknown;
  /** When it turns itself off, in milliseconds since the epoch. */
  readonly untilMs?: number;
  readonly updatedAtMs: number;
  readonly updatedBy: string;
}
