import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from "jose";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Issuer } from "../../../../contracts/access.ts";
import { ok, refuse } from "../../../../contracts/result.ts";
import { Jwts } from "./jwt.ts";

const nowMs = 1_800_000_000_000;
const nowS = nowMs / 1000;
const issuer: Issuer = {
  issuer: "https://id.test",
  audience: "breakwater",
  jwksUrl: "https://id.test/jwks",
  algorithms: ["ES256"],
  tenant: "acme",
  scopes: ["limits:check", "limits:read"],
};

let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let stranger: Awaited<ReturnType<typeof generateKeyPair>>;
let published: JSONWebKeySet;
let issuers: Map<string, { version: number; issuer: Issuer }>;
let fetches: boolean[];
let jwts: Jwts;

beforeAll(async () => {
  pair = await generateKeyPair("ES256", { extractable: true });
  stranger = await generateKeyPair("ES256", { extractable: true });
});

beforeEach(async () => {
  published = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "ES256" }] };
  issuers = new Map([["main", { version: 1, issuer }]]);
  fetches = [];
  jwts = new Jwts({
    issuers: () => issuers,
    tenantId: (name) => (name === "acme" ? "t_acme" : undefined),
    keySet: async (_url, _nowMs, renew) => {
      fetches.push(renew);
      return ok(published);
    },
  });
});

interface Claims {
  readonly iss?: string;
  readonly aud?: string;
  readonly sub?: string | null;
  readonly exp?: number | null;
  readonly nbf?: number;
  readonly scope?: string;
}

async function sign(claims: Claims = {}, header: { alg?: string; kid?: string } = {}, key = pair.privateKey) {
  const all = {
    iss: issuer.issuer,
    aud: issuer.audience,
    sub: "user-1",
    exp: nowS + 60,
    scope: "limits:check",
    ...claims,
  };
  const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  return new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "k1", ...header }).sign(key);
}

test("AU-5 a token of a listed issuer counts, for its tenant", async () => {
  const token = await sign();
  expect(await jwts.verify(token, nowMs)).toEqual({
    ok: true,
    value: { tenantId: "t_acme", tenant: "acme", subject: "jwt:main:user-1", scopes: new Set(["limits:check"]) },
  });
});

test.each<[string, Claims]>([
  ["another issuer", { iss: "https://evil.test" }],
  ["another audience", { aud: "other" }],
  ["an issuer that only starts the same", { iss: "https://id.test/" }],
  ["no expiry", { exp: null }],
  ["an expiry in the past", { exp: nowS - 6 }],
  ["a start in the future", { nbf: nowS + 60 }],
  ["no subject", { sub: null }],
  ["a subject that is no key", { sub: "a\0b" }],
  ["a subject that is too long", { sub: "x".repeat(129) }],
])("AU-5 a token with %s is refused", async (_name, claims) => {
  expect(await jwts.verify(await sign(claims), nowMs)).toMatchObject({
    ok: false,
    refusal: { code: "unauthenticated" },
  });
});

test("AU-5 a signature by another key is refused", async () => {
  const token = await sign({}, {}, stranger.privateKey);
  expect((await jwts.verify(token, nowMs)).ok).toBe(false);
});

test("AU-5 an algorithm that the entry does not list is refused, `none` included", async () => {
  issuers.set("main", { version: 2, issuer: { ...issuer, algorithms: ["RS256"] } });
  expect((await jwts.verify(await sign(), nowMs)).ok).toBe(false);
  const [, payload] = (await sign()).split(".");
  const header = btoa(JSON.stringify({ alg: "none", kid: "k1" })).replaceAll("=", "");
  expect((await jwts.verify(`${header}.${payload}.`, nowMs)).ok).toBe(false);
});

test("AU-5 scopes are those that both the token and the entry name", async () => {
  const token = await sign({ scope: "limits:read admin limits:write nonsense" });
  expect(await jwts.verify(token, nowMs)).toMatchObject({ value: { scopes: new Set(["limits:read"]) } });
});

test("an unknown key id asks for a newer key set once", async () => {
  const token = await sign({}, { kid: "k2" });
  expect((await jwts.verify(token, nowMs)).ok).toBe(false);
  expect(fetches).toEqual([false, true]);
});

test("a key set that cannot be had is a 503, not a 401", async () => {
  const blind = new Jwts({
    issuers: () => issuers,
    tenantId: () => "t",
    keySet: async () => refuse("issuer_unavailable", "away"),
  });
  expect(await blind.verify(await sign(), nowMs)).toMatchObject({ refusal: { code: "issuer_unavailable" } });
});

test("AU-5 a verified token is remembered while it and its issuer's entry hold", async () => {
  const token = await sign();
  await jwts.verify(token, nowMs);
  expect(jwts.remembered(token, nowMs + 59_999)?.subject).toBe("jwt:main:user-1");
  expect(jwts.remembered(token, nowMs + 60_000)).toBeUndefined();
  expect(jwts.remembered(`${token}x`, nowMs)).toBeUndefined();
  issuers.set("main", { version: 2, issuer });
  expect(jwts.remembered(token, nowMs)).toBeUndefined();
  issuers.clear();
  expect((await jwts.verify(token, nowMs)).ok).toBe(false);
});

test("one issuer may stand under several names, for audiences of their own", async () => {
  issuers.set("other", { version: 1, issuer: { ...issuer, audience: "other", scopes: ["limits:read"] } });
  const token = await sign({ aud: "other", scope: "limits:read" });
  expect(await jwts.verify(token, nowMs)).toMatchObject({ value: { subject: "jwt:other:user-1" } });
});

test.each(["", "a", "a.b", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "\u0000.\u0000.\u0000"])(
  "GW-1 %j is no token",
  async (token) => {
    expect((await jwts.verify(token, nowMs)).ok).toBe(false);
  },
);
