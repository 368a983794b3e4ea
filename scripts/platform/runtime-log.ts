import { Log, LogLevel, MiniflareCoreError } from "miniflare";
import { reasonOf } from "./start-error.ts";

/** More restarts of workerd than this in a minute: something is broken that a restart does not mend. */
const maxRestartsPerMinute = 5;
const minuteMs = 60_000;
/** Of a start that fails the first lines tell why. */
const maxLinesAtStart = 100;

/** Takes what Miniflare and the workers say, and notices when the runtime cannot go on. */
export class RuntimeLog extends Log {
  /** Settles with the reason when workerd cannot be restarted, or ends again and again. */
  readonly failed: Promise<string>;
  readonly #write: (line: string) => void;
  readonly #fail: (reason: string) => void;
  #restartedMs: number[] = [];
  #state: "starting" | "running" | "silent" = "starting";
  #saidAtStart: string[] = [];

  constructor(write: (line: string) => void) {
    super(LogLevel.WARN);
    this.#write = write;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.failed = promise;
    this.#fail = resolve;
  }

  /** What a worker logged. */
  worker(line: string): void {
    this.#say(line);
  }

  override warn(message: string): void {
    this.#say(message);
  }

  override error(error: Error): void {
    this.#say(reasonOf(error));
    if (this.#state === "running" && error instanceof MiniflareCoreError && error.code === "ERR_RUNTIME_FAILURE") {
      this.#fail(reasonOf(error));
    }
  }

  /** Miniflare has restarted a workerd that ended by itself. */
  restarted(): void {
    const nowMs = Date.now();
    this.#restartedMs = [...this.#restartedMs.filter((atMs) => atMs > nowMs - minuteMs), nowMs];
    if (this.#restartedMs.length > maxRestartsPerMinute) {
      this.#fail(`workerd ended ${this.#restartedMs.length} times within a minute`);
    }
  }

  /** The platform is ready: what was said until now may be read. */
  started(): void {
    this.#state = "running";
    for (const line of this.#saidAtStart.splice(0)) this.#write(line);
  }

  /** What was said during a start that has failed. */
  get saidAtStart(): string {
    return this.#saidAtStart.join("; ");
  }

  /** A stopping platform has nothing to say: that workerd ends is what was asked for. */
  silence(): void {
    this.#state = "silent";
  }

  #say(line: string): void {
    if (this.#state === "running") this.#write(line);
    else if (this.#state === "starting" && this.#saidAtStart.length < maxLinesAtStart) this.#saidAtStart.push(line);
  }
}
