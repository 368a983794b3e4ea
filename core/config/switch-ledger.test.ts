import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { auditsDelivered, emptyLedger, maxPendingAudits, type SwitchLedger, writeSwitch } from "./switch-ledger.ts";

const body = (on: boolean) => ({ on, updatedAtMs: 0, updatedBy: "admin" });
const write = (name: string, on: boolean | null, id = "i") => ({
  name,
  body: on === null ? null : body(on),
  id,
  atMs: 0,
  actor: "admin",
  requestId: "r",
});

describe("the ledger of switches", () => {
  test("CP-1 each change owes one audit row that says what was and what is; versions only grow", () => {
    const change = fc.record({
      name: fc.constantFrom("a", "b", "__proto__"),
      on: fc.option(fc.boolean()),
      deliver: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60, size: "max" }), (changes) => {
        let ledger: SwitchLedger = emptyLedger;
        const replayed = new Map<string, unknown>();
        for (const [index, { name, on, deliver }] of changes.entries()) {
          const before = ledger;
          const { ledger: after, outcome } = writeSwitch(ledger, write(name, on, String(index)), 10);
          ledger = after;
          if (outcome === "missing") {
            expect(ledger).toBe(before);
            continue;
          }
          const owed = ledger.pending.at(-1);
          expect(owed).toMatchObject({ id: String(index), action: outcome, before: replayed.get(name) ?? null });
          if (owed?.after === null) replayed.delete(name);
          else replayed.set(name, owed?.after);
          expect(ledger.seq).toBe(before.seq + 1);
          if (on !== null) expect(ledger.switches.get(name)?.version).toBe(ledger.seq);
          if (deliver) ledger = auditsDelivered(ledger, [String(index)]);
        }
        expect(new Map([...ledger.switches].map(([name, each]) => [name, each.body]))).toEqual(replayed);
      }),
    );
  });

  test("is bounded in switches and in owed audit rows, and what is refused changes nothing", () => {
    const one = writeSwitch(emptyLedger, write("a", true), 1).ledger;
    expect(writeSwitch(one, write("b", true), 1)).toEqual({ ledger: one, outcome: "full" });
    let ledger = one;
    while (ledger.pending.length < maxPendingAudits) ledger = writeSwitch(ledger, write("a", false), 1).ledger;
    expect(writeSwitch(ledger, write("a", true), 1)).toEqual({ ledger, outcome: "backlog" });
  });
});
