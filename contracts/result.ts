import type { ErrorCode } from "./errors.ts";
import type { FieldError } from "./problem.ts";

/** An expected refusal as a value. It survives RPC, where `instanceof` does not. */
export interface Refusal {
  readonly code: ErrorCode;
  /** One sentence that says what to do. */
  readonly detail: string;
  /** How long to wait before a retry can succeed, in milliseconds. */
  readonly retryAfterMs?: number;
  /** What exactly is wrong with the body or the parameters. */
  readonly errors?: readonly FieldError[];
}

/** Either the value or the refusal. `replayed` marks an answer kept from an earlier request with the same Idempotency-Key. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly replayed?: true }
  | { readonly ok: false; readonly refusal: Refusal; readonly replayed?: true };

/** The result that carries `value`. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** The result that refuses with `code`. */
export function refuse(code: ErrorCode, detail: string, retryAfterMs?: number): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: retryAfterMs === undefined ? { code, detail } : { code, detail, retryAfterMs } };
}
