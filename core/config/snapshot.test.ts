import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Delta, domainOf, nowhere } from "./delta.ts";
import type { ConfigEntry } from "./entry.ts";
import { maxEntries, maxTombstones, Snapshot } from "./snapshot.ts";

function limit(name: string, version: number, body: unknown = { version }): ConfigEntry {
  return { kind: "limits", tenantId: "t_a", name, version, body };
}

/** The truth: what D1 and the Switches object hold, with the changes that led there. */
class World {
  epoch = 1;
  readonly current = new Map<string, ConfigEntry>();
  readonly seqs = { config: 0, switches: 0 };

  write(kind: "limits" | "switches", name: string, deleted: boolean): ConfigEntry {
    const version = ++this.seqs[kind === "switches" ? "switches" : "config"];
    const entry: ConfigEntry = {
      kind,
      tenantId: "",
      name,
      version,
      body: deleted ? null : { version, epoch: this.epoch },
    };
    this.current.set(`${kind}/${name}`, entry);
    return entry;
  }

  /**
   * What the root reads: the changes after its position, each thing in its newest state. A reading of at most `page` audit
   * rows says nothing of later deletions, while what lives is read in its newest state all the same.
   */
  changes(root: Snapshot, page = Infinity): Delta {
    const full = root.position.epoch !== this.epoch;
    const from = full ? nowhere : root.position;
    const config = full ? this.seqs.config : Math.min(this.seqs.config, from.config + page);
    const entries = [...this.current.values()].filter((entry) => {
      if (full) return entry.body !== null;
      const isRead = entry.body !== null || domainOf(entry) === "switches" || entry.version <= config;
      return isRead && entry.version > from[domainOf(entry)];
    });
    return { full, from, to: { epoch: this.epoch, ...this.seqs, config }, entries, keys: [] };
  }

  /** A database restored from an old backup: everything since is gone, and its sequence starts from there. */
  restore(): void {
    this.epoch++;
    for (const [id, entry] of this.current)
      if (entry.version % 2 === 0 && entry.kind === "limits") this.current.delete(id);
    const versions = [...this.current.values()]
      .filter((entry) => entry.kind === "limits")
      .map(({ version }) => version);
    this.seqs.config = Math.max(0, ...versions);
  }

  live(): ConfigEntry[] {
    return sorted([...this.current.values()].filter((entry) => entry.body !== null));
  }
}

function sorted(entries: Iterable<ConfigEntry>): ConfigEntry[] {
  return [...entries].sort((a, b) => (a.kind + a.name < b.kind + b.name ? -1 : 1));
}

const move = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      name: fc.constantFrom("a", "b", "c", "d"),
      kind: fc.constantFrom("limits" as const, "switches" as const),
      deleted: fc.boolean(),
      own: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("read" as const), hub: fc.nat(2), page: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("ask" as const), hub: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("deliver" as const), index: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rest" as const), hub: fc.nat(2) }) },
);

describe("CP-4", () => {
  test("whatever order, loss and repetition: never an older version over a newer one, and the same in the end", () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 150, size: "max" }), (moves) => {
        const world = new World();
        const hubs = [new Snapshot(), new Snapshot(), new Snapshot()];
        const isolate = new Snapshot();
        const network: Delta[] = [];
        const seen = new Map<string, number>();

        const observe = () => {
          for (const kind of ["limits", "switches"] as const) {
            for (const name of ["a", "b", "c", "d"]) {
              const version = isolate.get(kind, "", name)?.version;
              if (version === undefined) continue;
              expect(version).toBeGreaterThanOrEqual(seen.get(kind + name) ?? 0);
              seen.set(kind + name, version);
            }
          }
        };
        for (const step of moves) {
          switch (step.do) {
            case "write": {
              const entry = world.write(step.kind, step.name, step.deleted);
              if (!step.own) break;
              isolate.put(entry);
              expect(isolate.get(step.kind, "", step.name)).toEqual(step.deleted ? undefined : entry);
              // A deletion seen here must not be undone by anything older.
              seen.set(step.kind + step.name, entry.version);
              break;
            }
            case "read": {
              const hub = hubs[step.hub];
              hub?.apply(world.changes(hub, step.page));
              break;
            }
            case "ask": {
              const hub = hubs[step.hub];
              if (hub !== undefined) network.push(hub.since(isolate.position));
              break;
            }
            case "deliver": {
              const delta = network[step.index % Math.max(1, network.length)];
              if (delta !== undefined) isolate.apply(delta);
              break;
            }
            case "rest": {
              const hub = hubs[step.hub];
              if (hub !== undefined) hubs[step.hub] = new Snapshot(structuredClone(hub.stored()));
            }
          }
          observe();
        }
        for (const hub of hubs) {
          hub.apply(world.changes(hub));
          expect(sorted(hub.entries())).toEqual(world.live());
          isolate.apply(hub.since(isolate.position));
          observe();
          expect(sorted(isolate.entries())).toEqual(world.live());
          expect(isolate.position).toEqual(hub.position);
        }
      }),
      { numRuns: 500, verbose: 1 },
    );
  });

  test("a database restored to an earlier time replaces everything, and late answers of before change nothing", () => {
    const world = new World();
    for (const name of ["a", "b", "c", "d"]) world.write("limits", name, false);
    const hub = new Snapshot();
    const isolate = new Snapshot();
    hub.apply(world.changes(hub));
    const late = hub.since(isolate.position);
    isolate.apply(late);

    world.restore();
    expect(hub.apply(world.changes(hub)).reset).toBe(true);
    isolate.apply(hub.since(isolate.position));
    expect(sorted(isolate.entries())).toEqual(world.live());
    expect(isolate.apply(late)).toEqual({ reset: false, changed: [], forgotten: [] });
    expect(sorted(isolate.entries())).toEqual(world.live());
  });

  test("CP-2 an own write from before the first answer stays when it is newer than it", () => {
    const snapshot = new Snapshot();
    snapshot.put(limit("a", 5));
    snapshot.put(limit("b", 3));
    const to = { epoch: 1, config: 4, switches: 0 };
    snapshot.apply({ full: true, from: nowhere, to, entries: [limit("a", 1)], keys: [] });
    expect([...snapshot.entries()]).toEqual([limit("a", 5)]);
  });

  test("an entry that is unknown and older than the position was deleted", () => {
    const snapshot = new Snapshot();
    const to = { epoch: 1, config: 9, switches: 0 };
    snapshot.apply({ full: true, from: nowhere, to, entries: [], keys: [] });
    expect(snapshot.put(limit("a", 9)).changed).toEqual([]);
    expect(snapshot.put(limit("a", 10)).changed).toEqual([limit("a", 10)]);
  });

  test("a delta that starts after the position is taken, but the gap before it is asked for again", () => {
    const snapshot = new Snapshot();
    const at = (config: number) => ({ epoch: 1, config, switches: 0 });
    snapshot.apply({ full: true, from: nowhere, to: at(1), entries: [], keys: [] });
    snapshot.apply({ full: false, from: at(3), to: at(4), entries: [limit("b", 4)], keys: [] });
    expect(snapshot.position).toEqual(at(1));
    snapshot.apply({ full: false, from: at(1), to: at(3), entries: [limit("a", 2)], keys: [] });
    expect(snapshot.position).toEqual(at(3));
    expect([...snapshot.entries()].map(({ name }) => name)).toEqual(["b", "a"]);
  });
});

