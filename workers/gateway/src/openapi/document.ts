import { type ErrorCode, errorKinds } from "../../../../contracts/errors.ts";
import { Problem } from "../../../../contracts/problem.ts";
import { type AnswerSpec, type Endpoint, type EndpointSpec, tags } from "../endpoint/endpoint.ts";
import { isManagement } from "../endpoint/mount.ts";
import { isCreateOnly } from "../middleware/unsupported-headers.ts";
import { type JsonSchema, SchemaCollector } from "./schema.ts";

type Spec = EndpointSpec<unknown, unknown, unknown>;

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, ResponseObject>>;
}
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly example?: string;
  readonly schema: JsonSchema;
}
type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;
export interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: JsonSchema }>>;
  readonly content?: Content;
}
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: Readonly<Record<string, unknown>>;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

const introduction = `Errors are \`application/problem+json\` (RFC 9457): \`code\` is stable, \`detail\` says what to do, \`instance\` is the request id.

Every request may carry \`X-Request-Id\` (kept in the answer), \`traceparent\` (continued) and \`X-Request-Timeout-Ms\` (what is left of your deadline; then 504). Unknown members and parameters are errors. Lists take \`?limit=&cursor=\`.`;

/** The OpenAPI 3.1 document of these endpoints, from the schemas that validate their requests (GW-4). */
export function buildDocument(endpoints: readonly Endpoint[], version: string): OpenApiDocument {
  const schemas = new SchemaCollector();
  const problem = schemas.add(Problem);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const { spec } of endpoints) {
    paths[spec.path] = { ...paths[spec.path], [spec.method]: operation(spec, schemas, problem) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Breakwater", version, description: introduction, license: { name: "MIT", identifier: "MIT" } },
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas.components).sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "An API key (`bw_…`), a JWT of a trusted issuer, or ADMIN_KEY.",
        },
        ticket: { type: "apiKey", in: "query", name: "ticket", description: "A single-use ticket, for browsers." },
      },
    },
  };
}

function operation(spec: Spec, schemas: SchemaCollector, problem: JsonSchema): Operation {
  const scope = spec.access === "any" || spec.access === "public" ? undefined : `Needs the scope \`${spec.access}\`.`;
  const description = [spec.description, scope].filter(Boolean).join("\n\n");
  return {
    operationId: operationId(spec),
    tags: [spec.tag],
    summary: spec.summary,
    ...(description === "" ? undefined : { description }),
    security: security(spec),
    parameters: [
      ...(spec.params === undefined ? [] : parameters("path", schemas.add(spec.params), spec.example?.params)),
      ...(spec.query === undefined ? [] : parameters("query", schemas.add(spec.query), spec.example?.query)),
      ...(spec.conditional ? [ifMatch] : []),
      ...(isCreateOnly(spec) ? [ifNoneMatch] : []),
      ...(spec.idempotent ? [idempotencyKey(spec)] : []),
    ],
    ...(spec.body === undefined
      ? undefined
      : {
          requestBody: {
            required: spec.body.optional !== true,
            content: { "application/json": { schema: schemas.add(spec.body.schema) } },
          },
        }),
    responses: { ...answers(spec, schemas), ...problems(spec, problem) },
  };
}

/** `putLimitsByNameKeysByKeyBan`: the method and the path's words. */
function operationId({ method, path }: Spec): string {
  const words = path
    .replace("/v1/", "/")
    .replaceAll(/\{(\w+)\}/g, "by-$1")
    .split(/[^a-zA-Z]+/);
  return method + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
}

function security({ access, ticket }: Spec): Operation["security"] {
  if (access === "public") return [];
  const bearer = { bearer: access === "any" ? [] : [access] };
  return ticket ? [bearer, { ticket: [] }] : [bearer];
}

