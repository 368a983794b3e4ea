import { z } from "zod";

/** Most items on a page. */
const maxPageSize = 1000;
const defaultPageSize = 100;
/** Cursors are ours and short. */
const maxCursorLength = 2048;

/** `?limit=&cursor=` of every list. */
export const PageQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(maxPageSize)
    .default(defaultPageSize)
    .meta({ description: "most items on the page" }),
  cursor: z.string().min(1).max(maxCursorLength).optional().meta({ description: "of the page before" }),
});

/** `?dryRun=true` tells what would change, and changes nothing. */
export const DryRunQuery = z.strictObject({
  dryRun: z
    .enum(["true", "false"])
    .default("false")
    .meta({ description: "`true` tells what would change, and changes nothing" }),
});

/** Milliseconds since the epoch as RFC 3339 in UTC. */
export function timestamp(atMs: number): string {
  return new Date(atMs).toISOString();
}
