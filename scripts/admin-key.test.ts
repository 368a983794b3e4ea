import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { adminKey } from "./admin-key.ts";

let folder: string;
let file: string;
const own = "a-key-of-a-person-that-is-long-enough";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "breakwater it's-"));
  file = join(folder, ".dev.vars");
});
afterEach(() => rmSync(folder, { recursive: true }));

const mode = () => statSync(file).mode & 0o777;
/** What a shell makes of the expression of the greeting. */
const inShell = (expression: string, env = {}) =>
  execFileSync("sh", ["-c", `printf %s "${expression}"`], { encoding: "utf8", env: { ...process.env, ...env } });

test("AU-3 a key is made once, in a file for its owner alone, and found again", () => {
  const made = adminKey({}, file);
  expect(made.key).toMatch(/^[0-9a-f]{64}$/);
  expect(mode()).toBe(0o600);
  expect(adminKey({}, file)).toEqual(made);
  expect(made.place).toBe(file);
  expect(inShell(made.expression)).toBe(made.key);
});

test("a key is added to a file with other variables, which then is for its owner alone", () => {
  writeFileSync(file, "OTHER=1");
  chmodSync(file, 0o644);
  const { key } = adminKey({}, file);
  expect(readFileSync(file, "utf8")).toBe(`OTHER=1\nADMIN_KEY=${key}\n`);
  expect(mode()).toBe(0o600);
});

test.each([`ADMIN_KEY=${own}`, `ADMIN_KEY="${own}"\n`, `A=1\nADMIN_KEY='${own}'\nB=2\n`])(
  "the file's own key: %j",
  (text) => {
    writeFileSync(file, text);
    const found = adminKey({}, file);
    expect(found.key).toBe(own);
    expect(inShell(found.expression)).toBe(own);
    expect(readFileSync(file, "utf8")).toBe(text);
  },
);

test("the environment's key wins, and no file is written", () => {
  const found = adminKey({ ADMIN_KEY: own }, file);
  expect(found).toMatchObject({ key: own, place: "the environment" });
  expect(inShell(found.expression, { ADMIN_KEY: own })).toBe(own);
  expect(() => statSync(file)).toThrow("ENOENT");
});

test("OP-3 a file that cannot be used is told by name", () => {
  writeFileSync(file, "ADMIN_KEY=short\n");
  expect(() => adminKey({}, file)).toThrow(`ADMIN_KEY in ${file} has 5 characters`);
  expect(() => adminKey({}, join(file, "under"))).toThrow(/\.dev\.vars\/under/);
});
