import { expect, test } from "vitest";
import { endpoints } from "../routes/index.ts";
import { buildDocument } from "./document.ts";
import { notation } from "./notation.ts";
import { renderPage } from "./page.ts";
import { sample } from "./sample.ts";

const document = buildDocument(endpoints, "1.2.3");
const text = JSON.stringify(document);

test("GW-4 every route is in the document, and nothing else is", () => {
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(documented.sort()).toEqual(endpoints.map(({ spec }) => `${spec.method} ${spec.path}`).sort());
});

test("GW-4 every reference leads to a component", () => {
  const references = new Set(text.match(/#\/components\/schemas\/[\w]+/g));
  const names = [...references].map((reference) => reference.slice("#/components/schemas/".length));
  expect(names.filter((name) => !(name in document.components.schemas))).toEqual([]);
  expect(Object.keys(document.components.schemas).filter((name) => !names.includes(name))).toEqual([]);
});

test("GW-4 ids, descriptions and examples of the contracts reach the document", () => {
  expect(document.components.schemas).toHaveProperty("CheckItem");
  expect(document.components.schemas.FailMode?.description).toContain("safeRatePerSecond");
  expect(document.components.schemas.CheckRequest?.examples).toEqual([
    { checks: [{ limit: "api", key: "user:1", cost: 1 }] },
  ]);
  expect(text).not.toContain("$defs");
});

test("what is said of Idempotency-Key is what happens", () => {
  const said = (path: string) =>
    document.paths[path]?.post?.parameters.find(({ name }) => name === "Idempotency-Key")?.description;
  expect(said("/v1/import")).toMatch(/Idempotency-Replayed: true`\.$/);
  expect(said("/v1/keys")).toContain("409 `key_already_created`");
  expect(said("/v1/keys/{id}/rotate")).not.toContain("Idempotency-Replayed");
  expect(said("/v1/limits/check")).toContain("429 is not kept");
  expect(said("/v1/tickets")).toBeUndefined();
  expect(document.paths["/v1/tickets"]?.post?.description).toContain("takes no Idempotency-Key");
});

test("GW-4 operation ids are unique, and path parameters are declared", () => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, operation })),
  );
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, operation } of operations) {
    const inTemplate = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = operation.parameters.filter((one) => one.in === "path").map(({ name }) => name);
    expect([path, declared]).toEqual([path, inTemplate]);
  }
});

test("the notation names nullable types, and follows references over references", () => {
  const components = { A: { $ref: "#/components/schemas/B" }, B: { type: "integer" } };
  expect(notation({ type: ["string", "null"] }, {})).toBe("string | null");
  expect(notation({ $ref: "#/components/schemas/A" }, components)).toBe("integer");
  expect(sample({ type: ["integer", "null"] }, {})).toBe(1);
});

test("a folded answer says how many more codes it has", () => {
  expect(renderPage(document)).toMatch(/<span class="status">400<\/span>.*<small>\+\d<\/small><\/summary>/);
});

test("the page shows every operation, runs nothing and loads nothing", () => {
  const page = renderPage(document);
  for (const { spec } of endpoints) expect(page).toContain(spec.path);
  expect(page).not.toMatch(/<script|src=|@import|url\(|undefined|\[object/);
  expect(page.match(/href="([^"#][^"]*)"/g)).toEqual(['href="/openapi.json"']);
});
