import { decode, forgettableAtMs } from "../../core/rate-limit/account.ts";
import {
  clockToleranceMs,
  collectChunk,
  collectPauseMs,
  maxCollectIntervalMs,
  maxLimits,
  minCollectIntervalMs,
  tombstoneTtlMs,
} from "./bounds.ts";

/** Where a pass over the tables stands; kept, so that an eviction does not send it back to the first rows. */
interface Progress {
  readonly table: number;
  /** The last primary key looked at, empty at a table's start. */
  readonly after: readonly (string | number)[];
  /** When the next row of those already seen is due. */
  readonly dueMs: number;
  /** Whether the pass has left any row. */
  readonly left: boolean;
}

const start: Progress = { table: 0, after: [], dueMs: Number.POSITIVE_INFINITY, left: false };

interface Row {
  readonly id: readonly (string | number)[];
  /** When the row may be deleted. */
  readonly dueMs: number;
}

interface Table {
  /** Up to `count` rows behind `after`, in primary-key order. */
  rows(sql: SqlStorage, after: readonly (string | number)[], count: number): Row[];
  readonly remove: string;
}

/** Rows of a table whose primary key is `id` and which end at `expires_ms`. */
function expiring(table: string): Table {
  return {
    rows: (sql, [after = ""], count) =>
      sql
        .exec<{ id: string; expires_ms: number }>(
          `SELECT id, expires_ms FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`,
          after,
          count,
        )
        .toArray()
        .map((row) => ({ id: [row.id], dueMs: row.expires_ms })),
    remove: `DELETE FROM ${table} WHERE id = ?`,
  };
}

const keys: Table = {
  rows: (sql, [limitId = 0, key = ""], count) =>
    sql
      .exec<{ limit_id: number; key: string; state: string }>(
        "SELECT limit_id, key, state FROM keys WHERE (limit_id, key) > (?, ?) ORDER BY limit_id, key LIMIT ?",
        limitId,
        key,
        count,
      )
      .toArray()
      .map((row) => ({
        id: [row.limit_id, row.key],
        dueMs: forgettableAtMs(decode(row.state)) + clockToleranceMs,
      })),
  remove: "DELETE FROM keys WHERE limit_id = ? AND key = ?",
};

/** Overrides in force stay; removed ones are due when no delivery can be under way any more. */
const overrides: Table = {
  rows: (sql, [limitId = 0, key = ""], count) =>
    sql
      .exec<{ limit_id: number; key: string; removed: number; changed_ms: number }>(
        `SELECT limit_id, key, override IS NULL AS removed, changed_ms FROM overrides
         WHERE (limit_id, key) > (?, ?) ORDER BY limit_id, key LIMIT ?`,
        limitId,
        key,
        count,
      )
      .toArray()
      .map((row) => ({
        id: [row.limit_id, row.key],
        dueMs: row.removed === 1 ? row.changed_ms + tombstoneTtlMs : Number.POSITIVE_INFINITY,
      })),
  remove: "DELETE FROM overrides WHERE limit_id = ? AND key = ?",
};

const tables: readonly Table[] = [
  keys,
  overrides,
  expiring("reservations"),
  expiring("permits"),
  expiring("marks"),
  expiring("parts"),
];

/**
 * Deletes what is idle or past its time, at most `collectChunk` rows a run, in primary-key order. An account in memory
 * may outlive its row: a row that is idle says the same as none, once nobody can take back a charge from before its last start.
 *
 * @returns when to run again, in milliseconds since the epoch; null when no row is left that ever will be due
 */
export function collect(storage: DurableObjectStorage, nowMs: number): number | null {
  let progress = storage.kv.get<Progress>("collect") ?? start;
  let budget = collectChunk;
  while (budget > 0) {
    const table = tables[progress.table];
    if (table === undefined) return passed(storage, progress, nowMs);
    const rows = table.rows(storage.sql, progress.after, budget);
    let { dueMs, left } = progress;
    for (const row of rows) {
      if (row.dueMs <= nowMs) {
        storage.sql.exec(table.remove, ...row.id);
      } else {
        dueMs = Math.min(dueMs, row.dueMs);
        left ||= row.dueMs < Number.POSITIVE_INFINITY;
      }
    }
    const ended = rows.length < budget;
    progress = ended
      ? { table: progress.table + 1, after: [], dueMs, left }
      : { table: progress.table, after: rows.at(-1)?.id ?? [], dueMs, left };
    budget -= rows.length;
  }
  storage.kv.put("collect", progress);
  return nowMs + collectPauseMs;
}

function passed(storage: DurableObjectStorage, progress: Progress, nowMs: number): number | null {
  storage.kv.delete("collect");
  if (!progress.left) return null;
  return Math.min(Math.max(progress.dueMs, nowMs + minCollectIntervalMs), nowMs + maxCollectIntervalMs);
}

/**
 * Forgets the limits of which no row is left, once half of the names are taken: a limit that was deleted is not told to its objects.
 * Before that their versions are worth keeping (RL-14).
 *
 * @returns whether any was forgotten, so that nothing in memory may refer to them any more
 */
export function collectLimits(sql: SqlStorage): boolean {
  const { count } = sql.exec<{ count: number }>("SELECT count(*) AS count FROM limits").one();
  if (count <= maxLimits / 2) return false;
  const { rowsWritten } = sql.exec(
    `DELETE FROM limits WHERE id NOT IN (
       SELECT limit_id FROM keys UNION SELECT limit_id FROM overrides
       UNION SELECT limit_id FROM reservations UNION SELECT limit_id FROM permits)`,
  );
  return rowsWritten > 0;
}

/** Whether there are rows that will be due some time. */
export function hasCollectable(sql: SqlStorage): boolean {
  const { found } = sql
    .exec<{ found: number }>(
      `SELECT EXISTS (SELECT 1 FROM keys) OR EXISTS (SELECT 1 FROM reservations) OR EXISTS (SELECT 1 FROM permits)
         OR EXISTS (SELECT 1 FROM marks) OR EXISTS (SELECT 1 FROM parts)
         OR EXISTS (SELECT 1 FROM overrides WHERE override IS NULL) AS found`,
    )
    .one();
  return found === 1;
}
