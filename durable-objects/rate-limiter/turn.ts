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

  /** Runs `work` in the next turn. A throw rolls the whole turn back and rejects all of its calls. */
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
    let answers: unknown[];
    try {
      answers = this.#storage.transactionSync(() => {
        const done = waiting.map((each) => each.work());
        this.#commit();
        return done;
      });
    } catch (error) {
      this.#forget();
      for (const each of waiting) each.reject(error);
      return;
    }
    for (const [index, each] of waiting.entries()) each.resolve(answers[index]);
  }
}
