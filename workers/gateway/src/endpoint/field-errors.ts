import type { z } from "zod";
import type { FieldError } from "../../../../contracts/problem.ts";

type Issue = z.core.$ZodIssue;

/** Most errors told at once: a batch of 1000 wrong items needs no 1000 sentences. */
const maxFieldErrors = 20;
/** Most names listed for one object with unknown members. */
const maxUnknownNames = 10;

/** A JSON pointer (RFC 6901) to `path`; the whole document is the empty string. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  let pointer = "";
  for (const part of path) pointer += `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return pointer;
}

/**
 * What is wrong with a body or a parameter, one sentence a member, at most 20.
 * @param error of a parse with `reportInput`, which tells a missing member from one of the wrong type
 */
export function fieldErrors(error: { readonly issues: readonly Issue[] }): FieldError[] {
  const details = new Map<string, string>();
  collect(error.issues, [], details);
  return Array.from(details, ([pointer, detail]) => ({ pointer, detail }));
}

function collect(issues: readonly Issue[], base: readonly PropertyKey[], details: Map<string, string>): void {
  for (const issue of issues) {
    if (details.size >= maxFieldErrors) return;
    const path = [...base, ...issue.path];
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      collect(nearest(issue.errors), path, details);
    } else if (issue.code === "unrecognized_keys") {
      for (const name of issue.keys.slice(0, maxUnknownNames)) {
        details.set(jsonPointer([...path, name]), "is not known here");
      }
    } else if (issue.code === "invalid_key") {
      collect(issue.issues, path, details);
    } else {
      details.set(jsonPointer(path), sentence(issue));
    }
  }
}

/** Of a union's alternatives the one that the caller most likely meant: it went deepest, then complained least. */
function nearest(alternatives: readonly (readonly Issue[])[]): readonly Issue[] {
  let best: readonly Issue[] = [];
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const issues of alternatives) {
    const depth = issues.reduce((most, issue) => Math.max(most, issue.path.length), 0);
    const score = depth * 100 - issues.length;
    if (score > bestScore) {
      best = issues;
      bestScore = score;
    }
  }
  return best;
}

/** The complaint without the member's name, as in "must be at least 1". */
function sentence(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? `is missing; it must be ${named(issue.expected)}`
        : `must be ${named(issue.expected)}`;
    case "too_small":
      return bound(issue.inclusive === false ? "more than" : "at least", issue.minimum, issue.origin);
    case "too_big":
      return bound(issue.inclusive === false ? "less than" : "at most", issue.maximum, issue.origin);
    case "invalid_value":
      return oneOf(issue.values);
    case "invalid_union":
      return "options" in issue && Array.isArray(issue.options) ? oneOf(issue.options) : "fits no alternative";
    case "invalid_format":
      return issue.message.startsWith("must") ? issue.message : `must be a valid ${issue.format}`;
    default:
      return issue.message;
  }
}

function oneOf(values: readonly unknown[]): string {
  return `must be ${values.length === 1 ? "" : "one of "}${values.map((value) => JSON.stringify(value)).join(", ")}`;
}

function named(type: string): string {
  switch (type) {
    case "int":
      return "a whole number";
    case "object":
    case "array":
      return `an ${type}`;
    case "record":
      return "an object";
    default:
      return `a ${type}`;
  }
}

function bound(relation: string, figure: number | bigint, origin: string): string {
  switch (origin) {
    case "string":
      return `must have ${relation} ${figure} ${figure === 1 ? "character" : "characters"}`;
    case "array":
    case "set":
      return `must have ${relation} ${figure} ${figure === 1 ? "item" : "items"}`;
    default:
      return `must be ${relation} ${figure}`;
  }
}
