import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A source file: its path from the root of the repository, with `/`, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** What a check found, with the place as editors understand it. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Every TypeScript file that git knows or would take up. */
export function sources(): Source[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], {
    encoding: "utf8",
  });
  return listed.split("\n").flatMap((path) => {
    if (path === "" || path.endsWith(".d.ts")) return [];
    try {
      return [{ path, text: readFileSync(path, "utf8") }];
    } catch {
      return []; // deleted, and not yet committed
    }
  });
}

/** Whether `path` is part of the tests: those may use more than what they test. */
export function isTest(path: string): boolean {
  return path.endsWith(".test.ts") || path.endsWith("/vitest.config.ts") || path.includes("/testing/");
}

/** The number of the line at `index`, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** `text` with its comments blanked out, so that every other character keeps its place. */
export function withoutComments(text: string): string {
  // Strings and templates come first in the alternation: what looks like a comment inside them is none.
  const token = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(token, (found) => (found.startsWith("/") ? found.replace(/[^\n]/g, " ") : found));
}
