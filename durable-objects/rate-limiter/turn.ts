interface Waiting {
  work(): unknown;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/**
 * Group commit: a call that finds the object at rest is worked off at once; those that arrive while its transaction becomes
 * durable are worked off together after it, in one transaction. The output gate holds every answer until its transaction
 * is durable.
 */
export class Turn {
  readonly #storage: DurableObjectStorage;
  readonly #commit: () => void;
  readonly #forget: () => void;
  #waiting: Waiting[] = [];
  #committing = false;

  /**
   * @param commit writes what the turn's works have changed in memory
   * @param forget drops what is in memory, after a transaction was rolled back
   */
  constructor(storage: DurableObjectStorage, commit: () => void, forget: () => void) {
    this.#storage = storage;
    this.#commit = commit;
    this.#forget = forget;
  }

  /**
   * Runs `work` in the next turn. A throw rolls the whole turn back, and each of its works is then run alone: only those
   * that throw are rejected. So a work may run twice, and what it changes outside of the storage is forgotten in between.
   */
  run<T>(work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
    if (!this.#committing) {
      this.#committing = true;
      queueMicrotask(() => void this.#take());
    }
    return promise;
  }

  /** One turn after the other for as long as calls wait. */
  async #take(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#flush();
      // A commit that fails resets the object; there is nothing to do about it here.
      await this.#storage.sync().catch(() => undefined);
    }
    this.#committing = false;
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 1 && this.#together(waiting)) return;
    for (const each of waiting) this.#together([each]);
  }

  /** One transaction for all. False when it was rolled back; a work that was alone is rejected then. */
  #together(works: readonly Waiting[]): boolean {
    let answers: unknown[];
    try {
      answers = this.#storage.transactionSync(() => {
        const done = works.map((each) => each.work());
        this.#commit();
        return done;
      });
    } catch (error) {
      this.#forget();
      if (works.length === 1) works[0]?.reject(error);
      return false;
    }
    for (const [index, each] of works.entries()) each.resolve(answers[index]);
    return true;
  }
}
