import type { Scope } from "../../../../contracts/access.ts";
import type { CheckItem, CheckResponse, LimitPolicy } from "../../../../contracts/limits.ts";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import { Metrics } from "../../../../core/metrics/metrics.ts";
import { hashSecret } from "../../../../database/key-secret.ts";
import { createApp } from "../app.ts";
import { ApiKeys, type KeyRecord } from "../auth/api-keys.ts";
import { Authenticator } from "../auth/authenticator.ts";
import { Jwts } from "../auth/jwt.ts";
import type { Bindings } from "../bindings.ts";
import { type Level, Log } from "../log.ts";
import type { Services } from "../services.ts";
import { readSettings, type Variables } from "../settings.ts";

export const adminKey = "admin-key-of-the-tests-0123456789abcdef";
export const tenantId = "t_00000000000000000001";

/** A whole gateway over stand-ins for what is behind it: everything that it decides by itself can be tested in Node. */
export class FakeGateway {
  readonly lines: Record<string, unknown>[] = [];
  readonly keys = new Map<string, KeyRecord>();
  readonly limits = new Map<string, { version: number; policy: LimitPolicy }>();
  readonly checked: (readonly CheckItem[])[] = [];
  /** What the limiter answers next. */
  decide: (checks: readonly CheckItem[]) => Promise<Result<CheckResponse>> = async (checks) => ok(allowed(checks));
  configured = true;
  confirmedAgeMs = 0;
  keyLookups = 0;
  readonly services: Services;
  readonly #app: ReturnType<typeof createApp>;

  constructor(variables: Variables = {}) {
    const { settings } = readSettings({ ADMIN_KEY: adminKey, LOG_LEVEL: "debug", ...variables });
    const log = new Log(settings.logLevel as Level, (line) => this.lines.push(JSON.parse(line)));
    const config = {
      version: 1,
      limit: (_tenantId: string, name: string) => this.limits.get(name),
      limits: () => this.limits,
      issuers: () => new Map(),
      tenantId: (name: string) => (name === "default" ? tenantId : undefined),
      tenantName: (id: string) => (id === tenantId ? "default" : undefined),
      switchState: () => ({ on: false }),
      ageMs: () => 0,
      confirmedAgeMs: () => this.confirmedAgeMs,
    };
    const apiKeys = new ApiKeys({
      find: async (id) => {
        this.keyLookups++;
        const record = this.keys.get(id);
        return record === undefined ? refuse("key_not_found", "none") : ok(record);
      },
      confirmedAgeMs: () => this.confirmedAgeMs,
      used: () => {},
    });
    const jwts = new Jwts({
      issuers: () => new Map(),
      tenantId: config.tenantId,
      keySet: async () => refuse("issuer_unavailable", "none"),
    });
    const metrics = new Metrics();
    const isolate = {
      config,
      metrics,
      ready: () => (this.configured ? undefined : Promise.resolve(false)),
      apply: () => {},
      flush: async () => {},
    };
    const limits = {
      check: async (_call: unknown, checks: readonly CheckItem[]) => {
        this.checked.push(checks);
        return this.decide(checks);
      },
    };
    const authenticator = new Authenticator({
      adminKey: settings.adminKey,
      apiKeys,
      jwts,
      tenantId: config.tenantId,
    });
    const requestDuration = metrics.histogram("http.server.request.duration", ["method", "route", "status"]);
    const location = () => "local";
    const fake: Partial<Record<keyof Services, unknown>> = {
      settings,
      log,
      isolate,
      apiKeys,
      authenticator,
      limits,
      requestDuration,
      location,
    };
    this.services = fake as unknown as Services;
    this.#app = createApp(() => this.services);
  }

  /** Enters a key and returns what its holder sends. */
  async addKey(scopes: readonly Scope[], changes: Partial<KeyRecord> = {}): Promise<string> {
    const id = String(this.keys.size + 1).padStart(20, "0");
    const secret = "ab".repeat(32);
    const none = { previousHash: null, previousExpiresAtMs: null, expiresAtMs: null, revokedAtMs: null };
    const secretHash = await hashSecret(secret);
    this.keys.set(id, { id, tenantId, tenant: "default", scopes, secretHash, ...none, ...changes });
    return `bw_${id}_${secret}`;
  }

  async fetch(path: string, init: RequestInit & { key?: string; json?: unknown } = {}): Promise<Response> {
    const { key, json, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
    if (json !== undefined) headers.set("content-type", "application/json");
    const body = json === undefined ? rest.body : JSON.stringify(json);
    const request = new Request(`http://gateway.test${path}`, { ...rest, headers, ...(body ? { body } : undefined) });
    const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
    return this.#app.fetch(request, {} as Bindings, context as unknown as ExecutionContext);
  }
}

/** An answer that allows every check. */
export function allowed(checks: readonly CheckItem[]): CheckResponse {
  return {
    allowed: true,
    results: checks.map(({ limit, key, cost }) => ({
      limit,
      key,
      allowed: true,
      limitValue: 100,
      remaining: 100 - cost,
      resetMs: cost * 600,
      retryAfterMs: 0,
      source: "object",
    })),
  };
}