describe("bounds", () => {
  test("CP-11 a snapshot holds 10,000 entries; what did not fit is asked for until it does", () => {
    const snapshot = new Snapshot();
    const entries = Array.from({ length: maxEntries + 1 }, (_, i) => limit(`n${i}`, i + 1));
    const delta = {
      full: true,
      from: nowhere,
      to: { epoch: 1, config: maxEntries + 1, switches: 0 },
      entries,
      keys: [],
    };
    snapshot.apply(delta);
    expect(snapshot.size).toBe(maxEntries);
    expect(snapshot.position.config).toBe(0);
    snapshot.apply({ ...delta, entries: entries.slice(1) });
    expect(snapshot.size).toBe(maxEntries);
    expect(snapshot.position.config).toBe(maxEntries + 1);
    expect(snapshot.get("limits", "t_a", "n0")).toBeUndefined();
  });

  test("who knows less than the oldest remembered deletion is sent everything", () => {
    const hub = new Snapshot();
    const at = (config: number) => ({ epoch: 1, config, switches: 0 });
    hub.apply({ full: true, from: nowhere, to: at(1), entries: [limit("kept", 1)], keys: [] });
    const deleted = Array.from({ length: maxTombstones + 1 }, (_, i) => limit(`n${i}`, i + 2, null));
    const { forgotten } = hub.apply({
      full: false,
      from: at(1),
      to: at(maxTombstones + 2),
      entries: deleted,
      keys: [],
    });
    expect(forgotten.map(({ name }) => name)).toEqual(["n0"]);
    expect(hub.since(at(1)).full).toBe(true);
    expect(hub.since(at(2)).entries).toHaveLength(maxTombstones);
  });
});

describe("changes of API keys", () => {
  const at = (config: number) => ({ epoch: 1, config, switches: 0 });

  test("are told by id to whoever knows the changes before, else as all", () => {
    const hub = new Snapshot();
    hub.apply({ full: true, from: nowhere, to: at(5), entries: [], keys: [] });
    hub.apply({ full: false, from: at(5), to: at(7), entries: [], keys: ["k1"] });
    hub.apply({ full: false, from: at(7), to: at(9), entries: [], keys: ["k2", "k1"] });
    expect(hub.since(at(5)).keys).toEqual(["k2", "k1"]);
    expect(hub.since(at(9)).keys).toEqual([]);
    expect(hub.since(at(4)).keys).toBe("all");
    expect(hub.since(nowhere).keys).toBe("all");
  });

  test("survive as all when the hub comes back from its storage", () => {
    const hub = new Snapshot();
    hub.apply({ full: true, from: nowhere, to: at(5), entries: [], keys: [] });
    hub.apply({ full: false, from: at(5), to: at(7), entries: [], keys: ["k1"] });
    expect(new Snapshot(hub.stored()).since(at(5)).keys).toBe("all");
    expect(new Snapshot(hub.stored()).since(at(7)).keys).toEqual([]);
  });
});
