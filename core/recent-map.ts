/**
 * A bounded map that forgets what was not used for longest, in two generations: when the young one is full it becomes the
 * old one, and what the former old one still held is forgotten. A use moves an entry to the young generation. It keeps at
 * least the `capacity / 2` most recently used entries and never more than `capacity`; a use costs one or two look-ups
 * and no list is kept.
 */
export class RecentMap<K, V> {
  readonly #halfCapacity: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** @param capacity most entries, at least 2 */
  constructor(capacity: number) {
    this.#halfCapacity = Math.max(1, Math.floor(capacity / 2));
  }

  /** The value of `key`, which counts as a use. */
  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#old.delete(key);
      this.#insert(key, old);
    }
    return old;
  }

  /** Puts the value, which counts as a use. */
  set(key: K, value: V): void {
    if (this.#young.has(key)) {
      this.#young.set(key, value);
      return;
    }
    this.#old.delete(key);
    this.#insert(key, value);
  }

  delete(key: K): void {
    if (!this.#young.delete(key)) this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  /** Every entry; put into another map in this order, those used last stay longest. */
  entries(): [K, V][] {
    return [...this.#old, ...this.#young];
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #insert(key: K, value: V): void {
    if (this.#young.size >= this.#halfCapacity) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
