import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestPlatform, type TestPlatform } from "../harness.ts";
import { Caller } from "../http.ts";

let platform: TestPlatform;
let jwks: Server;
let served = 0;
let pair: Awaited<ReturnType<typeof generateKeyPair>>;

const issuer = { issuer: "https://id.test", audience: "breakwater", algorithms: ["ES256"], scopes: ["limits:read"] };

beforeAll(async () => {
  pair = await generateKeyPair("ES256");
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: "k1" }];
  jwks = createServer((_request, response) => {
    served++;
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => jwks.listen(0, "127.0.0.1", resolve));
  platform = await startTestPlatform();
});
afterAll(async () => {
  await platform?.stop();
  jwks?.close();
});

function sign(claims: Record<string, unknown> = {}, kid = "k1"): Promise<string> {
  return new SignJWT({ scope: "limits:read limits:write", ...claims })
    .setProtectedHeader({ alg: "ES256", kid })
    .setIssuer(issuer.issuer)
    .setAudience(issuer.audience)
    .setSubject("user-1")
    .setExpirationTime("5m")
    .sign(pair.privateKey);
}

const jwksUrl = () => `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks`;

test("AU-5 a token counts once its issuer is entered, with the scopes that both name, until the entry is gone", async () => {
  const caller = new Caller(platform.url, await sign());
  expect((await caller.get("/v1/limits")).status).toBe(401);

  expect((await platform.admin.put("/v1/issuers/main", { ...issuer, jwksUrl: jwksUrl() })).status).toBe(201);
  expect((await caller.get("/v1/limits")).status).toBe(200);
  expect((await caller.put("/v1/limits/x", { algorithm: "gcra", limit: 1, windowMs: 1 })).status).toBe(403);
  for (let again = 0; again < 5; again++) {
    expect((await new Caller(platform.url, await sign({ jti: String(again) })).get("/v1/limits")).status).toBe(200);
  }
  expect(served).toBe(1);

  expect((await platform.admin.delete("/v1/issuers/main")).status).toBe(204);
  expect((await caller.get("/v1/limits")).status).toBe(401);
});

test("AU-5 an issuer whose key set is away is a 503", async () => {
  const away = { ...issuer, issuer: "https://away.test", jwksUrl: "http://127.0.0.1:1/jwks" };
  expect((await platform.admin.put("/v1/issuers/away", away)).status).toBe(201);
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid: "k1" })
    .setIssuer(away.issuer)
    .setAudience(issuer.audience)
    .setSubject("user-1")
    .setExpirationTime("5m")
    .sign(pair.privateKey);
  const { status, body } = await new Caller(platform.url, token).get<{ code: string }>("/v1/limits");
  expect([status, body.code]).toEqual([503, "issuer_unavailable"]);
});

test("only administrators enter issuers", async () => {
  const caller = await platform.caller({ scopes: ["limits:write", "config:write"] });
  expect((await caller.put("/v1/issuers/mine", { ...issuer, jwksUrl: jwksUrl() })).status).toBe(403);
  expect((await caller.get("/v1/issuers")).status).toBe(403);
});
