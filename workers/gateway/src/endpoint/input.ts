import type { z } from "zod";
import { ok, type Result, refuse } from "../../../../contracts/result.ts";
import { invalidParameter } from "../http/invalid-parameter.ts";
import type { BodySpec, EndpointSpec } from "./endpoint.ts";
import { fieldErrors } from "./field-errors.ts";
import { isJson, parseJson, readText } from "./json-body.ts";
import { parseQuery } from "./query.ts";

export interface Input {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/**
 * Reads and validates what the endpoint takes. Unknown members and parameters are errors.
 * @param params the path's parameters, percent-decoded
 */
export async function readInput(
  spec: EndpointSpec<unknown, unknown, unknown>,
  request: Request,
  params: Record<string, string>,
): Promise<Result<Input>> {
  const path = spec.params === undefined ? ok(undefined) : parse(spec.params, params, "path");
  if (!path.ok) return path;
  const query = readQuery(spec, request.url);
  if (!query.ok) return query;
  const body = spec.body === undefined ? ok(undefined) : await readBody(spec.body, request);
  if (!body.ok) return body;
  return ok({ params: path.value, query: query.value, body: body.value });
}

function readQuery(spec: EndpointSpec<unknown, unknown, unknown>, url: string): Result<unknown> {
  const query = parseQuery(url);
  if (!query.ok) return query;
  if (spec.query !== undefined) return parse(spec.query, query.value, "query");
  for (const name in query.value) {
    return invalidParameter(name, "is not known here: this route takes no parameters in the query");
  }
  return ok(undefined);
}

async function readBody(body: BodySpec<unknown>, request: Request): Promise<Result<unknown>> {
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

function parse(schema: z.ZodType, value: unknown, part: Part): Result<unknown> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  // Once more, for the words: telling a missing member from one of the wrong type needs the input.
  const errors = fieldErrors(schema.safeParse(value, { reportInput: true }).error ?? parsed.error).map((error) =>
    // A parameter is named, not pointed to.
    part === "body" ? error : { ...error, pointer: error.pointer.slice(1) },
  );
  const [first, ...others] = errors;
  const where = first?.pointer || "it";
  const more = others.length === 0 ? "" : `, and ${others.length} more, see errors`;
  return {
    ok: false,
    refusal: {
      code: part === "body" ? "invalid_body" : "invalid_parameter",
      detail: `The ${part} does not fit: ${where} ${first?.detail ?? "is not valid"}${more}.`,
      errors,
    },
  };
}
