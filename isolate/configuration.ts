import type { Issuer } from "../contracts/access.ts";
import type { LimitPolicy } from "../contracts/limits.ts";
import type { ConfigEntry, SwitchBody, TenantBody } from "../core/config/entry.ts";
import { type Applied, Snapshot } from "../core/config/snapshot.ts";
import { type SwitchState, switchState } from "../core/config/switch-state.ts";
import type { ConfiguredIssuer, ConfiguredLimit, ConfigView } from "./config-view.ts";

const noLimits: ReadonlyMap<string, ConfiguredLimit> = new Map();

/** The isolate's snapshot, indexed the way it is asked. */
export class Configuration implements ConfigView {
  readonly snapshot = new Snapshot();
  /** Time of the root's answer that the snapshot holds, and of the root's last reading of D1. */
  answeredAtMs = -Infinity;
  confirmedAtMs = -Infinity;
  readonly #limits = new Map<string, Map<string, ConfiguredLimit>>();
  readonly #issuers = new Map<string, ConfiguredIssuer>();
  readonly #tenantIds = new Map<string, string>();
  readonly #tenantNames = new Map<string, string>();
  readonly #switches = new Map<string, SwitchBody>();

  /** Brings the indexes up to what the snapshot has taken. */
  index({ reset, changed }: Applied): void {
    if (reset) {
      for (const map of [this.#limits, this.#issuers, this.#tenantIds, this.#tenantNames, this.#switches]) map.clear();
    }
    for (const entry of changed) this.#index(entry);
  }

  limit(tenantId: string, name: string): ConfiguredLimit | undefined {
    return this.#limits.get(tenantId)?.get(name);
  }

  limits(tenantId: string): ReadonlyMap<string, ConfiguredLimit> {
    return this.#limits.get(tenantId) ?? noLimits;
  }

  issuers(): ReadonlyMap<string, ConfiguredIssuer> {
    return this.#issuers;
  }

  tenantId(name: string): string | undefined {
    return this.#tenantIds.get(name);
  }

  tenantName(id: string): string | undefined {
    return this.#tenantNames.get(id);
  }

  switchState(name: string, nowMs: number): SwitchState {
    return switchState(this.#switches.get(name), nowMs);
  }

  get version(): number {
    return this.snapshot.position.config;
  }

  ageMs(nowMs: number): number {
    return nowMs - this.answeredAtMs;
  }

  confirmedAgeMs(nowMs: number): number {
    return nowMs - this.confirmedAtMs;
  }

  // Bodies were validated by their schema when they were written.
  #index({ kind, tenantId, name, version, body }: ConfigEntry): void {
    switch (kind) {
      case "limits": {
        const limits = this.#limits.get(tenantId) ?? new Map<string, ConfiguredLimit>();
        put(limits, name, body && { version, policy: body as LimitPolicy });
        if (limits.size > 0) this.#limits.set(tenantId, limits);
        else this.#limits.delete(tenantId);
        break;
      }
      case "issuers":
        put(this.#issuers, name, body && { version, issuer: body as Issuer });
        break;
      case "tenants":
        put(this.#tenantNames, (body as TenantBody | null)?.id ?? this.#tenantIds.get(name) ?? "", body && name);
        put(this.#tenantIds, name, body && (body as TenantBody).id);
        break;
      case "switches":
        put(this.#switches, name, body && (body as SwitchBody));
    }
  }
}

function put<T>(map: Map<string, T>, name: string, value: T | null | undefined | false | 0 | ""): void {
  if (value) map.set(name, value);
  else map.delete(name);
}
