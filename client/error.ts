import type { ErrorCode } from "../contracts/errors.ts";
import type { FieldError } from "../contracts/problem.ts";

/**
 * What can go wrong before the platform's own error codes are reached.
 * `unreachable`: no answer came. `unexpected_answer`: an answer came that is not Breakwater's, such as a proxy's page.
 */
export type LocalErrorCode = "unreachable" | "unexpected_answer";

interface ErrorParts {
  readonly code: ErrorCode | LocalErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly errors?: readonly FieldError[] | undefined;
  readonly cause?: unknown;
}

/** Conflicts that end by themselves; every other 4xx but 429 stays until the caller changes something. */
const passingConflicts: ReadonlySet<string> = new Set<ErrorCode>(["idempotency_key_in_use", "import_conflict"]);

/**
 * Every failure of a call, but for an abort by the caller's own signal: that one rejects with the signal's reason, as
 * `fetch` does.
 */
export class BreakwaterError extends Error {
  override readonly name = "BreakwaterError";
  /** Stable code to branch on. `deadline_exceeded` with status 0: the client itself gave up at `timeoutMs`. */
  readonly code: ErrorCode | LocalErrorCode;
  /** HTTP status, 0 when no answer came. */
  readonly status: number;
  /** One sentence that says what to do. */
  readonly detail: string;
  /** The request's id in the platform's logs and audit, when one is known. */
  readonly requestId: string | undefined;
  /** Whether the same call may succeed later. It does not say that repeating it is safe: `docs/design/client.md`. */
  readonly retryable: boolean;
  /** How long to wait before, in milliseconds, when the platform said so. */
  readonly retryAfterMs: number | undefined;
  /** What does not fit the schema, with JSON pointers into the body. Empty for every other error. */
  readonly errors: readonly FieldError[];

  constructor(parts: ErrorParts) {
    super(`${parts.code}: ${parts.detail}`, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = parts.code;
    this.status = parts.status;
    this.detail = parts.detail;
    this.requestId = parts.requestId;
    this.retryAfterMs = parts.retryAfterMs;
    this.errors = parts.errors ?? [];
    this.retryable =
      parts.code === "unreachable" || parts.code === "deadline_exceeded" || isPassing(parts.status, parts.code);
  }
}

function isPassing(status: number, code: string): boolean {
  return status === 429 || status >= 500 || passingConflicts.has(code);
}
