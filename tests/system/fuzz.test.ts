import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Problem } from "../../contracts/problem.ts";
import { startTestPlatform, type TestPlatform, testAdminKey } from "../harness.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
}
interface Operation {
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
type Schema = Readonly<Record<string, unknown>>;
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

let platform: TestPlatform;
let document: Document;
beforeAll(async () => {
  platform = await startTestPlatform();
  document = (await platform.anonymous.get<Document>("/openapi.json")).body;
  await platform.admin.put("/v1/limits/api", { algorithm: "gcra", limit: 100, windowMs: 1000 });
});
afterAll(() => platform?.stop());

/** Paths that answer without an end. */
const streams = new Set(["/v1/events"]);
const runsEach = 40;

const awkwardText = fc.oneof(
  fc.constantFrom(
    "",
    "\0",
    "__proto__",
    "constructor",
    "..",
    ".",
    "a/b",
    "%",
    "'; DROP TABLE audit; --",
    "x".repeat(600),
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);
const awkward = fc.oneof(
  awkwardText,
  fc.constantFrom(null, true, 0, -0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER + 2, "\ud800", [], {}),
  fc.constant(JSON.parse('{"__proto__":{"admin":true},"toString":1}')),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A body that fits, with some of its members made awkward, left out or added. */
function bodyOf(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const reference = schema.$ref;
  if (typeof reference === "string")
    return bodyOf(document.components.schemas[reference.split("/").at(-1) ?? ""] ?? {}, depth);
  const choices = (schema.oneOf ?? schema.anyOf) as readonly Schema[] | undefined;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => bodyOf(choice, depth)));
  if ("const" in schema) return mostly(fc.constant(schema.const));
  if (Array.isArray(schema.enum)) return mostly(fc.constantFrom(...schema.enum));
  if (schema.type === "array")
    return mostly(fc.array(bodyOf((schema.items ?? {}) as Schema, depth + 1), { maxLength: 3 }));
  if (schema.type === "object") {
    const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
    const members = Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [name, bodyOf(member, depth + 1)]),
    );
    const whole = fc.record(members, { requiredKeys: (schema.required ?? []) as string[] });
    return mostly(
      fc.oneof(
        { weight: 9, arbitrary: whole },
        { weight: 1, arbitrary: whole.map((value) => ({ ...value, extra: 1 })) },
      ),
    );
  }
  if (schema.type === "integer") return mostly(fc.integer({ min: 1, max: 1000 }));
  if (schema.type === "boolean") return mostly(fc.boolean());
  return mostly(fc.constantFrom("api", "user:1", "2030-01-01T00:00:00Z", "UTC", "/v1/events"));
}

function mostly(arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary }, { weight: 1, arbitrary: awkward });
}

function operations(): { path: string; method: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

/** An address with each parameter fitting or awkward. Lone surrogates cannot stand in a URL. */
function addressOf(path: string, parameters: readonly Parameter[]): fc.Arbitrary<string> {
  const value = fc.oneof({ weight: 3, arbitrary: fc.constant("api") }, { weight: 1, arbitrary: awkwardText });
  const inQuery = parameters.filter((one) => one.in === "query").map(({ name }) => name);
  const query = fc.array(
    fc.tuple(fc.constantFrom("extra", ...inQuery), fc.oneof(fc.constantFrom("1", "true"), value)),
    { maxLength: 2 },
  );
  const names = parameters.filter((one) => one.in === "path").length;
  return fc.tuple(fc.array(value, { minLength: names, maxLength: names }), query).map(([values, pairs]) => {
    let index = 0;
    const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent((values[index++] ?? "").toWellFormed()));
    const search = pairs.map(([name, text]) => `${name}=${encodeURIComponent(text.toWellFormed())}`).join("&");
    return search === "" ? filled : `${filled}?${search}`;
  });
}

test("GW-1 no input of a client is answered with 500, and every error is a problem of a documented status", async () => {
  for (const { path, method, operation } of operations()) {
    if (streams.has(path)) continue;
    const schema = operation.requestBody?.content["application/json"]?.schema;
    const body = schema === undefined ? fc.constant(undefined) : bodyOf(schema);
    await fc.assert(
      fc.asyncProperty(addressOf(path, operation.parameters), body, async (address, json) => {
        const answer = await platform.admin.call(method, address, { json });
        expect([address, answer.status, answer.body]).not.toEqual([address, 500, answer.body]);
        expect(answer.headers.get("x-request-id")).not.toBeNull();
        // An awkward name can make it another path, or none.
        const isDocumented = String(answer.status) in operation.responses || [404, 405].includes(answer.status);
        expect([method, address, answer.status, isDocumented]).toEqual([method, address, answer.status, true]);
        if (answer.status < 400) return;
        expect(answer.headers.get("content-type")).toBe("application/problem+json");
        expect(Problem.safeParse(answer.body).error).toBeUndefined();
      }),
      { numRuns: runsEach, endOnFailure: true },
    );
  }
}, 120_000);

test("GW-1 bodies that are no JSON, or not UTF-8, or nested without end, are 400 or 415", async () => {
  const bodies = ["", "{", "[".repeat(10_000), '{"a":'.repeat(5_000), "NaN", "\ufeff{}", new Uint8Array([0xff, 0xfe])];
  for (const { path, method, operation } of operations()) {
    if (operation.requestBody === undefined) continue;
    const url = platform.url + path.replaceAll(/\{\w+\}/g, "api");
    for (const body of bodies) {
      for (const contentType of ["application/json", "text/plain"]) {
        const headers = { authorization: `Bearer ${testAdminKey}`, "content-type": contentType };
        const { status } = await fetch(url, { method, headers, body });
        expect([path, body.slice(0, 9), status < 500]).toEqual([path, body.slice(0, 9), true]);
      }
    }
  }
});

test("GW-3 a body over its bound is 413, and the connection goes on", async () => {
  const { status } = await platform.admin.post("/v1/limits/check", {
    checks: [{ limit: "api", key: "x".repeat(200_000) }],
  });
  expect(status).toBe(413);
  expect((await platform.admin.post("/v1/import", { version: 1, padding: "x".repeat(5 * 1024 * 1024) })).status).toBe(
    413,
  );
  expect((await platform.anonymous.get("/healthz")).status).toBe(200);
});
