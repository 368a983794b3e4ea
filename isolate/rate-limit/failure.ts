import { Outcome } from "../../contracts/rpc/rate-limiter.ts";

/**
 * Why an object gave no answer. `overloaded`: it refused to take the call. `deadline`: it did not answer in time.
 * `failed`: anything else; the work may have been done.
 */
export type Failure = "overloaded" | "deadline" | "failed";

/** Reads what a call to an object has thrown. */
export function failureOf(error: unknown): Failure {
  if (error === "deadline") return "deadline";
  return flag(error, "overloaded") ? "overloaded" : "failed";
}

/** Why an answer without a decision has none. */
export function failureIn(outcome: Outcome): Failure {
  return outcome === Outcome.failed ? "failed" : "overloaded";
}

/** Whether the runtime says that a second call may succeed. One that was shed for overload never is repeated. */
export function isRetryable(error: unknown): boolean {
  return flag(error, "retryable") && !flag(error, "overloaded");
}

function flag(error: unknown, name: "overloaded" | "retryable"): boolean {
  return typeof error === "object" && error !== null && (error as Record<string, unknown>)[name] === true;
}
