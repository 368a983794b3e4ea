import { RecentMap } from "../recent-map.ts";
import type { MetricFamily } from "./family.ts";
import type { Metrics } from "./metrics.ts";

/** Increments under a number, sent until acknowledged. */
export interface Parcel {
  /** Random id of the sender's life: a restarted sender is another one. */
  readonly sender: string;
  /** 1, 2, 3 … of this sender. */
  readonly seq: number;
  readonly families: readonly MetricFamily[];
}

/** The sending side: one parcel is on its way at a time, and the same one again until it is acknowledged (CP-10). */
export class ParcelOutbox {
  readonly #sender: string;
  readonly #metrics: Metrics;
  #pending: Parcel | null = null;
  #seq = 0;

  constructor(sender: string, metrics: Metrics) {
    this.#sender = sender;
    this.#metrics = metrics;
  }

  /** The parcel to send now, or null when nothing was counted. */
  next(): Parcel | null {
    if (this.#pending === null) {
      const families = this.#metrics.drain();
      if (families.length > 0) this.#pending = { sender: this.#sender, seq: ++this.#seq, families };
    }
    return this.#pending;
  }

  /** Whether something was counted that is not known to have arrived. */
  get isOwing(): boolean {
    return this.#pending !== null || this.#metrics.hasIncrements;
  }

  /** The receiver has counted `parcel`. A late acknowledgement of an earlier one changes nothing. */
  acknowledge(parcel: Parcel): void {
    if (this.#pending?.seq === parcel.seq) this.#pending = null;
  }
}

/** A sender, and the number of its parcel that was counted last. */
export type SenderMark = readonly [sender: string, seq: number];

/** The receiving side: counts each parcel once. */
export class ParcelInbox {
  readonly #metrics: Metrics;
  /** Last number by sender. */
  readonly #seqs: RecentMap<string, number>;

  /**
   * @param maxSenders how many senders are told apart, at least half of it. A parcel is repeated within seconds, so
   *   forgetting the sender that was silent for longest forgets nothing that still matters.
   * @param known what `senders` said when `metrics` was what it is now
   */
  constructor(metrics: Metrics, maxSenders: number, known: readonly SenderMark[] = []) {
    this.#metrics = metrics;
    this.#seqs = new RecentMap(maxSenders);
    for (const [sender, seq] of known) this.#seqs.set(sender, seq);
  }

  /**
   * Counts the parcel unless it was counted before. It may be acknowledged in either case.
   * @returns whether it was counted
   */
  accept({ sender, seq, families }: Parcel): boolean {
    if (seq <= (this.#seqs.get(sender) ?? 0)) return false;
    this.#seqs.set(sender, seq);
    this.#metrics.merge(families);
    return true;
  }

  /** The number counted last of each sender, to be kept together with the sums. */
  get senders(): SenderMark[] {
    return this.#seqs.entries();
  }
}
