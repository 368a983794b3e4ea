interface Waiting {
  work(): unknown;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/**
 * Group commit: calls that arrive in one turn of the event loop are worked off one after the other and written in one
 * transaction. The output gate holds every answer until the transaction is durable.
 */
export class Turn {
  readonly #storage: DurableObjectStorage;
  readonly #commit: () => void;
  readonly #forget: () => void;
  #waiting: Waiting[] = [];

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
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      if (this.#waiting.length === 1) setTimeout(() => this.#flush(), 0);
    });
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
