/** Numbers that a seed repeats (mulberry32, public domain, Tommy Ettinger): the same seed kills at the same moments. */
export class Random {
  readonly seed: number;
  #state: number;

  /** `FAULT_SEED` in the environment repeats a run. */
  constructor(seed = Number(process.env.FAULT_SEED ?? Date.now() % 2 ** 32)) {
    this.seed = seed;
    this.#state = seed;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return min + Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * (max - min + 1));
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.between(0, items.length - 1)] ?? items[0];
  }
}
