import { ok, type Result } from "../../../../contracts/result.ts";
import { invalidParameter } from "../http/invalid-parameter.ts";

/** An Idempotency-Key with what tells it from others' and what it must come with again. */
export interface IdempotencyRequest {
  readonly key: string;
  /** Method and path template. */
  readonly route: string;
  /** SHA-256 of the validated input, hex. */
  readonly bodyHash: string;
}

const header = "idempotency-key";
/** 1 to 255 printable ASCII characters. */
const form = /^[\x20-\x7e]{1,255}$/;

/** The request's Idempotency-Key, if it has one. */
export function idempotencyKey(request: Request): Result<string | undefined> {
  const key = request.headers.get(header);
  if (key === null) return ok(undefined);
  if (form.test(key)) return ok(key);
  return invalidParameter("Idempotency-Key", "must be 1 to 255 printable ASCII characters");
}
