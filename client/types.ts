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

/** A limit as the platform keeps it. */
export type Limit = LimitPolicy & { readonly name: string };
export interface LimitPage {
  readonly limits: readonly Limit[];
  readonly cursor?: string;
}
export type KeyOverride = { readonly limit: string; readonly key: string; readonly override: Override };
export interface OverridePage {
  readonly overrides: readonly KeyOverride[];
  readonly cursor?: string;
}
export interface SwitchPage {
  readonly switches: readonly Switch[];
  readonly cursor?: string;
}
export interface IssuerPage {
  readonly issuers: readonly (Issuer & { readonly name: string })[];
  readonly cursor?: string;
}
