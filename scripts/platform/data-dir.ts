import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLine, isAlive } from "./processes.ts";
import { reasonOf, StartError } from "./start-error.ts";

/** A workerd that was sent SIGKILL is gone within milliseconds, unless its disk hangs. */
const leftoverEndMs = 10_000;
const pollMs = 10;
const pidFileName = "workerd.pid";

/** A folder that this process alone has open. */
export class DataDir {
  /** The folder, absolute and without symbolic links. */
  readonly path: string;
  readonly #lock: DatabaseSync;

  private constructor(path: string, lock: DatabaseSync) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Opens `folder`, creating it when it is missing, and ends the workerd that a killed process left on it.
   *
   * The lock is SQLite's: the kernel drops it with the process, however that ends, so it is never stale and needs no
   * guess about process ids.
   *
   * @throws StartError when the folder cannot be written or another process has it open.
   */
  static async open(folder: string): Promise<DataDir> {
    let path: string;
    let lock: DatabaseSync;
    try {
      makeFolder(folder);
      path = realpathSync(folder);
      lock = new DatabaseSync(join(path, "lock"), { timeout: 0 });
    } catch (error) {
      throw new StartError(`DATA_DIR ${folder} cannot be written: ${reasonOf(error)}`, error);
    }
    try {
      lock.exec("BEGIN EXCLUSIVE");
      writeFileSync(join(path, "node.pid"), `${process.pid}\n`);
    } catch (error) {
      lock.close();
      if (isBusy(error)) {
        const holder = readPid(join(path, "node.pid"));
        throw new StartError(
          `DATA_DIR ${folder} is in use by process ${holder ?? "(unknown)"}: stop it, or set DATA_DIR to another folder`,
          error,
        );
      }
      throw new StartError(`DATA_DIR ${folder} cannot be written: ${reasonOf(error)}`, error);
    }
    const dataDir = new DataDir(path, lock);
    try {
      await dataDir.#endLeftover();
      dataDir.allowWorkerd();
    } catch (error) {
      dataDir.close();
      throw error;
    }
    return dataDir;
  }

  /** Where Miniflare keeps databases and objects. */
  get resourcesPath(): string {
    return join(this.path, "resources");
  }

  /** Where workerd's launcher records its pid; no workerd starts while the file is missing. */
  get workerdPidFile(): string {
    return join(this.path, pidFileName);
  }

  /** Lets workerd start on this folder. */
  allowWorkerd(): void {
    writeFileSync(this.workerdPidFile, "");
  }

  /** From now on no workerd starts on this folder. */
  forbidWorkerd(): void {
    rmSync(this.workerdPidFile, { force: true });
  }

  /** Gives the folder up. */
  close(): void {
    rmSync(join(this.path, "node.pid"), { force: true });
    this.#lock.close();
  }

  async #endLeftover(): Promise<void> {
    const pid = workerdOn(this.path);
    if (pid === undefined) return;
    process.kill(pid, "SIGKILL");
    const givenUpMs = Date.now() + leftoverEndMs;
    while (isAlive(pid)) {
      if (Date.now() > givenUpMs) {
        throw new StartError(`DATA_DIR ${this.path} is held by a workerd that does not end: process ${pid}`);
      }
      await sleep(pollMs);
    }
  }
}

/**
 * The pid of the workerd that runs on `folder`, an absolute path without symbolic links. The recorded pid alone may long
 * be another process; the command line says on which folder a workerd runs.
 */
export function workerdOn(folder: string): number | undefined {
  const pid = readPid(join(folder, pidFileName));
  return pid !== undefined && commandLine(pid).includes(` --import-path=${folder} `) ? pid : undefined;
}

/** Not `recursive: true`: Node never comes back from that where the file system refuses folders, as /proc does. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(resolve(folder)));
  mkdirSync(folder);
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** SQLITE_BUSY, see https://sqlite.org/rescode.html#busy. */
const sqliteBusy = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}
