import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import type { Issuer, Principal, Scope } from "../../../../contracts/access.ts";
import { isKey } from "../../../../contracts/names.ts";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import { Lru } from "./lru.ts";

export interface JwtDependencies {
  issuers(): ReadonlyMap<string, { readonly version: number; readonly issuer: Issuer }>;
  tenantId(name: string): string | undefined;
  /** Refuses when there is no key set to be had; `renew` asks for a newer one. */
  keySet(url: string, nowMs: number, renew: boolean): Promise<Result<JSONWebKeySet>>;
}

/** Clocks of issuers differ from ours by this much at most. */
const clockToleranceS = 5;
/** Verified tokens that an isolate remembers, so that a signature is verified once. */
const maxVerified = 1_000;
/** How long a verified token is believed without its signature: a key that the issuer withdrew ends with it. */
const rememberMs = 5 * 60_000;
/** Longest `sub`: with the issuer's name it must still fit a key of 512 bytes. */
const maxSubLength = 128;

interface Verified {
  readonly principal: Principal;
  readonly expiresMs: number;
  readonly issuerName: string;
  readonly issuerVersion: number;
}

const notTrusted = refuse(
  "unauthenticated",
  "The token is not one of a trusted issuer, or its signature is not valid.",
);

/** Verifies JWTs (RFC 7519) of the issuers that administrators have entered. */
export class Jwts {
  readonly #dependencies: JwtDependencies;
  readonly #verified = new Lru<string, Verified>(maxVerified);

  constructor(dependencies: JwtDependencies) {
    this.#dependencies = dependencies;
  }

  /** The principal of a token verified before, while it and its issuer's entry hold. */
  remembered(token: string, nowMs: number): Principal | undefined {
    const verified = this.#verified.get(token);
    if (verified === undefined || nowMs >= verified.expiresMs) return undefined;
    const issuer = this.#dependencies.issuers().get(verified.issuerName);
    return issuer?.version === verified.issuerVersion ? verified.principal : undefined;
  }

  /** Whether the issuer of this name is still entered. */
  trusts(issuerName: string): boolean {
    return this.#dependencies.issuers().has(issuerName);
  }

  /** Verifies `token` against the entries whose `issuer` it names (AU-5). */
  async verify(token: string, nowMs: number): Promise<Result<Principal>> {
    const claimed = issuerOf(token);
    if (claimed === undefined) return notTrusted;
    let result: Result<Principal> = notTrusted;
    for (const [name, { version, issuer }] of this.#dependencies.issuers()) {
      if (issuer.issuer !== claimed) continue;
      result = await this.#verifyFor(name, version, issuer, token, nowMs);
      // One issuer may stand under several names, for audiences of their own.
      if (result.ok) return result;
    }
    return result;
  }

  async #verifyFor(
    name: string,
    version: number,
    issuer: Issuer,
    token: string,
    nowMs: number,
  ): Promise<Result<Principal>> {
    const tenantId = this.#dependencies.tenantId(issuer.tenant);
    if (tenantId === undefined)
      return refuse("unauthenticated", `The issuer's tenant ${issuer.tenant} does not exist.`);
    const payload = await this.#payload(issuer, token, nowMs);
    if (!payload.ok) return payload;
    const { sub, exp, scope } = payload.value;
    if (sub === undefined || sub.length > maxSubLength || !isKey(sub) || exp === undefined) return notTrusted;
    const subject = `jwt:${name}:${sub}`;
    const principal = { tenantId, tenant: issuer.tenant, subject, scopes: allowedScopes(scope, issuer.scopes) };
    this.#verified.set(token, {
      principal,
      expiresMs: Math.min(exp * 1000, nowMs + rememberMs),
      issuerName: name,
      issuerVersion: version,
    });
    return ok(principal);
  }

  async #payload(issuer: Issuer, token: string, nowMs: number): Promise<Result<JWTPayload>> {
    for (const renew of [false, true]) {
      const keys = await this.#dependencies.keySet(issuer.jwksUrl, nowMs, renew);
      if (!keys.ok) return keys;
      try {
        const { payload } = await jwtVerify(token, createLocalJWKSet(keys.value), {
          issuer: issuer.issuer,
          audience: issuer.audience,
          algorithms: [...issuer.algorithms],
          requiredClaims: ["exp", "sub"],
          clockTolerance: clockToleranceS,
          currentDate: new Date(nowMs),
        });
        return ok(payload);
      } catch (error) {
        if (error instanceof errors.JWTExpired)
          return refuse("unauthenticated", "The token has expired; get a new one.");
        // A key id that the set does not have may be newer than the set.
        if (!(error instanceof errors.JWKSNoMatchingKey)) return notTrusted;
      }
    }
    return notTrusted;
  }
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** What of the `scope` claim (RFC 8693, 4.2) the issuer's entry allows. */
function allowedScopes(claim: unknown, allowed: readonly Scope[]): ReadonlySet<Scope> {
  const claimed = new Set(typeof claim === "string" ? claim.split(" ") : []);
  return new Set(allowed.filter((scope) => claimed.has(scope)));
}
