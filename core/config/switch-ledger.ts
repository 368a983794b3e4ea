import type { ConfigEntry, SwitchBody } from "./entry.ts";

/** Most changes that wait for their audit row while D1 is away. Far beyond what operators do by hand in an outage. */
export const maxPendingAudits = 500;

/** A change of a switch that D1's audit does not have yet. */
export interface SwitchAudit {
  readonly id: string;
  readonly atMs: number;
  readonly actor: string;
  readonly requestId: string;
  readonly action: "create" | "update" | "delete";
  readonly name: string;
  readonly before: SwitchBody | null;
  readonly after: SwitchBody | null;
}

/** Every switch, and the audit rows that are still owed. They are kept as one value, so neither exists without the other. */
export interface SwitchLedger {
  /** Sequence number of the last change. */
  readonly seq: number;
  readonly switches: ReadonlyMap<string, { readonly version: number; readonly body: SwitchBody }>;
  readonly pending: readonly SwitchAudit[];
}

export const emptyLedger: SwitchLedger = { seq: 0, switches: new Map(), pending: [] };

/** A wanted change: a body, or null to delete. */
export interface SwitchWrite {
  readonly name: string;
  readonly body: SwitchBody | null;
  /** Id of the audit row. */
  readonly id: string;
  readonly atMs: number;
  readonly actor: string;
  readonly requestId: string;
}

export type SwitchOutcome = "create" | "update" | "delete" | "missing" | "full" | "backlog";

/**
 * The ledger after `write`, and what came of it: `missing` (nothing to delete), `full` (`maxSwitches` exist) and `backlog`
 * (too many changes wait for their audit rows) leave it as it is.
 */
export function writeSwitch(
  ledger: SwitchLedger,
  write: SwitchWrite,
  maxSwitches: number,
): { readonly ledger: SwitchLedger; readonly outcome: SwitchOutcome } {
  const { name, body, ...record } = write;
  const before = ledger.switches.get(name)?.body ?? null;
  if (body === null && before === null) return { ledger, outcome: "missing" };
  if (before === null && ledger.switches.size >= maxSwitches) return { ledger, outcome: "full" };
  if (ledger.pending.length >= maxPendingAudits) return { ledger, outcome: "backlog" };

  const seq = ledger.seq + 1;
  const switches = new Map(ledger.switches);
  if (body === null) switches.delete(name);
  else switches.set(name, { version: seq, body });
  const action = body === null ? "delete" : before === null ? "create" : "update";
  const pending = [...ledger.pending, { ...record, name, action, before, after: body } as const];
  return { ledger: { seq, switches, pending }, outcome: action };
}

/** The ledger without the audit rows of these ids, which D1 now has. */
export function auditsDelivered(ledger: SwitchLedger, ids: readonly string[]): SwitchLedger {
  return { ...ledger, pending: ledger.pending.filter(({ id }) => !ids.includes(id)) };
}

/** The switches as entries of a snapshot. */
export function switchEntries({ switches }: Pick<SwitchLedger, "switches">): ConfigEntry[] {
  return [...switches].map(([name, { version, body }]) => ({ kind: "switches", tenantId: "", name, version, body }));
}
