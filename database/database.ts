import type { SQL } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import { ok, type Result, refuse } from "../contracts/result.ts";

/** One row as D1 returns it. */
export type Row = Readonly<Record<string, unknown>>;

const dialect = new SQLiteAsyncDialect();

/** D1 with Drizzle before it: queries through the builder, transactions as batches of statements. */
export class Database {
  /** For reading. */
  readonly orm: DrizzleD1Database;
  readonly #d1: D1Database;

  constructor(d1: D1Database) {
    this.#d1 = d1;
    this.orm = drizzle(d1);
  }

  /**
   * Runs the statements as one transaction and returns the rows of each. Rejects when D1 does not answer; whether the
   * transaction was committed is then not known.
   *
   * Drizzle's own batch loses the parameters of `sql` statements (0.45), so they are bound here.
   */
  async batch(statements: readonly SQL[]): Promise<Row[][]> {
    const prepared = statements.map((statement) => {
      const { sql, params } = dialect.sqlToQuery(statement);
      return this.#d1.prepare(sql).bind(...params);
    });
    const results = await this.#d1.batch<Row>(prepared);
    return results.map(({ results: rows }) => rows);
  }

  /** Reads, and refuses with `control_plane_unavailable` when D1 does not answer. */
  async read<T>(query: () => Promise<T>): Promise<Result<T>> {
    try {
      return ok(await query());
    } catch {
      return unavailable;
    }
  }
}

/** The refusal of a read that D1 did not answer. */
export const unavailable = refuse("control_plane_unavailable", "The database does not answer. Try again.", 1_000);
