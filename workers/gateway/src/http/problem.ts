import { errorKinds } from "../../../../contracts/errors.ts";
import { type FieldError, type Problem, quotaExceededType } from "../../../../contracts/problem.ts";
import type { Refusal } from "../../../../contracts/result.ts";

/** What a problem may carry beyond code and detail. */
export interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the body (RFC 9457, 3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A 503 without a better idea of when asks for a pause of a second. */
const defaultRetryAfterS = 1;

interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Problem;
}

/**
 * What answers a refusal: `application/problem+json` (RFC 9457).
 * @param instance the request id, which is also in the logs
 */
export function problem(refusal: Refusal, instance: string, extras: ProblemExtras = {}): ProblemAnswer {
  const { status, title } = errorKinds[refusal.code];
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  const retryAfterS = retryAfter(status, refusal.retryAfterMs);
  if (retryAfterS !== undefined) headers["retry-after"] = String(retryAfterS);
  if (extras.headers !== undefined) Object.assign(headers, extras.headers);
  const body = {
    type: status === 429 ? quotaExceededType : "about:blank",
    title,
    status,
    code: refusal.code,
    detail: refusal.detail,
    instance,
    ...fieldErrors(refusal),
    ...(refusal.retryAfterMs === undefined ? undefined : { retryAfterMs: refusal.retryAfterMs }),
    ...extras.members,
  };
  return { status, headers, body };
}

/** What is wrong, place by place; a body or parameter that is wrong as a whole is so at the empty pointer. */
function fieldErrors({ code, detail, errors }: Refusal): { errors?: FieldError[] } {
  if (errors !== undefined) return { errors: [...errors] };
  return code === "invalid_body" || code === "invalid_parameter" ? { errors: [{ pointer: "", detail }] } : {};
}

/** Whole seconds, rounded up: a caller that obeys is never too early. */
function retryAfter(status: number, retryAfterMs: number | undefined): number | undefined {
  if (retryAfterMs !== undefined) return Math.ceil(retryAfterMs / 1000);
  return status === 503 ? defaultRetryAfterS : undefined;
}
