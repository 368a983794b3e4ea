import { maxSwitches, type Switch, type SwitchRequest } from "../../contracts/control-plane.ts";
import { ok, type Result, refuse } from "../../contracts/result.ts";
import type { SwitchActor, SwitchChange } from "../../contracts/rpc/hub.ts";
import type { ConfigEntry, SwitchBody } from "../../core/config/entry.ts";
import type { SwitchWrite } from "../../core/config/switch-ledger.ts";
import { switchState } from "../../core/config/switch-state.ts";
import type { ControlDatabase } from "../../database/control-database.ts";
import type { SwitchStore } from "../switches/switch-store.ts";
import { systemClock } from "./clock.ts";
import type { SnapshotStore } from "./snapshot-store.ts";
import { within } from "./within.ts";

/** How long the Switches object, which is small and near, may take. */
const objectTimeoutMs = 2_000;
/** How long D1 may take for a few audit rows. */
const databaseTimeoutMs = 5_000;
/** When audit rows that D1 did not take are tried again. */
const retryMs = 30_000;
/** Audit rows delivered at a time. */
const auditBatch = 50;

const outcomeUnknown = refuse(
  "outcome_unknown",
  "The switches did not answer in time. Read the switch, then try again.",
  1_000,
);
const unavailable = refuse("control_plane_unavailable", "The switches do not answer. Try again.", 1_000);
const tooMany = refuse("too_many_resources", `There are at most ${maxSwitches} switches. Delete some first.`);
const backlog = refuse(
  "overloaded",
  "Too many changes of switches wait for the database to take their audit rows.",
  retryMs,
);

/**
 * The root's work with switches. The Switches object holds them, the snapshot spreads them, D1 gets their audit rows: at
 * once when it answers, later when it does not, because a kill switch must work in an outage.
 */
export class SwitchDesk {
  readonly #state: DurableObjectState;
  readonly #switches: SwitchStore;
  readonly #database: ControlDatabase;
  readonly #store: SnapshotStore;
  /** Whether the object may hold something else than the snapshot: at the start, and after a call without an answer. */
  #isDoubtful = true;
  #delivery: Promise<void> | undefined;

  constructor(state: DurableObjectState, switches: SwitchStore, database: ControlDatabase, store: SnapshotStore) {
    this.#state = state;
    this.#switches = switches;
    this.#database = database;
    this.#store = store;
  }

  async put(name: string, request: SwitchRequest, actor: SwitchActor): Promise<Result<SwitchChange>> {
    const { on, value, until } = request;
    const nowMs = systemClock.nowMs();
    const body: SwitchBody = {
      on,
      ...(value === undefined ? undefined : { value }),
      ...(until === undefined ? undefined : { untilMs: Date.parse(until) }),
      updatedAtMs: nowMs,
      updatedBy: actor.subject,
    };
    const written = await this.#write(name, body, actor, nowMs);
    if (!written.ok) return written;
    const { entry, created } = written.value;
    return ok({ switch: answered(name, body, nowMs), created, entry });
  }

  async delete(name: string, actor: SwitchActor): Promise<Result<{ readonly entry: ConfigEntry }>> {
    const written = await this.#write(name, null, actor, systemClock.nowMs());
    return written.ok ? ok({ entry: written.value.entry }) : written;
  }

  async list(): Promise<Result<Switch[]>> {
    await this.refresh();
    if (this.#isDoubtful) return unavailable;
    const nowMs = systemClock.nowMs();
    const switches = this.entries().map(({ name, body }) => answered(name, body as SwitchBody, nowMs));
    return ok(switches.sort((a, b) => (a.name < b.name ? -1 : 1)));
  }

  /** The switches as the snapshot has them. */
  entries(): ConfigEntry[] {
    return [...this.#store.snapshot.entries()].filter(({ kind }) => kind === "switches");
  }

  /** Brings the snapshot up to the object when they may differ. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#isDoubtful) await this.#read().catch(() => {});
  }

  /** Tries again to deliver audit rows. Never rejects: a failed alarm would be given up after six retries. */
  async alarm(): Promise<void> {
    await this.#deliver();
  }

  async #write(
    name: string,
    body: SwitchBody | null,
    actor: SwitchActor,
    nowMs: number,
  ): Promise<Result<{ readonly created: boolean; readonly entry: ConfigEntry }>> {
    const write: SwitchWrite = {
      name,
      body,
      id: crypto.randomUUID(),
      atMs: nowMs,
      actor: actor.subject,
      requestId: actor.requestId,
    };
    try {
      // Armed before: after the write, an eviction could leave the audit row waiting for nobody.
      await this.#arm();
      const outcome = await within(objectTimeoutMs, this.#switches.write(write));
      if (outcome === "missing") return refuse("switch_not_found", `No switch is named ${JSON.stringify(name)}.`);
      if (outcome === "full") return tooMany;
      if (outcome === "backlog") return backlog;
      await this.#read();
      this.#state.waitUntil(this.#deliver());
      return ok({ created: outcome === "create", entry: this.#entryOf(name) });
    } catch {
      this.#isDoubtful = true;
      return outcomeUnknown;
    }
  }

  /** The switch as it stands, or its deletion. */
  #entryOf(name: string): ConfigEntry {
    const { snapshot } = this.#store;
    const live = snapshot.get("switches", "", name);
    return live ?? { kind: "switches", tenantId: "", name, version: snapshot.position.switches, body: null };
  }

  /** Takes what the object holds into the snapshot. */
  async #read(): Promise<void> {
    const { seq, entries } = await within(objectTimeoutMs, this.#switches.list());
    const { snapshot } = this.#store;
    const named = new Set(entries.map(({ name }) => name));
    const gone = this.entries().filter(({ name, version }) => !named.has(name) && version < seq);
    const from = snapshot.position;
    const applied = snapshot.apply({
      full: false,
      from,
      to: { ...from, switches: seq },
      entries: [...entries, ...gone.map((entry) => ({ ...entry, version: seq, body: null }))],
      keys: [],
    });
    this.#store.save(applied, this.#store.freshness);
    this.#isDoubtful = false;
  }

  /** Gives D1 the audit rows that are owed, one delivery at a time. Never rejects. */
  #deliver(): Promise<void> {
    this.#delivery ??= this.#deliverAll()
      .catch(() => this.#arm())
      .finally(() => {
        this.#delivery = undefined;
      });
    return this.#delivery;
  }

  async #deliverAll(): Promise<void> {
    for (let left = 1; left > 0; ) {
      const pending = await within(objectTimeoutMs, this.#switches.pendingAudits(auditBatch));
      if (pending.length === 0) return;
      await within(databaseTimeoutMs, this.#database.audit.appendSwitchChanges(pending));
      left = await within(objectTimeoutMs, this.#switches.auditsDelivered(pending.map(({ id }) => id)));
    }
  }

  async #arm(): Promise<void> {
    if ((await this.#state.storage.getAlarm()) === null) {
      await this.#state.storage.setAlarm(systemClock.nowMs() + retryMs);
    }
  }
}

/** The switch as the API shows it: one past its `until` is off (CP-9). */
function answered(name: string, body: SwitchBody, nowMs: number): Switch {
  const { value, untilMs, updatedAtMs, updatedBy } = body;
  return {
    name,
    on: switchState(body, nowMs).on,
    ...(value === undefined ? undefined : { value: value as Switch["value"] }),
    ...(untilMs === undefined ? undefined : { until: new Date(untilMs).toISOString() }),
    updatedAt: new Date(updatedAtMs).toISOString(),
    updatedBy,
  };
}
