import type { Issuer } from "../contracts/access.ts";
import type { LimitPolicy } from "../contracts/limits.ts";

export interface ConfiguredLimit {
  /** Sequence number of its last change; its ETag is `"<version>"`. */
  readonly version: number;
  readonly policy: LimitPolicy;
}

export interface ConfiguredIssuer {
  readonly version: number;
  readonly issuer: Issuer;
}

export interface SwitchState {
  readonly on: boolean;
  readonly value?: unknown;
}

/** What an isolate knows of the configuration. Everything is in memory; nothing here waits. */
export interface ConfigView {
  /** The tenant's limit of this name. The same object for as long as the limit does not change. */
  limit(tenantId: string, name: string): ConfiguredLimit | undefined;
  limits(tenantId: string): ReadonlyMap<string, ConfiguredLimit>;
  issuers(): ReadonlyMap<string, ConfiguredIssuer>;
  tenantId(name: string): string | undefined;
  tenantName(id: string): string | undefined;
  /** A switch never set is off, and so is one past its `until` (CP-9). */
  switchState(name: string, nowMs: number): SwitchState;
  /** Sequence number up to which every change is known. */
  readonly version: number;
  /** Milliseconds since the root's answer that this snapshot holds; Infinity before the first. */
  ageMs(nowMs: number): number;
  /** Milliseconds since the root last read D1, as far as is known here; Infinity before the first. */
  confirmedAgeMs(nowMs: number): number;
}
