import { html, raw } from "hono/html";
import type { OpenApiDocument, Operation, Parameter, ResponseObject } from "./document.ts";
import { notation } from "./notation.ts";
import { pageStyle } from "./page-style.ts";
import { sample } from "./sample.ts";
import type { JsonSchema } from "./schema.ts";

/** Markup that is escaped already. */
type Html = ReturnType<typeof html>;

interface Placed {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

const beforeExamples =
  "The examples are for a shell in which these variables are set. They use the limits of the document that `POST /v1/import` shows: `api`, `daily` and `jobs`.";
const variables = `BREAKWATER=http://127.0.0.1:8787
ADMIN_KEY=…  # \`npm start\` keeps it in .dev.vars
KEY=…        # of an API key with the scope limits:check, from POST /v1/keys
ID=…         # of the reservation, the permit or the API key, from the answer that made it`;

/** The document as one page of HTML: no script, nothing loaded, so it works under any policy and offline. */
export function renderPage(document: OpenApiDocument): string {
  const { title, version, description } = document.info as Readonly<Record<string, string>>;
  const sections = document.tags.map((tag) => ({ ...tag, operations: operationsOf(document, tag.name) }));
  return `<!doctype html>${html`<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title} API</title>
    <style>${raw(pageStyle)}</style>
  </head>
  <body>
    <div class="layout">
      <nav aria-label="Operations">
        <h1>${title}</h1>
        <a href="/openapi.json">openapi.json</a>
        ${sections.map(({ name, operations }) => html`<h2>${name}</h2><ul>${operations.map(link)}</ul>`)}
      </nav>
      <main>
        <header><h1>${title} API</h1><span class="version">Version ${version}</span></header>
        ${prose(description ?? "")}
        <h2 id="examples">Before the examples</h2>
        ${prose(beforeExamples)}
        <pre><code>${variables}</code></pre>
        ${sections.map(
          ({ name, description: about, operations }) => html`<section class="tag" id="${name}">
          <h2>${name}</h2><p>${about}</p>
          ${operations.map((operation) => article(operation, document))}
        </section>`,
        )}
      </main>
    </div>
  </body>
</html>`}`;
}

function operationsOf(document: OpenApiDocument, tag: string): Placed[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ path, method, operation })),
  );
}

function link({ method, operation }: Placed): Html {
  return html`<li><a href="#${operation.operationId}"><span class="method ${method}">${method}</span> ${operation.summary}</a></li>`;
}

function article({ path, method, operation }: Placed, document: OpenApiDocument): Html {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const components = document.components.schemas;
  const body = requestBody?.content["application/json"]?.schema;
  return html`<article id="${operationId}">
    <h3><a href="#${operationId}">${summary}</a></h3>
    <div class="address"><span class="method ${method}">${method}</span><span>${path}</span></div>
    ${prose(description ?? "")}
    ${parameters.length === 0 ? "" : html`<h4>Parameters</h4><dl>${parameters.map(parameter)}</dl>`}
    ${body === undefined ? "" : html`<h4>Body${requestBody?.required ? "" : " (optional)"}</h4><pre><code>${notation(body, components)}</code></pre>`}
    <h4>Example</h4><pre><code>${curl(path, method, operation, body, document)}</code></pre>
    <h4>Answers</h4>
    ${Object.entries(responses).map(([status, response]) => answer(status, response, document))}
  </article>`;
}

function parameter({ name, in: place, required, description, schema }: Parameter): Html {
  const { description: _, ...bare } = schema;
  const type = notation(bare, {});
  return html`<dt>${name} <small>${place}${required ? "" : ", optional"}</small></dt>
    <dd>${type === "any JSON" ? "" : html`<code>${type}</code> `}${inline(description ?? "")}</dd>`;
}

function answer(status: string, { description, headers, content }: ResponseObject, document: OpenApiDocument): Html {
  const schema = Object.values(content ?? {})[0]?.schema;
  const isProblem = content !== undefined && "application/problem+json" in content;
  const shape = schema === undefined || isProblem ? "" : notation(schema, document.components.schemas);
  const [first = "", ...rest] = description.split("\n\n");
  return html`<details>
    <summary><span class="status">${status}</span> ${inline(first)}${rest.length === 0 ? "" : html` <small>+${rest.length}</small>`}</summary>
    ${rest.map((paragraph) => html`<p>${inline(paragraph)}</p>`)}
    ${Object.entries(headers ?? {}).map(([name, header]) => html`<p><code>${name}</code> ${header.description}</p>`)}
    ${shape === "" || shape === "string" ? "" : html`<pre><code>${shape}</code></pre>`}
  </details>`;
}

function curl(
  path: string,
  method: string,
  operation: Operation,
  body: JsonSchema | undefined,
  document: OpenApiDocument,
): string {
  const query = operation.parameters.filter((one) => one.in === "query" && (one.required || one.example !== undefined));
  const parts = [
    `curl${method === "get" ? "" : ` -X ${method.toUpperCase()}`} "$BREAKWATER${fill(path, operation)}${
      query.length === 0 ? "" : `?${query.map((one) => `${one.name}=${encodeURIComponent(exampleOf(one))}`).join("&")}`
    }"`,
  ];
  const scopes = operation.security[0]?.bearer;
  if (scopes !== undefined) {
    parts.push(`-H "Authorization: Bearer ${scopes.includes("limits:check") ? "$KEY" : "$ADMIN_KEY"}"`);
  }
  if (body !== undefined) {
    parts.push('-H "Content-Type: application/json"');
    parts.push(`-d '${JSON.stringify(sample(body, document.components.schemas)).replaceAll("'", "'\\''")}'`);
  }
  return parts.join(" \\\n  ");
}

/** The path with examples in place of its parameters. */
function fill(path: string, { parameters }: Operation): string {
  return path.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => {
    // Ids are made by the platform: no example would work.
    if (name === "id") return "$ID";
    const found = parameters.find((one) => one.in === "path" && one.name === name);
    return found === undefined ? placeholder : encodeURIComponent(exampleOf(found));
  });
}

function exampleOf({ example, schema }: Parameter): string {
  return example ?? String(sample(schema, {}));
}

/** Paragraphs, lists of `- ` lines and `code`: all of Markdown that the descriptions use. */
function prose(text: string): Html[] {
  if (text === "") return [];
  return text.split("\n\n").map((block) => {
    const lines = block.split("\n");
    if (!lines.every((line) => line.startsWith("- "))) return html`<p>${inline(block)}</p>`;
    return html`<ul>${lines.map((line) => html`<li>${inline(line.slice(2))}</li>`)}</ul>`;
  });
}

function inline(text: string): (Html | string)[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}
