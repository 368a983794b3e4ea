import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Whether process `pid` runs. One that has ended, but that nobody has waited for, does not. */
export function isAlive(pid: number): boolean {
  return commandLine(pid) !== "";
}

/**
 * The command line of process `pid`, its arguments separated by single spaces; empty when the process has ended.
 * From `/proc` on Linux, where `ps` may be missing, and from `ps` elsewhere.
 */
export function commandLine(pid: number): string {
  if (process.platform !== "linux") {
    return spawnSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
