// What the scenarios share: where Breakwater is, a limit and a key of their own, and one check.
import { check, fail } from "k6";
import http from "k6/http";

const baseUrl = (__ENV.BASE_URL || "http://127.0.0.1:8787").replace(/\/+$/, "");
const json = { "Content-Type": "application/json" };

/** Keys that the virtual users check, spread evenly. */
const keys = 10_000;

/**
 * Makes a limit and a key that may only check, and hands them to every virtual user. Its failMode is `closed`, so an answer
 * that the limiter's object did not give is seen as a refusal.
 */
export function setUp(name, policy) {
  const adminKey = __ENV.ADMIN_KEY;
  if (!adminKey) fail("set ADMIN_KEY: `npm start` says where it is");
  const headers = { Authorization: `Bearer ${adminKey}`, ...json };
  // Its own name, so that two runs at once do not take each other's limit back.
  const limit = `k6.${name}.${Date.now().toString(36)}`;
  const put = http.put(`${baseUrl}/v1/limits/${limit}`, JSON.stringify({ failMode: "closed", ...policy }), { headers });
  if (put.status !== 200 && put.status !== 201) fail(`the limit was not made: ${put.status} ${put.body}`);
  const request = { name: `k6 ${name}`, scopes: ["limits:check"] };
  const created = http.post(`${baseUrl}/v1/keys`, JSON.stringify(request), { headers });
  if (created.status !== 201) fail(`the key was not made: ${created.status} ${created.body}`);
  const { id, key } = created.json();
  return { limit, keyId: id, token: key };
}

/** Takes both back. */
export function tearDown({ limit, keyId }) {
  const headers = { Authorization: `Bearer ${__ENV.ADMIN_KEY}` };
  http.del(`${baseUrl}/v1/keys/${keyId}`, null, { headers });
  http.del(`${baseUrl}/v1/limits/${limit}`, null, { headers });
}

/** Checks one of 10,000 keys, or `key`. Gives the response. */
export function checkOnce({ limit, token }, key = `user:${Math.floor(Math.random() * keys)}`) {
  const headers = { Authorization: `Bearer ${token}`, ...json };
  const body = JSON.stringify({ checks: [{ limit, key, cost: 1 }] });
  return http.post(`${baseUrl}/v1/limits/check`, body, {
    headers,
    tags: { name: "check" },
    // A refusal is an answer, not a failure.
    responseCallback: http.expectedStatuses(200, 429),
  });
}

/** Whether a response is a decision of the limiter's object, not of the fail mode. */
export function isDecision(response) {
  return check(response, {
    "200 or 429": ({ status }) => status === 200 || status === 429,
    "decided by the object": (answer) => answer.json("results.0.source") === "object",
  });
}
