import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "./canonical.ts";
import { type Item, planChange, planReplacement } from "./plan.ts";
import { switchState } from "./switch-state.ts";

const item = (kind: string, name: string, body: unknown): Item => ({ kind, name, body });

describe("plans", () => {
  test("name creates, updates, deletions and what stays", () => {
    const current = [
      item("limits", "a", { limit: 1 }),
      item("limits", "b", { limit: 1 }),
      item("limits", "c", { x: 1, y: 2 }),
    ];
    const wanted = [item("limits", "b", { limit: 2 }), item("limits", "c", { y: 2, x: 1 }), item("limits", "d", {})];
    expect(planReplacement(current, wanted).map(({ name, action }) => [name, action])).toEqual([
      ["a", "delete"],
      ["b", "update"],
      ["c", "unchanged"],
      ["d", "create"],
    ]);
  });

  test("a deletion of what is not there changes nothing", () => {
    expect(planChange("limits", "a", undefined, undefined).action).toBe("unchanged");
  });

  const items = fc.uniqueArray(
    fc.record({
      kind: fc.constantFrom("limits", "issuers"),
      name: fc.constantFrom("a", "b", "__proto__"),
      body: fc.jsonValue(),
    }),
    { selector: ({ kind, name }) => `${kind}/${name}` },
  );

  test("CP-7 replacing something by itself changes nothing", () => {
    fc.assert(
      fc.property(items, (current) => {
        expect(planReplacement(current, current).filter(({ action }) => action !== "unchanged")).toEqual([]);
      }),
    );
  });

  test("CP-6 applied, a plan makes the current items equal to the wanted ones", () => {
    fc.assert(
      fc.property(items, items, (current, wanted) => {
        const state = new Map<string, unknown>(current.map((each) => [`${each.kind}/${each.name}`, each.body]));
        for (const { kind, name, action, before, after } of planReplacement(current, wanted)) {
          const id = `${kind}/${name}`;
          expect(before).toEqual(state.get(id) ?? null);
          if (action === "delete") state.delete(id);
          else if (action !== "unchanged") state.set(id, after);
        }
        const texts = (map: Map<string, unknown>) => [...map].map(([id, body]) => id + canonicalJson(body)).sort();
        expect(texts(state)).toEqual(texts(new Map(wanted.map((each) => [`${each.kind}/${each.name}`, each.body]))));
      }),
    );
  });
});

test("canonical JSON does not depend on the order of members", () => {
  expect(canonicalJson({ b: [{ d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[{"d":1}]}');
  expect(canonicalJson(JSON.parse('{"__proto__":1,"a":2}'))).toBe('{"__proto__":1,"a":2}');
});

describe("CP-9", () => {
  const body = { on: true, value: 7, untilMs: 1_000, updatedAtMs: 0, updatedBy: "admin" };

  test("a switch is on until `until`, and off from that millisecond on", () => {
    expect(switchState(body, 999)).toEqual({ on: true, value: 7 });
    expect(switchState(body, 1_000)).toEqual({ on: false });
  });

  test("a switch never set, or set off, is off", () => {
    expect(switchState(undefined, 0)).toEqual({ on: false });
    expect(switchState({ ...body, on: false }, 0)).toEqual({ on: false });
  });
});
