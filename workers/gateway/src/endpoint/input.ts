import type { z } from "zod";
import type { FieldError } from "../../../../contracts/problem.ts";
import { ok, type Refusal, refuse } from "../../../../contracts/result.ts";
import type { BodySpec, EndpointSpec } from "./endpoint.ts";
import { fieldErrors } from "./field-errors.ts";
import { isJson, parseJson, readText } from "./json-body.ts";
import { parseQuery } from "./query.ts";

export interface Input {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** A refusal with what exactly is wrong. */
export interface InputRefusal {
  readonly refusal: Refusal;
  readonly errors?: readonly FieldError[];
}

export type InputResult<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & InputRefusal);

/**
 * Reads and validates what the endpoint takes. Unknown members and parameters are errors.
 * @param params the path's parameters, percent-decoded
 */
export async function readInput(
  spec: EndpointSpec<unknown, unknown, unknown>,
  request: Request,
  params: Record<string, string>,
): Promise<InputResult<Input>> {
  const path = spec.params === undefined ? ok(undefined) : parse(spec.params, params, "path");
  if (!path.ok) return path;
  const query = readQuery(spec, request.url);
  if (!query.ok) return query;
  const body = spec.body === undefined ? ok(undefined) : await readBody(spec.body, request);
  if (!body.ok) return body;
  return ok({ params: path.value, query: query.value, body: body.value });
}

function readQuery(spec: EndpointSpec<unknown, unknown, unknown>, url: string): InputResult<unknown> {
  const query = parseQuery(url);
  if (!query.ok) return query;
  if (spec.query !== undefined) return parse(spec.query, query.value, "query");
  for (const name in query.value) {
    return refuse("invalid_parameter", `This route takes no parameters, and none named ${JSON.stringify(name)}.`);
  }
  return ok(undefined);
}

async function readBody(body: BodySpec<unknown>, request: Request): Promise<InputResult<unknown>> {
  const contentType = request.headers.get("content-type");
  const mayBeAbsent = body.optional === true && contentType === null;
  if (!mayBeAbsent && !isJson(contentType)) {
    return refuse("unsupported_media_type", "Send JSON with Content-Type: application/json.");
  }
  const text = await readText(request, body.maxSizeBytes);
  if (!text.ok) return text;
  if (body.optional === true && text.value === "") return parse(body.schema, {}, "body");
  if (mayBeAbsent) return refuse("unsupported_media_type", "Send JSON with Content-Type: application/json.");
  const value = parseJson(text.value);
  return value.ok ? parse(body.schema, value.value, "body") : value;
}

type Part = "path" | "query" | "body";

function parse(schema: z.ZodType, value: unknown, part: Part): InputResult<unknown> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  // Once more, for the words: telling a missing member from one of the wrong type needs the input.
  const errors = fieldErrors(schema.safeParse(value, { reportInput: true }).error ?? parsed.error);
  const first = errors[0];
  const where = first === undefined ? "" : first.pointer === "" ? "it" : first.pointer;
  const what = part === "body" ? "The body" : part === "path" ? "The path" : "The query";
  return {
    ok: false,
    refusal: {
      code: part === "body" ? "invalid_body" : "invalid_parameter",
      detail: `${what} does not fit: ${where} ${first?.detail ?? "is not valid"}.`,
    },
    errors: part === "body" ? errors : errors.map(({ pointer, detail }) => ({ pointer: pointer.slice(1), detail })),
  };
}
