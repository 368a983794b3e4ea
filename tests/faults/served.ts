import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
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

export interface ServeOptions {
  /** Variables beside those that every start gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder whose wrangler.toml files it reads. */
  readonly cwd?: string;
  /** What is run. */
  readonly command?: readonly [string, ...string[]];
}

/** Without npm, so that the process that is killed is the one that serves. */
const fromHere = [process.execPath, resolve("scripts/serve.ts")] as const;

/** `npm start` as a process of its own. */
export class Served {
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  /** Settles with the exit code, or with the name of the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  stdout = "";
  stderr = "";

  /** Starts it on `dataDir` and a free port. */
  constructor(dataDir: string, { env = {}, cwd = process.cwd(), command = fromHere }: ServeOptions = {}) {
    const [program, ...args] = command;
    this.#dataDir = dataDir;
    this.#child = spawn(program, args, {
      cwd,
      env: { ...process.env, PORT: "0", DATA_DIR: dataDir, ADMIN_KEY: testAdminKey, LOG_LEVEL: "warn", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.exited = once(this.#child, "close").then(([code, signal]) => code ?? signal);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
  }

  /** Starts it and waits until it is ready. */
  static async ready(dataDir: string): Promise<Served> {
    const served = new Served(dataDir);
    await served.ready();
    return served;
  }

  async ready(): Promise<void> {
    await this.until(() => this.#url() !== undefined || !this.running);
    if (this.#url() === undefined) throw new Error(`ended before it was ready: ${this.stdout}${this.stderr}`);
  }

  /** Whether the Node process runs. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether the start has come as far as taking the folder. */
  get holdsDataDir(): boolean {
    return existsSync(join(this.#dataDir, "node.pid"));
  }

  /** Waits until `condition` holds. */
  until(condition: () => boolean): Promise<void> {
    return until(condition, () => `it never came to it: ${this.stdout}${this.stderr}`);
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
    const workerd = which === "node" ? undefined : this.workerdPid;
    if (which !== "workerd") this.signal("SIGKILL");
    if (workerd !== undefined) process.kill(workerd, "SIGKILL");
    if (which !== "workerd") await this.exited;
    if (workerd !== undefined) await this.until(() => this.workerdPid !== workerd);
  }

  /** Ends what is left of it, whatever state it is in. */
  async end(): Promise<void> {
    await this.kill(!this.running ? "workerd" : "both");
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
