import { resourceKinds } from "../../contracts/control-plane.ts";
import type { Position } from "../../core/config/delta.ts";
import { nowhere } from "../../core/config/delta.ts";
import type { ConfigEntry } from "../../core/config/entry.ts";
import { type Applied, Snapshot } from "../../core/config/snapshot.ts";

/**
 * How often a freshness that changed alone is written. After an eviction the copy counts as older than it is by this much
 * at most, which is the safe side.
 */
const freshnessIntervalMs = 15_000;

/** How fresh a copy is; milliseconds since the epoch. */
export interface Freshness {
  /** Time of the source's answer that the copy holds. */
  readonly answeredAtMs: number;
  /** When the root last read D1. */
  readonly confirmedAtMs: number;
}

interface Head extends Freshness {
  readonly position: Position;
  readonly floor: Position;
  /** The kinds of resource that the deployment knew which wrote this. */
  readonly kinds: string;
}

const kinds = Object.keys(resourceKinds).sort().join();
const unknown: Head = { position: nowhere, floor: nowhere, kinds, answeredAtMs: -Infinity, confirmedAtMs: -Infinity };

/** A snapshot that outlives its object's eviction: in memory to be read, in the object's SQLite to be restored (CP-3). */
export class SnapshotStore {
  readonly snapshot: Snapshot;
  readonly #storage: DurableObjectStorage;
  #saved: Head;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS entries (kind TEXT, tenant_id TEXT, name TEXT, version INTEGER NOT NULL, body TEXT,
        PRIMARY KEY (kind, tenant_id, name)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL);`,
    );
    const [head] = storage.sql.exec<{ body: string }>("SELECT body FROM head").toArray();
    this.#saved = head === undefined ? unknown : (JSON.parse(head.body) as Head);
    const { position, floor } = this.#saved;
    this.snapshot = new Snapshot({ position, floor, entries: this.#entries() });
  }

  /** The freshness that was saved last. */
  get freshness(): Freshness {
    return this.#saved;
  }

  /** Whether another deployment saved it, which may have left out kinds that this one knows. */
  get isOfOtherKinds(): boolean {
    return this.#saved.kinds !== kinds;
  }

  /** Saves what the snapshot has taken, together with its position. Without a change it writes only now and then. */
  save({ reset, changed, forgotten }: Applied, freshness: Freshness): void {
    const { position, floor } = this.snapshot;
    const isMoved = position !== this.#saved.position || floor !== this.#saved.floor;
    const isStale = freshness.confirmedAtMs - this.#saved.confirmedAtMs >= freshnessIntervalMs;
    if (!reset && !isMoved && !isStale && changed.length === 0) return;
    const head: Head = { position, floor, kinds: reset ? kinds : this.#saved.kinds, ...freshness };
    this.#storage.transactionSync(() => {
      const { sql } = this.#storage;
      if (reset) sql.exec("DELETE FROM entries");
      for (const { kind, tenantId, name, version, body } of changed) {
        const text = body === null ? null : JSON.stringify(body);
        sql.exec("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", kind, tenantId, name, version, text);
      }
      for (const { kind, tenantId, name } of forgotten) {
        sql.exec("DELETE FROM entries WHERE kind = ? AND tenant_id = ? AND name = ?", kind, tenantId, name);
      }
      sql.exec("INSERT OR REPLACE INTO head VALUES (0, ?)", JSON.stringify(head));
    });
    this.#saved = head;
  }

  #entries(): ConfigEntry[] {
    const rows = this.#storage.sql.exec<{
      kind: ConfigEntry["kind"];
      tenant_id: string;
      name: string;
      version: number;
      body: string | null;
    }>("SELECT kind, tenant_id, name, version, body FROM entries ORDER BY version");
    return rows.toArray().map(({ kind, tenant_id, name, version, body }) => {
      return { kind, tenantId: tenant_id, name, version, body: body === null ? null : JSON.parse(body) };
    });
  }
}
