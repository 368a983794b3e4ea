import { type Account, advance, decode, encode, open, resize } from "../../core/rate-limit/account.ts";
import { samePolicy } from "../../core/rate-limit/policy.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { maxKeysInMemory } from "./bounds.ts";
import type { Limit } from "./limits.ts";

/** A parameter may have 2 MB; a full log is 10 kB and a key in JSON at most 3. */
const maxRowsInStatement = 100;

const writeOne =
  "INSERT INTO keys (limit_id, key, state) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state";
const writeMany = `INSERT INTO keys (limit_id, key, state) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)
   WHERE true ON CONFLICT DO UPDATE SET state = excluded.state`;

/** One key's account in memory. */
export interface Cell {
  readonly limit: Limit;
  readonly key: string;
  account: Account;
  /** Whether the account differs from its row. */
  dirty: boolean;
}

/**
 * The accounts of this object: a bounded cache in front of the `keys` rows. Changes are made in memory and written by
 * `commit`, once for each key.
 */
export class Ledger {
  readonly #sql: SqlStorage;
  readonly #cells = new RecentMap<string, Cell>(maxKeysInMemory);
  #dirty: Cell[] = [];
  /** Accounts as they were before each change of the work under way, so that a throw can take them back. */
  #before: { readonly cell: Cell; readonly account: Account }[] | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The account of the key at `nowMs`, under the numbers in force for it. */
  cell(limit: Limit, key: string, nowMs: number): Cell {
    const override = limit.overrides.size === 0 ? undefined : limit.overrides.get(key);
    const policy = override === undefined ? limit.meter : override.meter;
    const name = limit.prefix + key;
    let cell = this.#cells.get(name);
    if (cell === undefined) {
      cell = { limit, key, account: this.#read(limit, key) ?? open(policy, 0, nowMs), dirty: false };
      this.#cells.set(name, cell);
    }
    let account = advance(cell.account, nowMs);
    if (account.policy !== policy) {
      if (samePolicy(account.policy, policy)) account = { ...account, policy };
      else {
        // The account's own version only orders its changes; which numbers are in force is decided by `Limits`.
        account = resize(account, policy, account.version + 1);
        this.#touch(cell);
      }
    }
    cell.account = account;
    return cell;
  }

  /** Runs `work`, all or nothing: should it throw, every account that it has put or set is again as before. */
  atomically<T>(work: () => T): T {
    const before: { cell: Cell; account: Account }[] = [];
    this.#before = before;
    try {
      return work();
    } catch (error) {
      for (const { cell, account } of before.toReversed()) cell.account = account;
      throw error;
    } finally {
      this.#before = undefined;
    }
  }

  /** Replaces the account in memory alone, where its row stays the same: holds are not kept. */
  set(cell: Cell, account: Account): void {
    this.#before?.push({ cell, account: cell.account });
    cell.account = account;
  }

  /** Replaces the account; its row is written by `commit`. */
  put(cell: Cell, account: Account): void {
    const banned = account.bannedUntilMs !== cell.account.bannedUntilMs;
    this.set(cell, account);
    // A key without a limit has nothing to remember but a ban.
    if (banned || account.policy.algorithm !== "unlimited") this.#touch(cell);
  }

  /** Writes each changed account once: one row a statement when there is one, else many, which halves the time for each. */
  commit(): void {
    const changed = this.#dirty;
    if (changed.length === 0) return;
    this.#dirty = [];
    const [only] = changed;
    if (changed.length === 1 && only !== undefined) {
      this.#sql.exec(writeOne, only.limit.id, only.key, encode(only.account));
    } else {
      for (let first = 0; first < changed.length; first += maxRowsInStatement) {
        const rows = changed.slice(first, first + maxRowsInStatement);
        this.#sql.exec(
          writeMany,
          JSON.stringify(rows.map(({ limit, key, account }) => [limit.id, key, encode(account)])),
        );
      }
    }
    for (const cell of changed) cell.dirty = false;
  }

  /** The rows are what counts again: after a rollback. Holds are lost, as in an eviction. */
  forget(): void {
    this.#cells.clear();
    this.#dirty = [];
  }

  #read(limit: Limit, key: string): Account | undefined {
    const rows = this.#sql.exec<{ state: string }>(
      "SELECT state FROM keys WHERE limit_id = ? AND key = ?",
      limit.id,
      key,
    );
    const found = rows.next();
    return found.done ? undefined : decode(found.value.state);
  }

  #touch(cell: Cell): void {
    if (cell.dirty) return;
    cell.dirty = true;
    this.#dirty.push(cell);
  }
}
