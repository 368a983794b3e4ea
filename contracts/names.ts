import { z } from "zod";

/** Longest key or member, in bytes of UTF-8. */
export const maxKeySizeBytes = 512;

/**
 * The name of a resource, a tenant or a switch: 1 to 64 of `a-z 0-9 - _ .`. Not `.` and `..`, which are steps in a path, and
 * not `__proto__`, which no JSON object can carry safely.
 */
export const Name = z
  .string()
  .regex(/^(?!\.{1,2}$|__proto__$)[a-z0-9\-_.]{1,64}$/, "must be 1 to 64 characters of a-z, 0-9, '-', '_' and '.'")
  .meta({ description: "1 to 64 characters of a-z, 0-9, '-', '_' and '.'", example: "api" });

/** Whether `text` may be a key: 1 to 512 bytes of well-formed Unicode without NUL. */
export function isKey(text: string): boolean {
  if (text.length === 0 || text.length > maxKeySizeBytes) return false;
  if (text.includes("\0") || !text.isWellFormed()) return false;
  // A UTF-16 unit takes at most three bytes of UTF-8, so short keys need no count.
  return text.length * 3 <= maxKeySizeBytes || new TextEncoder().encode(text).length <= maxKeySizeBytes;
}

/** What is limited, ranked or locked: a user id, an address, a path. */
export const Key = z.string().refine(isKey, "must be 1 to 512 bytes of well-formed Unicode without NUL").meta({
  description: "1 to 512 bytes of well-formed Unicode without NUL",
  example: "user:1",
  minLength: 1,
  maxLength: 512,
});

/** The end of year 9999: what comes after has no RFC 3339 form. */
const endOfTimeMs = Date.UTC(10_000, 0);

function isExpressible(text: string): boolean {
  const ms = Date.parse(text);
  return ms >= 0 && ms < endOfTimeMs;
}

/** RFC 3339 in UTC or with an offset, from 1970 to 9999 in UTC. */
export const Timestamp = z.iso
  .datetime({ offset: true })
  .refine(isExpressible, "must be from 1970 to 9999 in UTC")
  .meta({ description: "RFC 3339 time", example: "2026-01-31T12:00:00Z" });

/** Longest duration that any member takes: 400 days. */
export const maxDurationMs = 400 * 24 * 60 * 60 * 1000;

/** A duration in whole milliseconds, at least 1. */
export const DurationMs = z.int().min(1).max(maxDurationMs).meta({ description: "milliseconds", example: 60_000 });
