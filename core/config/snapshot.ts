import { type Delta, type Domain, domainOf, domains, nowhere, type Position } from "./delta.ts";
import type { ConfigEntry } from "./entry.ts";
import { KeyNotices } from "./key-notices.ts";

/** Most live entries of a snapshot (CP-11). D1's guard refuses more. */
export const maxEntries = 10_000;
/** Most deletions remembered one by one. Who knows less than the oldest of them is sent everything. */
export const maxTombstones = 10_000;

/** What a change of the snapshot did, for whoever keeps a copy or an index of it. */
export interface Applied {
  /** Everything before is void. */
  readonly reset: boolean;
  /** Entries now in force; a body of null is a deletion. */
  readonly changed: readonly ConfigEntry[];
  /** Deletions that are no longer remembered. */
  readonly forgotten: readonly ConfigEntry[];
}

const nothing: Applied = { reset: false, changed: [], forgotten: [] };

/** A snapshot at rest. */
export interface StoredSnapshot {
  readonly position: Position;
  /** Where the remembered deletions begin. */
  readonly floor: Position;
  readonly entries: readonly ConfigEntry[];
}

/**
 * A copy of the configuration that converges whatever order, loss or repetition its changes arrive in, and never goes back
 * (CP-4). Root, location hubs and isolates hold the same; each asks the next with its position and applies the answer.
 *
 * Two rules carry it. An entry replaces only an older version of itself. And since everything up to the position is in the
 * snapshot, an entry that is unknown here and not newer than the position is one that was deleted.
 */
export class Snapshot {
  readonly #live = new Map<string, ConfigEntry>();
  readonly #dead = new Map<string, ConfigEntry>();
  #keys: KeyNotices;
  #position: Position;
  #floor: Position;
  /** Highest version held, also beyond the position. */
  #newest: Record<Domain, number> = { config: 0, switches: 0 };

  constructor(stored: StoredSnapshot = { position: nowhere, floor: nowhere, entries: [] }) {
    this.#position = stored.position;
    this.#floor = stored.floor;
    this.#keys = new KeyNotices(stored.position.config);
    for (const entry of stored.entries) this.#store(entry);
  }

  get position(): Position {
    return this.#position;
  }

  get floor(): Position {
    return this.#floor;
  }

  /** The number of live entries. */
  get size(): number {
    return this.#live.size;
  }

  get(kind: ConfigEntry["kind"], tenantId: string, name: string): ConfigEntry | undefined {
    return this.#live.get(idOf({ kind, tenantId, name }));
  }

  /** The live entries. */
  entries(): IterableIterator<ConfigEntry> {
    return this.#live.values();
  }

