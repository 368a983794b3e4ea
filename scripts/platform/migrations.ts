import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unstable_splitSqlQuery } from "wrangler";
import type { Statement } from "./operator/order.ts";
import { reasonOf, StartError } from "./start-error.ts";

/** What migrations need of a database. */
export interface Database {
  /** Runs the statements in one transaction; the rows of each. */
  batch(statements: readonly Statement[]): Promise<Record<string, unknown>[][]>;
}

/** The table of `wrangler d1 migrations apply`, so that either may follow the other. */
const createTable = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/**
 * Applies the migrations of `folder` (its .sql files by name) that `database` has not seen, each in one transaction with
 * its record.
 *
 * @returns the names of those it applied.
 * @throws StartError when one fails, or when the database has seen one that is not in the folder: then the data was
 *   written by a newer version of the platform.
 */
export async function migrate(database: Database, folder: string): Promise<string[]> {
  const names = sqlFiles(folder);
  const [, rows = []] = await database.batch([statement(createTable), statement("SELECT name FROM d1_migrations")]);
  const applied = new Set(rows.map((row) => String(row.name)));
  const unknown = [...applied].filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new StartError(`The data is of a newer version: ${folder} lacks the applied migration ${unknown.join(", ")}`);
  }
  const pending = names.filter((name) => !applied.has(name));
  for (const name of pending) {
    const statements = unstable_splitSqlQuery(readFileSync(join(folder, name), "utf8"));
    try {
      await database.batch([
        ...statements.map((sql) => statement(sql)),
        statement("INSERT INTO d1_migrations (name) VALUES (?)", name),
      ]);
    } catch (error) {
      throw new StartError(`Migration ${join(folder, name)} failed: ${reasonOf(error)}`, error);
    }
  }
  return pending;
}

function statement(sql: string, ...params: readonly string[]): Statement {
  return { sql, params };
}

function sqlFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".sql"))
      .sort();
  } catch (error) {
    throw new StartError(`The folder of migrations cannot be read: ${reasonOf(error)}`, error);
  }
}
