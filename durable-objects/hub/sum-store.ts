import type { Clock } from "../../core/config/refresher.ts";
import type { MetricFamily } from "../../core/metrics/family.ts";
import { type Counter, Metrics, maxRootSeries } from "../../core/metrics/metrics.ts";
import { type Parcel, ParcelInbox, type SenderMark } from "../../core/metrics/parcel.ts";

/**
 * How often sums are saved while parcels arrive: what an eviction may lose, against rows written, which are what storage
 * costs. It is also how long an idle object lives at least, so the saving that is owed comes before its eviction.
 */
export const saveIntervalMs = 10_000;
/** Most locations that are told apart; Cloudflare has a few hundred. */
const maxLocations = 2_000;
/** Bytes of one row, which may have 2 MB. */
const maxChunkBytes = 1 << 20;
/** The form of what is saved. Sums in another form are not read: counters start again, as after any restart. */
const form = 1;

interface Saved {
  readonly form: number;
  readonly senders: readonly SenderMark[];
  readonly families: readonly MetricFamily[];
}

/**
 * The root's sums: in memory to be counted, in the object's SQLite to outlive its eviction (CP-10), together with which
 * parcels are in them. What `expose` has told is saved before, so no counter that was told ever goes down: Prometheus
 * would take that for a restart and count everything again.
 */
export class SumStore {
  readonly #storage: DurableObjectStorage;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #inbox: ParcelInbox;
  #isDirty = false;
  #savedAtMs = -Infinity;
  #callOff: (() => void) | undefined;

  constructor(storage: DurableObjectStorage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
    storage.sql.exec("CREATE TABLE IF NOT EXISTS sums (chunk INTEGER PRIMARY KEY, body BLOB NOT NULL)");
    const saved = this.#saved();
    const metrics = new Metrics(maxRootSeries);
    metrics.merge(saved?.families ?? []);
    // Kept for ever, the label values of tenants long gone would leave new ones no series.
    this.#metrics = metrics.isFull ? new Metrics(maxRootSeries) : metrics;
    this.#inbox = new ParcelInbox(this.#metrics, maxLocations, saved?.senders ?? []);
  }

  /** Counts the parcel once, also if it was counted before an eviction and is repeated after it. */
  accept(parcel: Parcel): void {
    if (this.#inbox.accept(parcel)) this.#changed();
  }

  /** A counter of the root's own. It is saved with the next parcel's: alone it is not worth a row. */
  counter(...about: Parameters<Metrics["counter"]>): Counter {
    const counter = this.#metrics.counter(...about);
    return {
      add: (increment, ...labels) => {
        counter.add(increment, ...labels);
        this.#isDirty = true;
      },
    };
  }

  /** The sums, which are durable once the object's answer leaves it. Throws when they cannot be saved. */
  expose(): readonly MetricFamily[] {
    if (this.#isDirty) this.#save();
    return this.#metrics.sums();
  }

  #changed(): void {
    this.#isDirty = true;
    if (this.#callOff !== undefined) return;
    const sinceMs = this.#clock.nowMs() - this.#savedAtMs;
    // A clock that jumped back says nothing of how long ago it was.
    if (sinceMs < 0 || sinceMs >= saveIntervalMs) {
      this.#trySave();
      return;
    }
    this.#callOff = this.#clock.after(saveIntervalMs - sinceMs, () => {
      this.#callOff = undefined;
      this.#trySave();
    });
  }

  /** Counting goes on without storage, and so does the configuration that the same pulse asks for. */
  #trySave(): void {
    try {
      this.#save();
    } catch (error) {
      this.#savedAtMs = this.#clock.nowMs();
      console.error("the sums of the metrics could not be saved", error);
    }
  }

  #save(): void {
    const saved: Saved = { form, senders: this.#inbox.senders, families: this.#metrics.sums() };
    const bytes = new TextEncoder().encode(JSON.stringify(saved));
    const chunks = Math.ceil(bytes.length / maxChunkBytes);
    this.#storage.transactionSync(() => {
      const { sql } = this.#storage;
      for (let chunk = 0; chunk < chunks; chunk++) {
        const body = bytes.slice(chunk * maxChunkBytes, (chunk + 1) * maxChunkBytes);
        sql.exec("INSERT OR REPLACE INTO sums VALUES (?, ?)", chunk, body);
      }
      sql.exec("DELETE FROM sums WHERE chunk >= ?", chunks);
    });
    this.#savedAtMs = this.#clock.nowMs();
    this.#isDirty = false;
    // A pending timer keeps the object in memory, which is billed.
    this.#callOff?.();
    this.#callOff = undefined;
  }

  #saved(): Saved | undefined {
    const rows = this.#storage.sql.exec<{ body: ArrayBuffer }>("SELECT body FROM sums ORDER BY chunk").toArray();
    if (rows.length === 0) return undefined;
    const decoder = new TextDecoder();
    const text = rows.map(({ body }) => decoder.decode(body, { stream: true })).join("");
    const saved = JSON.parse(text + decoder.decode()) as Saved;
    return saved.form === form ? saved : undefined;
  }
}
