import { type Refusal, refuse } from "../../../../contracts/result.ts";
import type { EndpointSpec } from "../endpoint/endpoint.ts";
import { invalidParameter } from "../http/invalid-parameter.ts";

type Spec = Pick<EndpointSpec<unknown, unknown, unknown>, "method" | "body" | "conditional" | "access">;

const encoded = refuse(
  "unsupported_media_type",
  "Send the body as it is: no Content-Encoding is decoded here.",
).refusal;
const notHere = "is not supported on this route; leave it out";

/**
 * The refusal of a request whose meaning hangs on a header that its route does not obey (GW-6): to ignore it would be to do
 * what was not asked.
 */
export function unsupportedHeader(headers: Headers, spec: Spec): Refusal | undefined {
  if (spec.body !== undefined && !isIdentity(headers.get("content-encoding"))) return encoded;
  // Nothing that is checked, reserved or acquired has a version; and a condition on a read only saves an answer.
  if (spec.access === "limits:check" || spec.method === "get") return undefined;
  if (headers.has("if-match") && spec.conditional === undefined) return invalidParameter("If-Match", notHere).refusal;
  if (headers.has("if-none-match") && !isCreateOnly(spec)) return invalidParameter("If-None-Match", notHere).refusal;
  return undefined;
}

/** Whether the route takes `If-None-Match: *`. */
export function isCreateOnly({ method, conditional }: Pick<Spec, "method" | "conditional">): boolean {
  return conditional === true && method === "put";
}

function isIdentity(contentEncoding: string | null): boolean {
  return contentEncoding === null || /^\s*(identity)?\s*$/i.test(contentEncoding);
}
