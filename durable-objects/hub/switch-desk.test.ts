import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SwitchRequest } from "../../contracts/control-plane.ts";
import { ControlDatabase } from "../../database/control-database.ts";
import { bindings, freshPlatform, query } from "../../database/testing/bindings.ts";
import { Switches } from "../switches/switches.ts";
import { breakDatabase, emptyPulse, eventually, hub, putLimit, root, value } from "./testing/pulses.ts";

const startMs = 1_800_000_000_000;
const actor = { subject: "admin", requestId: "r9" };
const auditRows = () =>
  query("SELECT action, name, before, after, actor, request_id FROM audit WHERE kind = 'switches' ORDER BY seq");
const switchesOf = async () => {
  const { delta } = value(await root().sync(emptyPulse));
  return delta.entries.filter(({ kind }) => kind === "switches").map(({ name, version }) => [name, version]);
};

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(startMs);
  await freshPlatform();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a switch", () => {
  test("is set, changed and deleted, with an audit row each", async () => {
    const created = value(await root().putSwitch("limits.shadow-all", { on: true, value: { x: 1 } }, actor));
    expect(created.created).toBe(true);
    expect(created.switch).toEqual({
      name: "limits.shadow-all",
      on: true,
      value: { x: 1 },
      updatedAt: new Date(startMs).toISOString(),
      updatedBy: "admin",
    });
    expect(created.entry).toMatchObject({
      kind: "switches",
      name: "limits.shadow-all",
      version: 1,
      body: { on: true },
    });
    expect(value(await root().putSwitch("limits.shadow-all", { on: false }, actor)).created).toBe(false);
    expect(value(await root().deleteSwitch("limits.shadow-all", actor)).entry).toMatchObject({
      version: 3,
      body: null,
    });
    expect(await root().deleteSwitch("limits.shadow-all", actor)).toMatchObject({
      refusal: { code: "switch_not_found" },
    });
    await eventually(async () =>
      expect((await auditRows()).map(({ action }) => action)).toEqual(["create", "update", "delete"]),
    );
    expect((await auditRows())[0]).toMatchObject({ before: null, actor: "admin", request_id: "r9" });
    expect(JSON.parse(String((await auditRows())[1]?.before))).toMatchObject({ on: true, value: { x: 1 } });
  });

  test("is audited in the form in which it is PUT, so that what was can be put again", async () => {
    const request = { on: true, value: { x: 1 }, until: new Date(startMs + 1_000).toISOString() };
    await root().putSwitch("a", request, actor);
    await root().putSwitch("a", { on: false }, actor);
    await eventually(async () => expect(await auditRows()).toHaveLength(2));
    const listed = value(await new ControlDatabase(bindings.DB).audit.list(null, { limit: 2 }));
    expect(listed.items.map(({ before, after }) => [before, after])).toEqual([
      [request, { on: false }],
      [null, request],
    ]);
    expect(SwitchRequest.safeParse(listed.items[0]?.before).success).toBe(true);
  });

  test("CP-2 reaches isolates with the next pulse, and so does its deletion", async () => {
    await hub().pulse(emptyPulse);
    await root().putSwitch("a", { on: true }, actor);
    vi.setSystemTime(startMs + 401);
    const { delta } = value(await hub().pulse(emptyPulse));
    expect(delta.entries).toContainEqual(expect.objectContaining({ kind: "switches", name: "a" }));
    await root().deleteSwitch("a", actor);
    vi.setSystemTime(startMs + 802);
    const next = value(await hub().pulse({ ...emptyPulse, position: delta.to }));
    expect(next.delta.entries).toContainEqual(expect.objectContaining({ name: "a", body: null, version: 2 }));
  });

  test("CP-9 is shown and taken as off from `until` on", async () => {
    const until = new Date(startMs + 1_000).toISOString();
    await root().putSwitch("a", { on: true, until }, actor);
    vi.setSystemTime(startMs + 999);
    expect(value(await root().listSwitches())).toMatchObject([{ name: "a", on: true, until }]);
    vi.setSystemTime(startMs + 1_000);
    expect(value(await root().listSwitches())).toMatchObject([{ name: "a", on: false, until }]);
  });

  test("outlives evictions between any two calls", async () => {
    const evict = async () => {
      await evictDurableObject(root());
      await evictDurableObject(bindings.SWITCHES.getByName("switches"));
    };
    await root().putSwitch("a", { on: true }, actor);
    await evict();
    await root().putSwitch("b", { on: true }, actor);
    await evict();
    await root().deleteSwitch("a", actor);
    await evict();
    expect(value(await root().listSwitches()).map(({ name }) => name)).toEqual(["b"]);
    expect(await switchesOf()).toEqual([["b", 2]]);
  });
});

describe("CP-3 with D1 away", () => {
  test("a kill switch works at once, and its audit row is delivered once D1 is back", async () => {
    await root().sync(emptyPulse);
    const repair = await breakDatabase();
    expect(await root().putSwitch("limits.fail-open", { on: true }, actor)).toMatchObject({ ok: true });
    expect(await switchesOf()).toEqual([["limits.fail-open", 1]]);
    expect(await runDurableObjectAlarm(root())).toBe(true);
    await evictDurableObject(root());
    await repair();
    expect(await auditRows()).toEqual([]);
    expect(await runDurableObjectAlarm(root())).toBe(true);
    expect(await auditRows()).toMatchObject([{ action: "create", name: "limits.fail-open" }]);
    expect(await runDurableObjectAlarm(root())).toBe(false);
  });

  test("CP-1 an audit row whose acknowledgement was lost is there once", async () => {
    const acknowledge = vi.spyOn(Switches.prototype, "auditsDelivered").mockRejectedValueOnce(new Error("lost"));
    await root().putSwitch("a", { on: true }, actor);
    await eventually(async () => expect(acknowledge).toHaveBeenCalled());
    expect(await runDurableObjectAlarm(root())).toBe(true);
    expect(await auditRows()).toHaveLength(1);
  });
});

test("a write whose answer was lost is said to be unknown, and what came of it is read", async () => {
  expect(value(await root().listSwitches())).toEqual([]);
  const write = Switches.prototype.write;
  vi.spyOn(Switches.prototype, "write").mockImplementationOnce(async function (this: Switches, text) {
    await write.call(this, text);
    throw new Error("lost");
  });
  expect(await root().putSwitch("a", { on: true }, actor)).toMatchObject({ refusal: { code: "outcome_unknown" } });
  expect(value(await root().listSwitches())).toMatchObject([{ name: "a", on: true }]);
  expect(await switchesOf()).toEqual([["a", 1]]);
});

test("the snapshot of a restored database keeps the switches", async () => {
  await root().putSwitch("a", { on: true }, actor);
  await putLimit("api");
  await eventually(async () => expect(await auditRows()).toHaveLength(1));
  await root().sync(emptyPulse);
  await query("DELETE FROM audit WHERE seq > 1");
  vi.setSystemTime(startMs + 11_000);
  const before = value(await root().sync(emptyPulse)).delta.to;
  expect(before.epoch).toBeGreaterThan(startMs);
  expect(await switchesOf()).toEqual([["a", 1]]);
});
