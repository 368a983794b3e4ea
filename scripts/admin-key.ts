import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { reasonOf, StartError } from "./platform/start-error.ts";
import { expectAdminKey } from "./settings.ts";

/** The first administrator's key. */
export interface AdminKey {
  readonly key: string;
  /** Where a person finds it. */
  readonly place: string;
  /** A shell expression that yields it, fit to stand between double quotes. */
  readonly expression: string;
}

/** Only the owner reads it. */
const privateMode = 0o600;

/**
 * The administrator's key: the environment's, else that of `file` (`.dev.vars`), else a new one that is added to `file`.
 *
 * @throws StartError when the key is not fit for use, or when the file can be neither read nor written.
 */
export function adminKey(env: Readonly<Record<string, string | undefined>>, file: string): AdminKey {
  if (env.ADMIN_KEY) {
    return {
      key: expectAdminKey(env.ADMIN_KEY, "the environment"),
      place: "the environment",
      expression: "$ADMIN_KEY",
    };
  }
  const path = resolve(file);
  const kept = readKey(path);
  const key = kept === undefined ? create(path) : expectAdminKey(kept, path);
  return {
    key,
    place: path,
    expression: `$(sed -n 's/^ADMIN_KEY=//p' '${path.replaceAll("'", `'\\''`)}' | tr -d \\'\\")`,
  };
}

function readKey(path: string): string | undefined {
  try {
    return parseEnv(readFileSync(path, "utf8")).ADMIN_KEY;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new StartError(`${path} cannot be read: ${reasonOf(error)}`, error);
  }
}

function create(path: string): string {
  const key = randomBytes(32).toString("hex");
  try {
    const file = openSync(path, "a+", privateMode);
    // The file may have been there, with other variables and open to others.
    chmodSync(path, privateMode);
    const before = readFileSync(file, "utf8");
    writeSync(file, `${before === "" || before.endsWith("\n") ? "" : "\n"}ADMIN_KEY=${key}\n`);
    closeSync(file);
  } catch (error) {
    throw new StartError(`No ADMIN_KEY is set and none can be written to ${path}: ${reasonOf(error)}`, error);
  }
  return key;
}
