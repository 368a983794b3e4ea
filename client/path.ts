import { BreakwaterError } from "./error.ts";

/** Where a key of a limit is: a path and, for keys that a path cannot carry, a query. */
export interface KeyAddress {
  readonly path: string;
  readonly query?: { readonly key: string };
}

/**
 * A name or an id as one segment of a path.
 *
 * @throws BreakwaterError `invalid_parameter` for what is not Unicode, as the platform would answer
 */
export function segment(part: string): string {
  try {
    return encodeURIComponent(part);
  } catch (cause) {
    const detail = "names and keys must be well-formed Unicode";
    throw new BreakwaterError({ code: "invalid_parameter", status: 0, detail, cause });
  }
}

/**
 * The address of a key under `collection` ("keys" or "overrides"), or of something that it does.
 *
 * `.` and `..` are steps in a path however they are encoded, and proxies decode `%2F`, so keys with them go into `?key=`.
 */
export function keyAddress(limit: string, collection: "keys" | "overrides", key: string, action?: string): KeyAddress {
  const base = `/v1/limits/${segment(limit)}/${collection}`;
  const suffix = action === undefined ? "" : `/${action}`;
  const fitsPath = key !== "" && key !== "." && key !== ".." && !key.includes("/");
  return fitsPath ? { path: `${base}/${segment(key)}${suffix}` } : { path: `${base}${suffix}`, query: { key } };
}
