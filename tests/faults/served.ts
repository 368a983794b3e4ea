import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { workerdOn } from "../../scripts/platform/data-dir.ts";
import { testAdminKey } from "../harness.ts";
import { Caller } from "../http.ts";

/** Longest wait for a line or an exit, on a busy machine. */
const patienceMs = 60_000;
const pollMs = 5;

/** A new empty folder, and what removes it. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "breakwater-faults-")));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** `npm start` as a process of its own. */
export class Served {
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  /** Settles with the exit code, or with the name of the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  stdout = "";
  stderr = "";

  /**
   * Starts it on `dataDir` and a free port.
   *
   * @param env variables beside those; `undefined` takes one away.
   */
  constructor(dataDir: string, env: Readonly<Record<string, string | undefined>> = {}) {
    this.#dataDir = dataDir;
    this.#child = spawn(process.execPath, ["scripts/serve.ts"], {
      env: { ...process.env, PORT: "0", DATA_DIR: dataDir, ADMIN_KEY: testAdminKey, LOG_LEVEL: "warn", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.exited = once(this.#child, "close").then(([code, signal]) => code ?? signal);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
  }

  /** Starts it and waits until it is ready. */
  static async ready(dataDir: string, env?: Readonly<Record<string, string | undefined>>): Promise<Served> {
    const served = new Served(dataDir, env);
    await served.ready();
    return served;
  }

  async ready(): Promise<void> {
    await until(
      () => this.#url() !== undefined || this.#ended,
      () => `not ready: ${this.stdout}${this.stderr}`,
    );
    if (this.#url() === undefined) throw new Error(`ended before it was ready: ${this.stdout}${this.stderr}`);
  }

  /** Waits until the platform answers again after its workerd was killed: Node starts another. */
  async recovered(): Promise<void> {
    const givenUpMs = Date.now() + patienceMs;
    while ((await this.admin.get("/readyz").catch(() => undefined))?.status !== 200) {
      if (Date.now() > givenUpMs) throw new Error(`does not recover: ${this.stdout}${this.stderr}`);
      await sleep(pollMs);
    }
  }

  get url(): string {
    const url = this.#url();
    if (url === undefined) throw new Error("not ready");
    return url;
  }

  get admin(): Caller {
    return new Caller(this.url, testAdminKey);
  }

  get nodePid(): number {
    return this.#child.pid ?? 0;
  }

  /** The workerd on the data, `undefined` when there is none. */
  get workerdPid(): number | undefined {
    return workerdOn(this.#dataDir);
  }

  /** Sends `signal` to the Node process. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGKILL for one or both of the processes; returns when they are gone. */
  async kill(which: Victim): Promise<void> {
    const workerd = this.workerdPid;
    if (which !== "workerd") this.signal("SIGKILL");
    if (which !== "node" && workerd !== undefined) process.kill(workerd, "SIGKILL");
    if (which !== "workerd") await this.exited;
    if (which !== "node")
      await until(
        () => this.workerdPid !== workerd,
        () => `workerd ${workerd} does not end`,
      );
  }

  /** Ends what is left of it, whatever state it is in. */
  async end(): Promise<void> {
    await this.kill(this.#ended ? "workerd" : "both");
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #url(): string | undefined {
    return /^Ready on (\S+)$/m.exec(this.stdout)?.[1];
  }
}

export type Victim = "node" | "workerd" | "both";

/** Waits until `condition` holds. */
export async function until(condition: () => boolean, otherwise: () => string): Promise<void> {
  const givenUpMs = Date.now() + patienceMs;
  while (!condition()) {
    if (Date.now() > givenUpMs) throw new Error(otherwise());
    await sleep(pollMs);
  }
}
