import { ok, type Result } from "../../../../contracts/result.ts";
import { invalidParameter } from "./invalid-parameter.ts";

/** The strong entity tag of a version. */
export function etag(version: number): string {
  return `"${version}"`;
}

/**
 * What If-Match and If-None-Match demand of a write (RFC 9110, 13.1): of the second, `*` alone, that there is none yet.
 * @returns undefined without either
 */
export function condition(headers: Headers): Result<readonly number[] | "*" | "none" | undefined> {
  const match = headers.get("if-match");
  const noneMatch = headers.get("if-none-match");
  if (noneMatch === null) return ifMatch(match);
  if (match === null && noneMatch.trim() === "*") return ok("none");
  return invalidParameter("If-None-Match", 'is supported as "*" alone, and not together with If-Match');
}

/**
 * What an If-Match header demands (RFC 9110, 13.1.1).
 * @returns undefined without the header; else the versions that may be overwritten, or `*` for any that exists
 */
export function ifMatch(header: string | null): Result<readonly number[] | "*" | undefined> {
  if (header === null) return ok(undefined);
  if (header.trim() === "*") return ok("*");
  const versions: number[] = [];
  for (const tag of header.split(",")) {
    const match = /^\s*(W\/)?"([^"]*)"\s*$/.exec(tag);
    if (match === null) return invalidParameter("If-Match", 'must be "*" or entity tags such as "12"');
    // A weak tag never matches; neither does one that this server has not given out.
    if (match[1] === undefined && /^\d{1,15}$/.test(match[2] ?? "")) versions.push(Number(match[2]));
  }
  return ok(versions);
}
