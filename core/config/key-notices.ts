/** Most API keys whose change is remembered by id; of older changes is only known that there were some. */
export const maxKeyNotices = 10_000;

/** Which API keys changed and when, so that whoever caches keys drops the right ones. */
export class KeyNotices {
  /** By key id, in the order of their last change. */
  readonly #seqs = new Map<string, number>();
  #floor: number;

  /** @param floor sequence number up to which nothing is known */
  constructor(floor: number) {
    this.#floor = floor;
  }

  /** Records that these keys changed at `seq` at the latest. */
  add(keys: readonly string[] | "all", seq: number): void {
    if (keys === "all") {
      this.#floor = Math.max(this.#floor, seq);
      this.#seqs.clear();
      return;
    }
    for (const id of keys) {
      this.#seqs.delete(id);
      this.#seqs.set(id, seq);
    }
    for (const [id, oldest] of this.#seqs) {
      if (this.#seqs.size <= maxKeyNotices) break;
      this.#seqs.delete(id);
      this.#floor = Math.max(this.#floor, oldest);
    }
  }

  /** The keys that may have changed after `seq`. */
  since(seq: number): readonly string[] | "all" {
    if (seq < this.#floor) return "all";
    const ids: string[] = [];
    for (const [id, changed] of this.#seqs) if (changed > seq) ids.push(id);
    return ids;
  }
}
