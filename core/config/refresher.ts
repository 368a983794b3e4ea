import { neverPulsed, type Patience, type PulseState, planPulse, pulseTimeoutMs } from "./pulse-schedule.ts";

/** Time as the caller has it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Calls `callback` once after `delayMs`; the returned function calls it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/**
 * Keeps a copy fresh: at most one pulse at a time, begun when the copy is due, waited for only as long as the patience says.
 *
 * The requests of a Worker share it. One that only waited for a promise of another would be taken for hung and cancelled, so
 * every waiter has a timer of its own, made in its own request.
 */
export class Refresher {
  readonly #clock: Clock;
  readonly #pulse: () => Promise<number>;
  #state: PulseState;
  #running: Promise<void> | undefined;

  /**
   * @param pulse asks the source and takes its answer; returns the time of that answer, rejects when there is none
   * @param answeredAtMs time of the answer that the copy holds already, -Infinity for none
   */
  constructor(clock: Clock, pulse: () => Promise<number>, answeredAtMs: number = -Infinity) {
    this.#clock = clock;
    this.#pulse = pulse;
    this.#state = { ...neverPulsed, answeredAtMs };
  }

  /** Time of the source's answer that the copy holds. */
  get answeredAtMs(): number {
    return this.#state.answeredAtMs;
  }

  /**
   * To be called before the copy is used. Starts a pulse when one is due.
   * @param keepAlive keeps the pulse alive beyond the caller's request
   * @returns undefined when the copy may be used; else a promise to wait for, which never rejects
   */
  ensure(patience: Patience, keepAlive: (promise: Promise<unknown>) => void): Promise<void> | undefined {
    const { start, waitMs } = planPulse(this.#state, patience, this.#clock.nowMs());
    if (start) keepAlive(this.#start());
    return waitMs > 0 && this.#running !== undefined ? this.#wait(this.#running, waitMs) : undefined;
  }

  /** Asks the source now: whatever it knew at the time of this call is in the copy afterwards, unless it did not answer. */
  async now(): Promise<void> {
    // A pulse on its way may have been answered before what the caller knows of.
    if (this.#running !== undefined) await this.#wait(this.#running, pulseTimeoutMs);
    const pulse = this.#running ?? this.#start();
    await this.#wait(pulse, pulseTimeoutMs);
  }

  #start(): Promise<void> {
    const startedAtMs = this.#clock.nowMs();
    this.#state = { ...this.#state, startedAtMs, running: true };
    const running = this.#run().then((failed) => {
      // A pulse that was given up may end after its successor began.
      if (this.#running !== running) return;
      this.#running = undefined;
      this.#state = { ...this.#state, running: false, failed };
    });
    this.#running = running;
    return running;
  }

  /** Whether the pulse failed. An answer that comes after the time is up is taken all the same. */
  async #run(): Promise<boolean> {
    const answered = this.#pulse().then(
      (answeredAtMs) => {
        this.#state = { ...this.#state, answeredAtMs: Math.max(this.#state.answeredAtMs, answeredAtMs) };
        return false;
      },
      () => true,
    );
    let callOff = () => {};
    const late = new Promise<boolean>((resolve) => {
      callOff = this.#clock.after(pulseTimeoutMs, () => resolve(true));
    });
    const failed = await Promise.race([answered, late]);
    callOff();
    return failed;
  }

  async #wait(pulse: Promise<void>, waitMs: number): Promise<void> {
    let callOff = () => {};
    const patience = new Promise<void>((resolve) => {
      callOff = this.#clock.after(waitMs, resolve);
    });
    await Promise.race([pulse, patience]);
    callOff();
  }
}
