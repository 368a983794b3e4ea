import { expect, test } from "vitest";
import { errorCodes, errorKinds } from "../../../../contracts/errors.ts";
import { Problem, quotaExceededType } from "../../../../contracts/problem.ts";
import { problem } from "./problem.ts";

test("GW-1 every code becomes a problem with its status and title", () => {
  for (const code of errorCodes) {
    const { status, headers, body } = problem({ code, detail: "do this" }, "r-1");
    expect(status).toBe(errorKinds[code].status);
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(Problem.parse(body)).toMatchObject({ status, code, title: errorKinds[code].title, instance: "r-1" });
    expect(body.type).toBe(status === 429 ? quotaExceededType : "about:blank");
  }
});

test("Retry-After is rounded up: who obeys it is never too early", () => {
  const retryAfter = (retryAfterMs: number) =>
    problem({ code: "permits_exhausted", detail: "wait", retryAfterMs }, "r-1").headers["retry-after"];
  expect([0, 1, 1000, 1001].map(retryAfter)).toEqual(["0", "1", "1", "2"]);
});

test("a 503 says when to come back, other errors do not", () => {
  expect(problem({ code: "overloaded", detail: "wait" }, "r-1").headers["retry-after"]).toBe("1");
  expect(problem({ code: "not_found", detail: "look" }, "r-1").headers["retry-after"]).toBeUndefined();
});
