import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { nowhere } from "../../core/config/delta.ts";
import { Snapshot } from "../../core/config/snapshot.ts";
import { freshPlatform, query } from "../../database/testing/bindings.ts";
import { RootHub } from "./root-hub.ts";
import {
  aWrite,
  breakDatabase,
  counted,
  database,
  emptyPulse,
  eventually,
  hub,
  limitsOf,
  putLimit,
  root,
  value,
} from "./testing/pulses.ts";

const startMs = 1_800_000_000_000;
let nowMs = startMs;
/** Moves the held clock. */
function pass(ms: number): void {
  nowMs += ms;
  vi.setSystemTime(nowMs);
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  nowMs = startMs;
  vi.setSystemTime(nowMs);
  await freshPlatform();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The root is away: each call fails. */
function rootAway(): void {
  vi.spyOn(RootHub.prototype, "sync").mockRejectedValue(new Error("away"));
}

describe("from D1 to an isolate", () => {
  test("a first pulse answers everything, with the tenant that a database starts with", async () => {
    await putLimit("api");
    const { delta, ageMs, confirmedAgeMs } = value(await hub().pulse(emptyPulse));
    expect(delta.full).toBe(true);
    expect(delta.keys).toBe("all");
    expect(delta.entries.map(({ kind, name }) => `${kind}/${name}`).sort()).toEqual(["limits/api", "tenants/default"]);
    expect([ageMs, confirmedAgeMs]).toEqual([0, 0]);
  });

  test("CP-2 a write whose notice the root has had is in the pulse that comes 400 ms after the last", async () => {
    const isolate = new Snapshot();
    isolate.apply(value(await hub().pulse(emptyPulse)).delta);
    await putLimit("api");
    pass(401);
    const answer = value(await hub().pulse({ ...emptyPulse, position: isolate.position }));
    expect(answer.delta.full).toBe(false);
    expect(limitsOf(answer)).toEqual(["api"]);
    isolate.apply(answer.delta);
    pass(401);
    const next = value(await hub().pulse({ ...emptyPulse, position: isolate.position }));
    expect(next.delta.entries).toEqual([]);
  });

  test("within 400 ms a location answers from its copy and says how old that is", async () => {
    await hub().pulse(emptyPulse);
    await putLimit("api");
    pass(399);
    const answer = value(await hub().pulse(emptyPulse));
    expect(limitsOf(answer)).toEqual([]);
    expect(answer.ageMs).toBe(399);
  });

  test("pulses at the same time ask the root once", async () => {
    await hub().pulse(emptyPulse);
    pass(500);
    const sync = vi.spyOn(RootHub.prototype, "sync");
    await Promise.all(Array.from({ length: 20 }, () => hub().pulse(emptyPulse)));
    expect(sync).toHaveBeenCalledTimes(1);
  });

  test("CP-2 a write whose notice was lost is read by the root within a second of pulses", async () => {
    await hub().pulse(emptyPulse);
    await putLimit("api", false);
    pass(1_000);
    await root().sync(emptyPulse);
    await eventually(async () => expect(limitsOf(value(await root().sync(emptyPulse)))).toEqual(["api"]));
  });

  test("a deletion reaches an isolate that slept through it", async () => {
    await putLimit("api");
    const isolate = new Snapshot();
    isolate.apply(value(await hub().pulse(emptyPulse)).delta);
    const deleted = value(await database().resources.delete(aWrite(), "limits", "t_a", "api"));
    await root().changed(deleted.version);
    await evictDurableObject(hub());
    await evictDurableObject(root());
    pass(3_600_000);
    isolate.apply(value(await hub().pulse({ ...emptyPulse, position: isolate.position })).delta);
    expect(isolate.get("limits", "t_a", "api")).toBeUndefined();
  });

  test("more changes than one reading takes are all read for one notice", async () => {
    await root().sync(emptyPulse);
    await query(
      `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2501)
       INSERT INTO audit SELECT i, 'c' || i, 0, 'admin', 't_a', 'create', 'limits', 'n' || i, NULL, '{}', 'r' FROM n`,
    );
    await query(
      "INSERT INTO resources SELECT kind, tenant_id, name, after, seq, 0, 0 FROM audit WHERE kind = 'limits'",
    );
    expect(await root().changed(2_501)).toBe(true);
    const answer = value(await root().sync(emptyPulse));
    expect(limitsOf(answer)).toHaveLength(2_500);
    expect(answer.delta.to.config).toBe(2_501);
  });

  test("a changed API key is told by its id", async () => {
    const isolate = new Snapshot();
    isolate.apply(value(await hub().pulse(emptyPulse)).delta);
    const key = { id: "k1", secretHash: "h", name: "n", tenant: "default", scopes: [], expiresAtMs: null };
    const created = value(await database().apiKeys.create(aWrite(), key));
    await root().changed(created.version);
    pass(401);
    const answer = value(await hub().pulse({ ...emptyPulse, position: isolate.position }));
    expect(answer.delta.keys).toEqual(["k1"]);
  });
});

describe("CP-3 static stability", () => {
  test("with D1 away and root and hub evicted, isolates get the configuration, whose age is told", async () => {
    await putLimit("api");
    await hub().pulse(emptyPulse);
    const repair = await breakDatabase();
    await evictDurableObject(hub());
    await evictDurableObject(root());
    pass(61_000);
    const answer = value(await hub().pulse(emptyPulse));
    expect(limitsOf(answer)).toEqual(["api"]);
    expect(answer.confirmedAgeMs).toBeGreaterThanOrEqual(61_000);
    expect(answer.ageMs).toBe(0);

    await repair();
    pass(2_000);
    await eventually(async () => {
      pass(500);
      expect(value(await hub().pulse(emptyPulse)).confirmedAgeMs).toBeLessThan(1_000);
    });
  });

  test("with the root away and the hub evicted, isolates get the configuration", async () => {
    await putLimit("api");
    await hub().pulse(emptyPulse);
    rootAway();
    await evictDurableObject(hub());
    pass(10_000);
    const answer = value(await hub().pulse(emptyPulse));
    expect(limitsOf(answer)).toEqual(["api"]);
    expect(answer.ageMs).toBe(10_000);
  });

  test("freshness is written at most every 15 s, and an eviction never makes a copy younger", async () => {
    await hub().pulse(emptyPulse);
    for (let i = 0; i < 20; i++) {
      pass(1_000);
      await root().sync(emptyPulse);
      await eventually(async () => expect(value(await root().sync(emptyPulse)).confirmedAgeMs).toBe(0));
    }
    await breakDatabase();
    await evictDurableObject(root());
    pass(1_000);
    const { confirmedAgeMs } = value(await root().sync(emptyPulse));
    expect(confirmedAgeMs).toBeGreaterThanOrEqual(1_000);
    expect(confirmedAgeMs).toBeLessThanOrEqual(16_000);
  });

  test("without any configuration the answer is a refusal, and the next one has it", async () => {
    const repair = await breakDatabase();
    expect(await hub().pulse(emptyPulse)).toMatchObject({ refusal: { code: "control_plane_unavailable" } });
    await repair();
    pass(2_000);
    expect(await hub().pulse(emptyPulse)).toMatchObject({ ok: true });
  });

  test("a notice that D1 does not answer is false, and the change is read later", async () => {
    const version = await putLimit("api", false);
    await root().sync(emptyPulse);
    const next = await putLimit("web", false);
    const repair = await breakDatabase();
    expect(await root().changed(version)).toBe(true);
    expect(await root().changed(next)).toBe(false);
    await repair();
    expect(await root().changed(next)).toBe(true);
  });
});

test("CP-4 a database restored to an earlier time is followed: its history starts again", async () => {
  await putLimit("old");
  const before = await query("SELECT max(seq) AS seq FROM audit");
  await putLimit("lost");
  const isolate = new Snapshot();
  isolate.apply(value(await hub().pulse(emptyPulse)).delta);
  expect(isolate.get("limits", "t_a", "lost")).toBeDefined();

  await query("DELETE FROM audit WHERE seq > ?", before[0]?.seq);
  await query("DELETE FROM resources WHERE name = 'lost'");
  pass(11_000);
  const answer = value(await hub().pulse({ ...emptyPulse, position: isolate.position }));
  expect(answer.delta.full).toBe(true);
  expect(isolate.apply(answer.delta).reset).toBe(true);
  expect([...isolate.entries()].map(({ name }) => name).sort()).toEqual(["default", "old"]);
});

test("a deployment that knows another kind of resource reads everything anew", async () => {
  await putLimit("api");
  const { epoch } = value(await hub().pulse(emptyPulse)).delta.to;
  await runInDurableObject(root(), (_, state) => {
    state.storage.sql.exec("UPDATE head SET body = json_set(body, '$.kinds', 'limits')");
    state.storage.sql.exec("DELETE FROM entries");
  });
  await evictDurableObject(root());
  pass(11_000);
  const answer = value(await hub().pulse(emptyPulse));
  expect(answer.delta.to.epoch).toBeGreaterThan(epoch);
  expect(limitsOf(answer)).toEqual(["api"]);
  pass(11_000);
  expect(value(await hub().pulse(emptyPulse)).delta.to.epoch).toBe(answer.delta.to.epoch);
});

describe("CP-10 metrics", () => {
  const parcel = (sender: string, seq: number, increment: number) => ({
    sender,
    seq,
    families: [
      {
        kind: "counter" as const,
        name: "checks",
        unit: "",
        help: "",
        labelNames: ["outcome"],
        series: [{ labels: ["allowed"], value: increment }],
      },
    ],
  });
  const sum = async () => counted(await root().metrics(), "checks", ["allowed"]);

  test("pulses that are repeated are counted once, over two locations", async () => {
    for (const [location, sender, seq, increment] of [
      ["CDG", "a", 1, 5],
      ["CDG", "a", 1, 5],
      ["CDG", "b", 1, 7],
      ["FRA", "c", 1, 11],
      ["CDG", "a", 2, 1],
      ["CDG", "a", 2, 1],
      ["FRA", "c", 1, 11],
    ] as const) {
      await hub(location).pulse({ ...emptyPulse, metrics: parcel(sender, seq, increment), flush: true });
    }
    expect(await sum()).toBe(24);
  });

  /** Ends the root as a crash does: nothing that it meant to do later is done. */
  const crashRoot = () =>
    runInDurableObject(root(), (_, state) => state.abort("crash")).then(
      () => {},
      () => {},
    );

  test("an idle root that is evicted before the scrape has lost nothing", async () => {
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 1, 5), flush: true });
    await evictDurableObject(root());
    expect(await sum()).toBe(5);
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 2, 1), flush: true });
    expect(await sum()).toBe(6);
    await evictDurableObject(root());
    expect(await sum()).toBe(6);
  });

  test("what was told is never less after a crash between parcels and scrape, and what came in 10 s is all that is lost", async () => {
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 1, 5), flush: true });
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 2, 7), flush: true });
    expect(await sum()).toBe(12);
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 3, 100), flush: true });
    await crashRoot();
    expect(await sum()).toBe(12);
    pass(10_000);
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 4, 1), flush: true });
    await crashRoot();
    expect(await sum()).toBe(13);
  });

  test("a parcel that is repeated after the root's eviction is counted once", async () => {
    await root().sync({ ...emptyPulse, metrics: parcel("hub", 1, 5) });
    await evictDurableObject(root());
    await root().sync({ ...emptyPulse, metrics: parcel("hub", 1, 5) });
    expect(await sum()).toBe(5);
    await crashRoot();
    await root().sync({ ...emptyPulse, metrics: parcel("hub", 1, 5) });
    expect(await sum()).toBe(5);
  });

  test("what the root did not acknowledge is sent again and counted once", async () => {
    await hub().pulse(emptyPulse);
    // The root counts and the answer is lost on its way.
    const sync = RootHub.prototype.sync;
    vi.spyOn(RootHub.prototype, "sync").mockImplementationOnce(async function (this: RootHub, request) {
      await sync.call(this, request);
      throw new Error("lost");
    });
    pass(500);
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 1, 3) });
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 2, 4), flush: true });
    await hub().pulse({ ...emptyPulse, flush: true });
    expect(await sum()).toBe(7);
  });

  test("what a location has counted reaches the root though no further pulse comes", async () => {
    await hub().pulse(emptyPulse);
    await hub().pulse({ ...emptyPulse, metrics: parcel("a", 1, 5) });
    expect(await sum()).toBe(0);
    await eventually(async () => expect(await sum()).toBe(5));
  });

  test("counting goes on while the root is away", async () => {
    await hub().pulse(emptyPulse);
    rootAway();
    for (let seq = 1; seq <= 5; seq++) {
      pass(500);
      await hub().pulse({ ...emptyPulse, metrics: parcel("a", seq, seq) });
    }
    vi.restoreAllMocks();
    await hub().pulse({ ...emptyPulse, flush: true });
    await hub().pulse({ ...emptyPulse, flush: true });
    expect(await sum()).toBe(15);
  });
});

test("the last use of keys is written at most once a minute", async () => {
  const key = { id: "k1", secretHash: "h", name: "n", tenant: "default", scopes: [], expiresAtMs: null };
  await database().apiKeys.create(aWrite(), key);
  const lastUse = async () => value(await database().apiKeys.find("k1")).lastUsedAtMs;
  await hub().pulse({ ...emptyPulse, usedKeys: ["k1", "unknown"] });
  await eventually(async () => expect(await lastUse()).toBe(startMs));
  pass(59_999);
  await hub().pulse({ ...emptyPulse, usedKeys: ["k1"] });
  pass(401);
  await hub().pulse(emptyPulse);
  await eventually(async () => expect(await lastUse()).toBe(startMs + 60_400));
});

test("an isolate of an older position than any hub's memory is sent everything", async () => {
  await putLimit("api");
  const { delta } = value(await hub().pulse({ ...emptyPulse, position: { ...nowhere, epoch: 1 } }));
  expect(delta.full).toBe(true);
});
