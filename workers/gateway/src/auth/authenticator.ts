import { type Principal, scopes } from "../../../../contracts/access.ts";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import type { ApiKeys } from "./api-keys.ts";
import { equalConstantTime } from "./constant-time.ts";
import { apiKeyId, bearerToken } from "./credentials.ts";
import type { Jwts } from "./jwt.ts";

/** The tenant that the first administrator acts in. It always exists. */
export const defaultTenant = "default";

export interface AuthenticatorDependencies {
  readonly adminKey: string | undefined;
  readonly apiKeys: ApiKeys;
  readonly jwts: Jwts;
  tenantId(name: string): string | undefined;
}

const allScopes: Principal["scopes"] = new Set(scopes);

/** Tells who calls, by what the Authorization header carries. */
export class Authenticator {
  readonly #dependencies: AuthenticatorDependencies;
  #admin: Principal | undefined;

  constructor(dependencies: AuthenticatorDependencies) {
    this.#dependencies = dependencies;
  }

  /** The principal, where memory can tell; else undefined, and `authenticate` must. Waits for nothing. */
  remembered(authorization: string | null, nowMs: number): Principal | undefined {
    // The form that every client of ours sends; any other takes the longer way.
    if (authorization === null || !authorization.startsWith("Bearer ")) return undefined;
    const token = authorization.slice(7);
    const id = apiKeyId(token);
    const { apiKeys, jwts } = this.#dependencies;
    return id === undefined ? jwts.remembered(token, nowMs) : apiKeys.remembered(id, token, nowMs);
  }

  /** The principal, or why there is none: `unauthenticated`, or a 503 when that cannot be known now. */
  async authenticate(authorization: string | null, nowMs: number): Promise<Result<Principal>> {
    const credentials = bearerToken(authorization);
    if (credentials.kind === "none") {
      return refuse("unauthenticated", "Send Authorization: Bearer with an API key or a JWT.");
    }
    if (credentials.kind === "malformed") {
      return refuse("unauthenticated", "Authorization must be Bearer followed by an API key or a JWT.");
    }
    const { token } = credentials;
    const { adminKey, apiKeys, jwts } = this.#dependencies;
    if (adminKey !== undefined && equalConstantTime(token, adminKey)) return this.#administrator();
    return apiKeyId(token) === undefined ? jwts.verify(token, nowMs) : apiKeys.verify(token, nowMs);
  }

  /** Whether the credentials behind `subject` still count, for what goes on longer than a request. */
  async stillHolds(subject: string, nowMs: number): Promise<boolean> {
    const { adminKey, apiKeys, jwts } = this.#dependencies;
    if (subject === "admin") return adminKey !== undefined;
    const [kind, name = ""] = subject.split(":", 2);
    return kind === "key" ? apiKeys.holds(name, nowMs) : jwts.trusts(name);
  }

  #administrator(): Result<Principal> {
    const tenantId = this.#dependencies.tenantId(defaultTenant);
    if (tenantId === undefined) return refuse("control_plane_unavailable", "The tenants are not known yet; try again.");
    if (this.#admin?.tenantId !== tenantId) {
      this.#admin = { tenantId, tenant: defaultTenant, subject: "admin", scopes: allScopes };
    }
    return ok(this.#admin);
  }
}
