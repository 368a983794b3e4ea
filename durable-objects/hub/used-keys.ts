/** Most API keys remembered as used between two reports; further ones are reported when they are used again. */
const maxKeys = 10_000;

/** API keys used since the last report. Best effort: an eviction forgets them. */
export class UsedKeys {
  #ids = new Set<string>();

  add(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.#ids.size >= maxKeys) return;
      this.#ids.add(id);
    }
  }

  /** All of them, which are then forgotten. */
  take(): string[] {
    const ids = [...this.#ids];
    this.#ids = new Set();
    return ids;
  }

  get size(): number {
    return this.#ids.size;
  }
}
