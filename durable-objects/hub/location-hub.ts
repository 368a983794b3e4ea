import { DurableObject } from "cloudflare:workers";
import { ok, type Result, refuse } from "../../contracts/result.ts";
import type { LocationHubRpc, Namespace, PulseAnswer, PulseRequest, RootHubRpc } from "../../contracts/rpc/hub.ts";
import { hubPatience, pulseTimeoutMs } from "../../core/config/pulse-schedule.ts";
import { Refresher } from "../../core/config/refresher.ts";
import { Metrics, maxLocationSeries } from "../../core/metrics/metrics.ts";
import { ParcelInbox, ParcelOutbox } from "../../core/metrics/parcel.ts";
import { systemClock } from "./clock.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import { UsedKeys } from "./used-keys.ts";

interface Bindings {
  readonly ROOT_HUB: Namespace<RootHubRpc>;
}

/** Most isolates of one location that are told apart; they live for hours and number a few hundred. */
const maxIsolates = 10_000;

/** The refusal of whoever has no configuration at all yet. */
export const noConfiguration = refuse(
  "control_plane_unavailable",
  "No configuration has been read yet. Try again.",
  1_000,
);

/**
 * Serves one location's isolates from its own copy of the configuration, and sums their metrics for the root. With the
 * root away it goes on with what it has, also after an eviction (CP-3).
 */
export class LocationHub extends DurableObject<Bindings> implements LocationHubRpc {
  readonly #store: SnapshotStore;
  readonly #refresher: Refresher;
  readonly #metrics = new Metrics(maxLocationSeries);
  readonly #inbox = new ParcelInbox(this.#metrics, maxIsolates);
  readonly #outbox = new ParcelOutbox(crypto.randomUUID(), this.#metrics);
  readonly #usedKeys = new UsedKeys();
  #confirmedAtMs: number;
  #flush = false;
  #isDeliveryPlanned = false;

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    this.#store = new SnapshotStore(state.storage);
    const { answeredAtMs, confirmedAtMs } = this.#store.freshness;
    this.#confirmedAtMs = confirmedAtMs;
    this.#refresher = new Refresher(systemClock, () => this.#sync(), answeredAtMs);
  }

  /** Takes an isolate's metrics and used keys, and answers what it lacks of the configuration. */
  async pulse(request: PulseRequest): Promise<Result<PulseAnswer>> {
    if (request.metrics !== null) this.#inbox.accept(request.metrics);
    this.#usedKeys.add(request.usedKeys);
    if (request.flush) {
      this.#flush = true;
      await this.#refresher.now();
    } else {
      await this.#refresher.ensure(hubPatience, (promise) => this.ctx.waitUntil(promise));
    }
    this.#planDelivery(hubPatience.intervalMs);
    if (this.#store.snapshot.position.epoch === 0) return noConfiguration;
    const nowMs = systemClock.nowMs();
    return ok({
      delta: this.#store.snapshot.since(request.position),
      ageMs: Math.max(0, nowMs - this.#refresher.answeredAtMs),
      confirmedAgeMs: Math.max(0, nowMs - this.#confirmedAtMs),
    });
  }

  /**
   * Sends on what isolates were told is counted, until the root has it: no further pulse may come, and with an eviction
   * it would be gone. The pending timer keeps this object in memory meanwhile.
   */
  #planDelivery(delayMs: number): void {
    if (this.#isDeliveryPlanned || !this.#outbox.isOwing) return;
    this.#isDeliveryPlanned = true;
    systemClock.after(delayMs, () => this.ctx.waitUntil(this.#deliver()));
  }

  async #deliver(): Promise<void> {
    if (this.#outbox.isOwing) await this.#refresher.now();
    this.#isDeliveryPlanned = false;
    this.#planDelivery(pulseTimeoutMs);
  }

  /** Asks the root. Returns the time of its answer. */
  async #sync(): Promise<number> {
    const sentAtMs = systemClock.nowMs();
    const { snapshot } = this.#store;
    const metrics = this.#outbox.next();
    const flush = this.#flush;
    this.#flush = false;
    const root = this.env.ROOT_HUB.getByName("root");
    const request = { position: snapshot.position, metrics, usedKeys: this.#usedKeys.take(), flush };
    const answer = await root.sync(request);
    if (metrics !== null) this.#outbox.acknowledge(metrics);
    if (!answer.ok) throw new Error(answer.refusal.detail);

    const { delta, ageMs, confirmedAgeMs } = answer.value;
    const answeredAtMs = sentAtMs - ageMs;
    this.#confirmedAtMs = Math.max(this.#confirmedAtMs, sentAtMs - confirmedAgeMs);
    this.#store.save(snapshot.apply(delta), { answeredAtMs, confirmedAtMs: this.#confirmedAtMs });
    return answeredAtMs;
  }
}
