import type { Override } from "../../contracts/limits.ts";
import type { LimitNumbers, WireLimit } from "../../contracts/rpc/rate-limiter.ts";
import { type MeterPolicy, resolve } from "../../core/rate-limit/policy.ts";
import { maxLimits, maxOverrides } from "./bounds.ts";

/** What one key gets instead of the limit's numbers. `override` is null for a tombstone. */
export interface KeyOverride {
  readonly version: number;
  readonly override: Override | null;
  readonly meter: MeterPolicy;
}

/** The newest version of one limit that the object has seen. */
export interface Limit {
  readonly id: number;
  readonly name: string;
  /** What the names of its keys in memory start with. */
  readonly prefix: string;
  version: number;
  numbers: LimitNumbers;
  meter: MeterPolicy;
  readonly overrides: Map<string, KeyOverride>;
}

type LimitRow = { id: number; name: string; version: number; numbers: string };
type OverrideRow = { key: string; version: number; override: string | null };

/** The limits that this object has been told of, with the overrides of its keys. Rows first, then memory. */
export class Limits {
  readonly #sql: SqlStorage;
  readonly #byName = new Map<string, Limit>();
  readonly #byId = new Map<number, Limit>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The limit in the newest version known, after learning of this one. Undefined at the bound. */
  adopt([name, version, numbers]: WireLimit): Limit | undefined {
    const known = this.named(name);
    if (known === undefined) return this.#insert(name, version, numbers);
    if (version > known.version) {
      this.#sql.exec(
        "UPDATE limits SET version = ?, numbers = ? WHERE id = ?",
        version,
        JSON.stringify(numbers),
        known.id,
      );
      known.version = version;
      known.numbers = numbers;
      known.meter = meterFor(numbers);
      for (const [key, { version, override }] of known.overrides) {
        known.overrides.set(key, { version, override, meter: meterFor(numbers, override) });
      }
    }
    return known;
  }

  named(name: string): Limit | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    return this.#load(this.#sql.exec<LimitRow>("SELECT * FROM limits WHERE name = ?", name).toArray()[0]);
  }

  numbered(id: number): Limit | undefined {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    return this.#load(this.#sql.exec<LimitRow>("SELECT * FROM limits WHERE id = ?", id).toArray()[0]);
  }

  /** Replaces the override of a key when `version` is newer. False at the bound. */
  setOverride(limit: Limit, key: string, override: Override | null, version: number, nowMs: number): boolean {
    const known = limit.overrides.get(key);
    if (known !== undefined && version <= known.version) return true;
    if (known === undefined && this.#countOverrides() >= maxOverrides) return false;
    this.#sql.exec(
      "INSERT OR REPLACE INTO overrides (limit_id, key, version, override, changed_ms) VALUES (?, ?, ?, ?, ?)",
      limit.id,
      key,
      version,
      override === null ? null : JSON.stringify(override),
      nowMs,
    );
    limit.overrides.set(key, { version, override, meter: meterFor(limit.numbers, override) });
    return true;
  }

  /** The rows are what counts again: after a rollback, or when rows were deleted. */
  forget(): void {
    this.#byName.clear();
    this.#byId.clear();
  }

  #insert(name: string, version: number, numbers: LimitNumbers): Limit | undefined {
    const { count } = this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM limits").one();
    if (count >= maxLimits) return undefined;
    const row = this.#sql
      .exec<LimitRow>(
        "INSERT INTO limits (name, version, numbers) VALUES (?, ?, ?) RETURNING *",
        name,
        version,
        JSON.stringify(numbers),
      )
      .one();
    return this.#load(row);
  }

  #load(row: LimitRow | undefined): Limit | undefined {
    if (row === undefined) return undefined;
    const numbers = JSON.parse(row.numbers) as LimitNumbers;
    const overrides = new Map<string, KeyOverride>();
    for (const each of this.#sql.exec<OverrideRow>(
      "SELECT key, version, override FROM overrides WHERE limit_id = ?",
      row.id,
    )) {
      const override = each.override === null ? null : (JSON.parse(each.override) as Override);
      overrides.set(each.key, { version: each.version, override, meter: meterFor(numbers, override) });
    }
    const { id, name, version } = row;
    const limit: Limit = { id, name, prefix: `${id} `, version, numbers, meter: meterFor(numbers), overrides };
    this.#byName.set(name, limit);
    this.#byId.set(id, limit);
    return limit;
  }

  #countOverrides(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM overrides").one().count;
  }
}

/** A concurrency limit spends nothing; its keys have an account all the same, which keeps their bans. */
function meterFor(numbers: LimitNumbers, override?: Override | null): MeterPolicy {
  if (numbers.algorithm === "concurrency") return { algorithm: "unlimited" };
  return resolve(numbers, override ?? undefined);
}
