import type { z } from "zod";
import type * as access from "../contracts/access.ts";
import type * as control from "../contracts/control-plane.ts";
import type * as limits from "../contracts/limits.ts";

// Input types leave out what has a default; the platform answers everything.

export type Scope = access.Scope;
export type CreateKey = z.input<typeof access.CreateKeyRequest>;
export type CreatedKey = z.infer<typeof access.CreatedKey>;
export type ApiKey = access.ApiKey;
export type ApiKeyPage = z.infer<typeof access.ApiKeyList>;
export type Issuer = access.Issuer;
export type IssuerInput = z.input<typeof access.Issuer>;
export type Ticket = z.infer<typeof access.Ticket>;

export type LimitPolicy = limits.LimitPolicy;
export type LimitPolicyInput = z.input<typeof limits.LimitPolicy>;
export type Override = limits.Override;
export type OverrideInput = z.input<typeof limits.Override>;
export type Check = z.input<typeof limits.CheckRequest>["checks"][number];
export type CheckResponse = limits.CheckResponse;
export type CheckResult = limits.CheckResult;
export type CheckBatchResponse = limits.CheckBatchResponse;
export type KeyState = limits.KeyState;
export type Reservation = limits.Reservation;
export type Settlement = limits.Settlement;
export type Permit = limits.Permit;

export type Switch = control.Switch;
export type SwitchInput = z.input<typeof control.SwitchRequest>;
export type AuditEntry = control.AuditEntry;
export type AuditPage = z.infer<typeof control.AuditList>;
export type ConfigDocument = control.ConfigDocument;
export type ConfigDocumentInput = z.input<typeof control.ConfigDocument>;
export type Change = control.Change;
export type ChangePlan = z.infer<typeof control.ChangePlan>;

/** What every stored resource has beside its own members. */
interface Stored {
  readonly name: string;
  /** Grows with each change; for `ifMatch`. */
  readonly version: number;
  readonly updatedAt: string;
}
interface Paged {
  /** Gives the next page; absent on the last. */
  readonly cursor?: string;
}

/** A limit as the platform keeps it. `servedAs`: a `leased` limit is served exactly until leases exist. */
export type Limit = LimitPolicy & Stored & { readonly servedAs?: "exact" };
export type LimitPage = Paged & { readonly limits: readonly Limit[] };
export type StoredIssuer = Issuer & Stored;
export type IssuerPage = Paged & { readonly issuers: readonly StoredIssuer[] };

/** What one key of a limit gets instead of its numbers. */
export interface KeyOverride {
  readonly limit: string;
  readonly key: string;
  readonly override: Override;
  /** Grows with each change; for `ifMatch`. */
  readonly version: number;
  readonly updatedAt: string;
}
export type OverridePage = Paged & { readonly overrides: readonly KeyOverride[] };

export interface SwitchList {
  readonly switches: readonly Switch[];
}

/** Whether the gateway can decide, and by how old a configuration. */
export interface Readiness {
  /** `degraded`: the control plane was not read for over 10 s; checks go on with what is known. */
  readonly status: "ready" | "degraded";
  readonly configuration: {
    readonly version: number;
    readonly ageMs: number;
    readonly confirmedAgeMs: number | null;
  };
}
