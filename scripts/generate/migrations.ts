import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { localBin, localBinEnv } from "../local-bin.ts";

const run = promisify(execFile);
const schema = "database/schema.ts";
const folder = "migrations/d1";

/** Writes the migration that brings D1 from the last one to the schema, if they differ. */
export async function generateMigrations(): Promise<void> {
  await generateInto(folder);
}

/** @returns the names of the migrations that are missing. */
export async function missingMigrations(): Promise<string[]> {
  const scratch = await mkdtemp(join(tmpdir(), "breakwater-migrations-"));
  try {
    await cp(folder, scratch, { recursive: true });
    const before = await readdir(scratch);
    await generateInto(scratch);
    const after = await readdir(scratch);
    return after.filter((name) => !before.includes(name));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function generateInto(out: string): Promise<void> {
  const args = ["generate", "--dialect", "sqlite", "--schema", schema, "--out", out];
  await run(localBin("drizzle-kit"), args, { env: localBinEnv });
}
