import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { maxSwitches } from "../../contracts/control-plane.ts";
import type { SwitchWrite } from "../../core/config/switch-ledger.ts";
import { bindings, freshPlatform } from "../../database/testing/bindings.ts";
import { asciiJson, SwitchStore } from "./switch-store.ts";

const write = (name: string, more: Partial<SwitchWrite> = {}): SwitchWrite => ({
  name,
  body: { on: true, updatedAtMs: 1, updatedBy: "admin" },
  id: crypto.randomUUID(),
  atMs: 1,
  actor: "admin",
  requestId: "r1",
  ...more,
});
const evict = () => evictDurableObject(bindings.SWITCHES.getByName("switches"));

let switches: SwitchStore;
beforeEach(async () => {
  await freshPlatform();
  switches = new SwitchStore(bindings.SWITCHES);
});

describe("the Switches object through its adapter", () => {
  test("keeps switches and the audit rows owed for them over evictions between any two calls", async () => {
    expect(await switches.write(write("a", { id: "1" }))).toBe("create");
    await evict();
    expect(await switches.write(write("a", { id: "2" }))).toBe("update");
    await evict();
    expect(await switches.write(write("b", { id: "3" }))).toBe("create");
    await evict();
    expect(await switches.write(write("a", { id: "4", body: null }))).toBe("delete");
    await evict();
    expect(await switches.list()).toMatchObject({ seq: 4, entries: [{ name: "b", version: 3, kind: "switches" }] });
    expect((await switches.pendingAudits(10)).map(({ id, action }) => [id, action])).toEqual([
      ["1", "create"],
      ["2", "update"],
      ["3", "create"],
      ["4", "delete"],
    ]);
    expect(await switches.auditsDelivered(["1", "3"])).toBe(2);
    await evict();
    expect((await switches.pendingAudits(1)).map(({ id }) => id)).toEqual(["2"]);
  });

  test("carries any value unharmed, in names that are those of an object's own members", async () => {
    const value = { text: 'é 💥 "\\ \u0000\u007f\u2028 \ud800', list: [1, null, { a: true }] };
    for (const name of ["__proto__", "constructor", "tostring"]) {
      await switches.write(write(name, { body: { on: true, value, updatedAtMs: 1, updatedBy: "key:é" } }));
    }
    await evict();
    const { entries } = await switches.list();
    expect(entries.map(({ name }) => name)).toEqual(["__proto__", "constructor", "tostring"]);
    for (const { body } of entries) expect(body).toEqual({ on: true, value, updatedAtMs: 1, updatedBy: "key:é" });
  });

  test("holds a bounded number, and its largest value", async () => {
    const value = "é".repeat(1_022);
    for (let i = 0; i < maxSwitches; i++) {
      const body = { on: true, value, updatedAtMs: 1, updatedBy: "admin" };
      expect(await switches.write(write(`s${i}`, { body }))).toBe("create");
    }
    expect(await switches.write(write("one.more"))).toBe("full");
    expect(await switches.write(write("s0"))).toBe("update");
    expect(await switches.write(write("s1", { body: null }))).toBe("delete");
    expect(await switches.write(write("one.more"))).toBe("create");
  });

  test("deleting what is not there changes nothing", async () => {
    expect(await switches.write(write("a", { body: null }))).toBe("missing");
    expect(await switches.list()).toEqual({ seq: 0, entries: [] });
    expect(await switches.pendingAudits(10)).toEqual([]);
  });
});

test("arguments in the header are ASCII and read back the same", () => {
  const value = 'é\u007f\u2028💥\ud800"\\';
  expect(asciiJson(value)).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(asciiJson(value))).toBe(value);
});
