import { DurableObject } from "cloudflare:workers";
import type { Switch, SwitchRequest } from "../../contracts/control-plane.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type {
  ConfigEntry,
  MetricFamily,
  PulseAnswer,
  PulseRequest,
  RootHubRpc,
  SwitchActor,
  SwitchChange,
} from "../../contracts/rpc/hub.ts";
import { nowhere } from "../../core/config/delta.ts";
import { rootPatience } from "../../core/config/pulse-schedule.ts";
import { Refresher } from "../../core/config/refresher.ts";
import type { Counter } from "../../core/metrics/metrics.ts";
import { ControlDatabase } from "../../database/control-database.ts";
import { SwitchStore } from "../switches/switch-store.ts";
import { systemClock } from "./clock.ts";
import { noConfiguration } from "./location-hub.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import { SumStore } from "./sum-store.ts";
import { SwitchDesk } from "./switch-desk.ts";
import { UsedKeys } from "./used-keys.ts";

interface Bindings {
  readonly DB: D1Database;
  readonly SWITCHES: DurableObjectNamespace;
}

/** A key's last use is kept to the minute, so it is written at most once a minute. */
const usedKeysIntervalMs = 60_000;
/** Most readings for one notice: each takes up to 1,000 changes. */
const maxReadings = 20;

/**
 * The one object that reads D1 for every isolate, sums every counter, and is the switches' only client. What it knows of the
 * configuration and what it has counted outlive its eviction, so that it can serve while D1 is away (CP-3, CP-10).
 */
export class RootHub extends DurableObject<Bindings> implements RootHubRpc {
  readonly #database: ControlDatabase;
  readonly #store: SnapshotStore;
  readonly #refresher: Refresher;
  readonly #desk: SwitchDesk;
  readonly #sums: SumStore;
  readonly #readings: Counter;
  readonly #usedKeys = new UsedKeys();
  #usedKeysWrittenAtMs = -Infinity;

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    this.#database = new ControlDatabase(env.DB);
    this.#store = new SnapshotStore(state.storage);
    this.#sums = new SumStore(state.storage, systemClock);
    this.#readings = this.#sums.counter("breakwater.root.readings", ["outcome"], {
      unit: "{reading}",
      help: "Readings of the database by the root hub.",
    });
    this.#desk = new SwitchDesk(state, new SwitchStore(env.SWITCHES), this.#database, this.#store);
    this.#refresher = new Refresher(systemClock, () => this.#read(), this.#store.freshness.confirmedAtMs);
  }

  /** Takes a location's metrics and used keys, and answers what it lacks of the configuration. */
  async sync(request: PulseRequest): Promise<Result<PulseAnswer>> {
    if (request.metrics !== null) this.#sums.accept(request.metrics);
    this.#usedKeys.add(request.usedKeys);
    await this.#refresher.ensure(rootPatience, (promise) => this.ctx.waitUntil(promise));
    this.#writeUsedKeys();
    if (this.#store.snapshot.position.epoch === 0) return noConfiguration;
    const confirmedAgeMs = Math.max(0, systemClock.nowMs() - this.#refresher.answeredAtMs);
    return ok({ delta: this.#store.snapshot.since(request.position), ageMs: 0, confirmedAgeMs });
  }

  /** Reads the changes up to `seq` at once. False when D1 could not be read: the next poll reads them. */
  async changed(seq: number): Promise<boolean> {
    const { snapshot } = this.#store;
    for (let reading = 0; reading < maxReadings && snapshot.position.config < seq; reading++) {
      const before = snapshot.position.config;
      await this.#refresher.now();
      if (snapshot.position.config === before) return false;
    }
    return snapshot.position.config >= seq;
  }

  /** Refuses `too_many_resources`, `overloaded` and `outcome_unknown`. */
  putSwitch(name: string, request: SwitchRequest, actor: SwitchActor): Promise<Result<SwitchChange>> {
    return this.#desk.put(name, request, actor);
  }

  /** Refuses `switch_not_found`, `overloaded` and `outcome_unknown`. */
  deleteSwitch(name: string, actor: SwitchActor): Promise<Result<{ readonly entry: ConfigEntry }>> {
    return this.#desk.delete(name, actor);
  }

  listSwitches(): Promise<Result<Switch[]>> {
    return this.#desk.list();
  }

  /** The sums of every parcel, which outlive this object's eviction (CP-10). */
  async metrics(): Promise<readonly MetricFamily[]> {
    return this.#sums.expose();
  }

  /** Delivers audit rows of switches that D1 did not take when they were changed. */
  override alarm(): Promise<void> {
    return this.#desk.alarm();
  }

  /** Reads from D1 what changed. Returns when it was read. */
  async #read(): Promise<number> {
    const startedAtMs = systemClock.nowMs();
    const { snapshot } = this.#store;
    await this.#desk.refresh();
    const from = snapshot.position;
    try {
      let reading = await this.#database.changes.since(from.config);
      let full = from.epoch === 0 || this.#store.isOfOtherKinds;
      if (reading.newest < from.config || full) {
        // A database restored to an earlier time has lost versions that isolates hold: the history starts again. And it
        // does for a deployment that knows kinds of which the last one took no notice.
        reading = await this.#database.changes.everything();
        full = true;
      }
      const epoch = full ? Math.max(startedAtMs, from.epoch + 1) : from.epoch;
      const applied = snapshot.apply({
        full,
        from: full ? nowhere : from,
        to: { epoch, config: reading.through, switches: from.switches },
        entries: full ? [...reading.entries, ...this.#desk.entries()] : reading.entries,
        keys: full ? "all" : reading.keys,
      });
      this.#store.save(applied, { answeredAtMs: startedAtMs, confirmedAtMs: startedAtMs });
    } catch (error) {
      this.#readings.add(1, "failed");
      throw error;
    }
    this.#readings.add(1, "ok");
    return startedAtMs;
  }

  #writeUsedKeys(): void {
    const nowMs = systemClock.nowMs();
    if (this.#usedKeys.size === 0 || nowMs - this.#usedKeysWrittenAtMs < usedKeysIntervalMs) return;
    this.#usedKeysWrittenAtMs = nowMs;
    // Best effort: a key that goes on being used is written a minute later.
    this.ctx.waitUntil(this.#database.apiKeys.touch(this.#usedKeys.take(), nowMs).catch(() => {}));
  }
}