function parameters(
  place: "path" | "query",
  object: JsonSchema,
  examples: Readonly<Record<string, string>> = {},
): Parameter[] {
  const { properties = {}, required = [] } = object as {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(typeof description === "string" ? { description } : undefined),
    ...(examples[name] === undefined ? undefined : { example: examples[name] }),
    schema,
  }));
}

const ifMatch: Parameter = {
  name: "If-Match",
  in: "header",
  required: false,
  description:
    "An ETag: the write happens only when nobody has written in between, else 412. `*`: only when it exists.",
  schema: { type: "string", examples: ['"12"'] },
};

const ifNoneMatch: Parameter = {
  name: "If-None-Match",
  in: "header",
  required: false,
  description: "`*`: the write happens only when there is none yet, else 412.",
  schema: { type: "string", enum: ["*"] },
};

/** What a repetition is answered with. */
const replayed = "the answer is the first one's, with `Idempotency-Replayed: true`.";
const secretNotReplayed =
  "the repetition is answered 409 `key_already_created` with the key's id, since its secret is shown once.";
const refusedAnew = "A refusal with 429 is not kept: its repetition is decided anew.";

function idempotencyKey({ refusals = [] }: Spec): Parameter {
  const answer = refusals.includes("key_already_created") ? secretNotReplayed : replayed;
  const isLimited = refusals.includes("quota_exceeded") || refusals.includes("permits_exhausted");
  const description = `Repeated with the same key within 24 h the work is done once; ${answer}`;
  return {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    description: isLimited ? `${description} ${refusedAnew}` : description,
    schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[ -~]+$" },
  };
}

function answers(spec: Spec, schemas: SchemaCollector): Record<string, ResponseObject> {
  const responses: Record<string, ResponseObject> = {};
  for (const [status, answer] of Object.entries<AnswerSpec>(spec.answers)) {
    const { description, schema, mediaType = "application/json", headers } = answer;
    const body = schema === undefined ? { type: "string" } : schemas.add(schema);
    const hasBody = schema !== undefined || answer.mediaType !== undefined;
    responses[status] = {
      description,
      ...(headers === undefined ? undefined : { headers: headerObjects(headers) }),
      ...(hasBody ? { content: { [mediaType]: { schema: body } } } : undefined),
    };
  }
  return responses;
}

function headerObjects(headers: Readonly<Record<string, string>>): NonNullable<ResponseObject["headers"]> {
  const objects: Record<string, { description: string; schema: JsonSchema }> = {};
  for (const [name, description] of Object.entries(headers))
    objects[name] = { description, schema: { type: "string" } };
  return objects;
}

/** The refusals of the endpoint and those that any of its form may answer, by status. */
function problems(spec: Spec, problem: JsonSchema): Record<string, ResponseObject> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of refusalsOf(spec)) {
    const { status } = errorKinds[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses: Record<string, ResponseObject> = {};
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    const description = codes.map((code) => `\`${code}\`: ${errorKinds[code].title}.`).join("\n\n");
    responses[status] = { description, content: { "application/problem+json": { schema: problem } } };
  }
  return responses;
}

function refusalsOf(spec: Spec): ReadonlySet<ErrorCode> {
  const codes = new Set<ErrorCode>(["invalid_parameter"]);
  if (spec.body !== undefined) {
    for (const code of ["invalid_body", "invalid_json", "body_too_large", "unsupported_media_type"] as const)
      codes.add(code);
  }
  if (spec.access !== "public") {
    for (const code of ["unauthenticated", "control_plane_unavailable", "issuer_unavailable", "overloaded"] as const) {
      codes.add(code);
    }
    if (spec.access !== "any") codes.add("forbidden");
    if (isManagement(spec)) codes.add("quota_exceeded");
  }
  if (spec.idempotent) {
    codes.add("idempotency_key_in_use");
    codes.add("idempotency_key_reused");
  }
  for (const code of spec.refusals ?? []) codes.add(code);
  codes.add("internal");
  codes.add("deadline_exceeded");
  return codes;
}