  /** Everything that a restored snapshot needs. */
  stored(): StoredSnapshot {
    return { position: this.#position, floor: this.#floor, entries: [...this.#live.values(), ...this.#dead.values()] };
  }

  /** Takes one entry that is known from elsewhere, such as an own write. The position stays. */
  put(entry: ConfigEntry): Applied {
    if (!this.#isNews(entry) || !this.#fits(entry)) return nothing;
    this.#store(entry);
    return { reset: false, changed: [entry], forgotten: this.#forget() };
  }

  /** Takes the answer of a snapshot that is ahead of this one, or thinks so. */
  apply(delta: Delta): Applied {
    const { epoch } = delta.to;
    if (epoch < this.#position.epoch || (epoch > this.#position.epoch && !delta.full)) return nothing;
    const reset = epoch > this.#position.epoch;
    // Own writes from before the first answer may be newer than it. After a restoration nothing of before counts.
    const own = this.#position.epoch === 0 ? [...this.#live.values(), ...this.#dead.values()] : [];
    if (reset) this.#clear(delta.to);

    const changed: ConfigEntry[] = [];
    // Deletions first: they make the room that the rest may need.
    for (const entry of [...this.#missing(delta), ...delta.entries.filter(isDeletion)]) this.#take(entry, changed);
    let complete = true;
    for (const entry of delta.entries) {
      if (!isDeletion(entry)) complete = this.#take(entry, changed) && complete;
    }
    this.#keys.add(delta.keys, delta.to.config);
    if (complete) this.#advance(delta);
    for (const entry of own) this.#take(entry, changed);
    return { reset, changed, forgotten: this.#forget() };
  }

  /** What a snapshot at `position` lacks. */
  since(position: Position): Delta {
    const to = this.#position;
    if (to.epoch === 0) return { full: false, from: nowhere, to: nowhere, entries: [], keys: [] };
    const full = position.epoch !== to.epoch || domains.some((domain) => position[domain] < this.#floor[domain]);
    if (full) return { full, from: nowhere, to, entries: [...this.#live.values()], keys: "all" };
    return { full, from: position, to, entries: this.#after(position), keys: this.#keys.since(position.config) };
  }

  #after(position: Position): ConfigEntry[] {
    // Nearly every pulse finds nothing new: that must not cost a walk over everything.
    if (domains.every((domain) => position[domain] >= this.#newest[domain])) return [];
    const entries: ConfigEntry[] = [];
    for (const known of [this.#live, this.#dead]) {
      for (const entry of known.values()) if (entry.version > position[domainOf(entry)]) entries.push(entry);
    }
    return entries;
  }

  /** Deletions that a full delta implies: what it does not name although it is older than what it knows. */
  #missing(delta: Delta): ConfigEntry[] {
    if (!delta.full) return [];
    const named = new Set(delta.entries.map(idOf));
    const missing: ConfigEntry[] = [];
    for (const [id, entry] of this.#live) {
      const through = delta.to[domainOf(entry)];
      if (entry.version < through && !named.has(id)) missing.push({ ...entry, version: through, body: null });
    }
    return missing;
  }

  /** False when there was no room. */
  #take(entry: ConfigEntry, changed: ConfigEntry[]): boolean {
    if (!this.#isNews(entry)) return true;
    if (!this.#fits(entry)) return false;
    this.#store(entry);
    changed.push(entry);
    return true;
  }

  #isNews(entry: ConfigEntry): boolean {
    const id = idOf(entry);
    const known = this.#live.get(id) ?? this.#dead.get(id);
    return entry.version > (known?.version ?? this.#position[domainOf(entry)]);
  }

  #fits(entry: ConfigEntry): boolean {
    return isDeletion(entry) || this.#live.size < maxEntries || this.#live.has(idOf(entry));
  }

  #store(entry: ConfigEntry): void {
    const id = idOf(entry);
    const [into, outOf] = isDeletion(entry) ? [this.#dead, this.#live] : [this.#live, this.#dead];
    outOf.delete(id);
    into.delete(id);
    into.set(id, entry);
    const domain = domainOf(entry);
    this.#newest[domain] = Math.max(this.#newest[domain], entry.version);
  }

  #advance(delta: Delta): void {
    const position = { ...this.#position };
    for (const domain of domains) {
      if (delta.full || delta.from[domain] <= position[domain]) {
        position[domain] = Math.max(position[domain], delta.to[domain]);
      }
    }
    this.#position = position;
  }

  /** Starts the history of a new epoch. What was deleted before `to` is not known, so nothing before it can be answered. */
  #clear(to: Position): void {
    this.#live.clear();
    this.#dead.clear();
    this.#newest = { config: 0, switches: 0 };
    this.#keys = new KeyNotices(to.config);
    this.#position = { epoch: to.epoch, config: 0, switches: 0 };
    this.#floor = to;
  }

  #forget(): ConfigEntry[] {
    const forgotten: ConfigEntry[] = [];
    for (const [id, entry] of this.#dead) {
      if (this.#dead.size <= maxTombstones) break;
      this.#dead.delete(id);
      forgotten.push(entry);
      const domain = domainOf(entry);
      this.#floor = { ...this.#floor, [domain]: Math.max(this.#floor[domain], entry.version) };
    }
    return forgotten;
  }
}

function isDeletion(entry: ConfigEntry): boolean {
  return entry.body === null;
}

function idOf({ kind, tenantId, name }: Pick<ConfigEntry, "kind" | "tenantId" | "name">): string {
  return `${kind}\n${tenantId}\n${name}`;
}
