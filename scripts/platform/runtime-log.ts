import { Log, LogLevel, MiniflareCoreError } from "miniflare";
import { reasonOf } from "./start-error.ts";

/** More restarts of workerd than this in a minute: something is broken that a restart does not mend. */
const maxRestartsPerMinute = 5;
const minuteMs = 60_000;

/** Takes what Miniflare and the workers say, and notices when the runtime cannot go on. */
export class RuntimeLog extends Log {
  /** Settles with the reason when workerd cannot be restarted, or ends again and again. */
  readonly failed: Promise<string>;
  readonly #write: (line: string) => void;
  readonly #fail: (reason: string) => void;
  #restartedMs: number[] = [];
  #silent = false;

  constructor(write: (line: string) => void) {
    super(LogLevel.WARN);
    this.#write = write;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.failed = promise;
    this.#fail = resolve;
  }

  /** What a worker logged. */
  worker(line: string): void {
    if (!this.#silent) this.#write(line);
  }

  override warn(message: string): void {
    if (!this.#silent) this.#write(message);
  }

  override error(error: Error): void {
    if (this.#silent) return;
    this.#write(reasonOf(error));
    if (error instanceof MiniflareCoreError && error.code === "ERR_RUNTIME_FAILURE") this.#fail(reasonOf(error));
  }

  /** Miniflare has restarted a workerd that ended by itself. */
  restarted(): void {
    const nowMs = Date.now();
    this.#restartedMs = [...this.#restartedMs.filter((atMs) => atMs > nowMs - minuteMs), nowMs];
    if (this.#restartedMs.length > maxRestartsPerMinute) {
      this.#fail(`workerd ended ${this.#restartedMs.length} times within a minute`);
    }
  }

  /** A stopping platform has nothing to say: that workerd ends is what was asked for. */
  silence(): void {
    this.#silent = true;
  }
}
