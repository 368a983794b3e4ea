import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestPlatform, type TestPlatform, testAdminKey } from "../harness.ts";

// Every example of /docs, pasted into a shell where what it names exists.

const run = promisify(execFile);
let platform: TestPlatform;
let examples: readonly string[];
let key: string;
let document: object;

interface OpenApi {
  readonly components: { readonly schemas: { readonly ConfigDocument: { readonly examples: readonly [object] } } };
}

beforeAll(async () => {
  platform = await startTestPlatform();
  const { body: page } = await platform.anonymous.get<string>("/docs");
  examples = [...page.matchAll(/<code>(curl .*?)<\/code>/gs)].map(([, code]) => unescaped(code ?? ""));
  document = (await platform.anonymous.get<OpenApi>("/openapi.json")).body.components.schemas.ConfigDocument
    .examples[0];
  key = (await made<{ key: string }>("/v1/keys", { name: "docs", scopes: ["limits:check"] })).key;
});
afterAll(() => platform?.stop());

/** `<main>` of the page holds text that Hono has escaped. */
function unescaped(html: string): string {
  return html
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

async function made<T>(path: string, json: object): Promise<T> {
  const { status, body } = await platform.admin.post<T>(path, json);
  expect([path, status]).toEqual([path, status < 300 ? status : "2xx"]);
  return body;
}

/** Makes what the example names, and yields the id that it takes. */
async function prepare(example: string): Promise<string> {
  await made("/v1/import", document);
  await platform.admin.put("/v1/issuers/main", {
    issuer: "https://id.example.com/",
    audience: "breakwater",
    jwksUrl: "https://id.example.com/jwks",
  });
  await platform.admin.put("/v1/switches/limits.shadow-all", { on: false });
  if (example.includes("/v1/permits/")) {
    return (await made<{ permit: string }>("/v1/limits/jobs/keys/docs/acquire", { ttlMs: 30_000 })).permit;
  }
  if (example.includes("/v1/reservations/")) {
    return (await made<{ reservation: string }>("/v1/limits/daily/keys/docs/reserve", { cost: 10 })).reservation;
  }
  if (example.includes("/v1/keys/$ID")) {
    return (await made<{ id: string }>("/v1/keys", { name: "docs", scopes: ["limits:check"] })).id;
  }
  return "";
}

test("every example of /docs works when it is pasted", async () => {
  expect(examples.length).toBeGreaterThan(50);
  const failed: string[] = [];
  for (const example of examples) {
    const ID = await prepare(example);
    const env = { PATH: process.env.PATH ?? "", BREAKWATER: platform.url, ADMIN_KEY: testAdminKey, KEY: key, ID };
    // Events have no end: what counts is the status, also where curl gives up waiting for more.
    const script = `${example} -sS -o /dev/null --max-time 1 -w '%{http_code}' || true`;
    const { stdout } = await run("bash", ["-euc", script], { env, timeout: 10_000 });
    if (!stdout.startsWith("2")) failed.push(`${stdout} ${example}`);
  }
  expect(failed).toEqual([]);
}, 120_000);

test("the example of an import is one that changes nothing, and no example is an import that does", async () => {
  const imports = examples.filter((example) => example.includes("/v1/import"));
  expect(imports).toHaveLength(1);
  expect(imports[0]).toContain("?dryRun=true");
});
