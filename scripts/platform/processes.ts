import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Whether there is a process `pid`. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * The command line of process `pid`, its arguments separated by single spaces; empty when the process has ended.
 * From `/proc` where there is one (Linux), from `ps` elsewhere (macOS).
 */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return spawnSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
  }
}
