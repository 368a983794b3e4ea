import { expect, test } from "vitest";
import { type ErrorCode, errorCodes, errorKinds } from "../contracts/errors.ts";
import { BreakwaterError } from "./error.ts";
import { type FailedAttempt, maxRetryAfterMs, RetryBudget, retryDelayMs, surelyDidNotRun } from "./retry.ts";

function failure(code: ErrorCode, more: { retryAfterMs?: number } = {}): BreakwaterError {
  return new BreakwaterError({ code, status: errorKinds[code].status, detail: "d", ...more });
}

function attempt(change: Partial<FailedAttempt> = {}): FailedAttempt {
  return {
    error: failure("overloaded"),
    retriedByGateway: false,
    repetition: "harmless",
    attempts: 1,
    maxAttempts: 10,
    remainingMs: 60_000,
    random: 0.5,
    ...change,
  };
}

test.each(errorCodes)("%s is retryable as the platform's table says", (code) => {
  expect(failure(code).retryable).toBe(errorKinds[code].retry === "retry");
});

test("back-off doubles from 100 ms, has full jitter, and stops growing at 5 s", () => {
  const ceiling = (attempts: number) => retryDelayMs(attempt({ attempts, random: 0.9999999 }));
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(ceiling)).toEqual([99, 199, 399, 799, 1599, 3199, 4999, 4999]);
  expect(retryDelayMs(attempt({ attempts: 5, random: 0 }))).toBe(0);
  expect(retryDelayMs(attempt({ attempts: 5, random: 0.25 }))).toBe(400);
});

test("Retry-After is never undercut, and a longer one than 10 s is left to the caller", () => {
  expect(retryDelayMs(attempt({ error: failure("overloaded", { retryAfterMs: 2000 }), random: 0 }))).toBe(2000);
  expect(retryDelayMs(attempt({ error: failure("overloaded", { retryAfterMs: 2000 }), random: 0.5 }))).toBe(2050);
  const longest = failure("overloaded", { retryAfterMs: maxRetryAfterMs });
  expect(retryDelayMs(attempt({ error: longest, random: 0 }))).toBe(maxRetryAfterMs);
  expect(
    retryDelayMs(attempt({ error: failure("overloaded", { retryAfterMs: maxRetryAfterMs + 1 }) })),
  ).toBeUndefined();
});

test("a wait that would use up the call's time is not begun", () => {
  expect(retryDelayMs(attempt({ random: 0.5, remainingMs: 51 }))).toBe(50);
  expect(retryDelayMs(attempt({ random: 0.5, remainingMs: 50 }))).toBeUndefined();
});

test("attempts are capped", () => {
  expect(retryDelayMs(attempt({ attempts: 2, maxAttempts: 3 }))).toBeDefined();
  expect(retryDelayMs(attempt({ attempts: 3, maxAttempts: 3 }))).toBeUndefined();
});

test("an answer that the gateway has retried already is not retried", () => {
  expect(retryDelayMs(attempt({ retriedByGateway: true }))).toBeUndefined();
});

test("what is harmful to repeat is repeated only when it surely did not run", () => {
  const harmful = errorCodes.filter((code) => {
    return retryDelayMs(attempt({ error: failure(code), repetition: "harmful" })) !== undefined;
  });
  expect(harmful.toSorted()).toEqual(
    [
      "control_plane_unavailable",
      "import_conflict",
      "limiter_unavailable",
      "overloaded",
      "permits_exhausted",
      "quota_exceeded",
    ].toSorted(),
  );
});

test("a final error is never retried", () => {
  for (const code of errorCodes.filter((code) => errorKinds[code].retry === "final")) {
    expect(retryDelayMs(attempt({ error: failure(code) })), code).toBeUndefined();
  }
});

test("a connection that was never made did not run the request; one that broke may have", () => {
  const unreachable = (cause: unknown) => new BreakwaterError({ code: "unreachable", status: 0, detail: "d", cause });
  const system = (code: string) => new TypeError("fetch failed", { cause: Object.assign(new Error(), { code }) });
  expect(surelyDidNotRun(unreachable(system("ECONNREFUSED")))).toBe(true);
  expect(surelyDidNotRun(unreachable(system("UND_ERR_CONNECT_TIMEOUT")))).toBe(true);
  expect(surelyDidNotRun(unreachable(system("ECONNRESET")))).toBe(false);
  expect(surelyDidNotRun(unreachable(system("UND_ERR_SOCKET")))).toBe(false);
  expect(surelyDidNotRun(unreachable(new TypeError("Failed to fetch")))).toBe(false);
  expect(surelyDidNotRun(unreachable(undefined))).toBe(false);
});

test("a causal chain that loops is given up", () => {
  const loop: { cause?: unknown } = {};
  loop.cause = loop;
  expect(surelyDidNotRun(new BreakwaterError({ code: "unreachable", status: 0, detail: "d", cause: loop }))).toBe(
    false,
  );
});

test("the retry budget ends retries after half its tokens, and ten successes earn one more", () => {
  const budget = new RetryBudget();
  expect(Array.from({ length: 6 }, () => budget.failed())).toEqual([true, true, true, true, false, false]);
  for (let successes = 0; successes < 30; successes++) budget.succeeded();
  expect(budget.failed()).toBe(true);
  expect(budget.failed()).toBe(false);
});
