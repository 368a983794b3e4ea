/** One SQL statement and what it binds. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly string[];
}

export type Order =
  /** Runs the statements in one transaction and answers the rows of each. */
  | { readonly kind: "sql"; readonly database: string; readonly statements: readonly Statement[] }
  /** Rings a Worker's cron trigger and answers its outcome. */
  | { readonly kind: "cron"; readonly worker: string; readonly cron: string; readonly scheduledMs: number };
