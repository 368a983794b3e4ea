import type { ErrorCode } from "../contracts/errors.ts";
import type { FieldError } from "../contracts/problem.ts";
import { BreakwaterError } from "./error.ts";

/** Largest answer that is read: above the export of the most limits and overrides that a tenant can have. */
const maxAnswerSizeBytes = 64 * 1024 * 1024;

/** An answer of the platform, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON, `undefined` for an empty body. */
  readonly body: unknown;
}

/**
 * Reads a response to its end. Rejects with `unexpected_answer` for what is not JSON, and for more than 64 MiB.
 */
export async function readAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await readText(response);
  if (text === "") return { status, headers, body: undefined };
  try {
    return { status, headers, body: JSON.parse(text) };
  } catch (cause) {
    throw unexpected(response, `an answer of status ${status} is not JSON; is baseUrl a Breakwater gateway?`, cause);
  }
}

/** The failure that an answer tells, from its problem document when it has one. */
export function toError(answer: Answer): BreakwaterError {
  const { status, headers } = answer;
  const problem = isRecord(answer.body) ? answer.body : {};
  const requestId = headers.get("x-request-id") ?? text(problem.instance);
  const retryAfterMs = wholeNumber(problem.retryAfterMs) ?? retryAfterHeaderMs(headers);
  const code = text(problem.code);
  if (code === undefined) {
    const detail = `status ${status} without an error code; is baseUrl a Breakwater gateway?`;
    return new BreakwaterError({ code: "unexpected_answer", status, detail, requestId, retryAfterMs });
  }
  return new BreakwaterError({
    // A newer platform may answer a code that this client does not know yet; it is passed on as it is.
    code: code as ErrorCode,
    status,
    detail: text(problem.detail) ?? text(problem.title) ?? code,
    requestId,
    retryAfterMs,
    errors: Array.isArray(problem.errors) ? problem.errors.filter(isFieldError) : undefined,
  });
}

/** Retry-After in milliseconds: whole seconds, or a date (RFC 9110, section 10.2.3). */
function retryAfterHeaderMs(headers: Headers): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - Date.now());
}

async function readText(response: Response): Promise<string> {
  const declared = Number(response.headers.get("content-length") ?? Number.NaN);
  if (declared > maxAnswerSizeBytes) throw tooLarge(response);
  // fetch itself holds a plain body to its declared length; only other bodies need counting.
  if (!response.body || (declared >= 0 && !response.headers.has("content-encoding"))) return response.text();
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let whole = "";
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return whole + decoder.decode();
    sizeBytes += value.byteLength;
    if (sizeBytes > maxAnswerSizeBytes) {
      await reader.cancel();
      throw tooLarge(response);
    }
    whole += decoder.decode(value, { stream: true });
  }
}

function tooLarge(response: Response): BreakwaterError {
  return unexpected(response, `the answer is larger than ${maxAnswerSizeBytes} bytes`);
}

function unexpected(response: Response, detail: string, cause?: unknown): BreakwaterError {
  const requestId = response.headers.get("x-request-id") ?? undefined;
  return new BreakwaterError({ code: "unexpected_answer", status: response.status, detail, requestId, cause });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFieldError(value: unknown): value is FieldError {
  return isRecord(value) && typeof value.pointer === "string" && typeof value.detail === "string";
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function wholeNumber(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
