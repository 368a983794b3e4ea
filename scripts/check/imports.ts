import { posix } from "node:path";
import { isTest, lineAt, type Source, type Violation, withoutComments } from "./source.ts";

/** What the files of one folder may import. */
interface Rule {
  /** Folders; `workers/*` stands for each worker's own. The folder itself is always allowed. */
  readonly folders: readonly string[];
  /** Packages by name; `cloudflare:` and `node:` stand for those builtins. Tests may use any. */
  readonly packages: readonly string[];
  /** Folders and packages of which only types may be imported; tests may import more. */
  readonly types?: readonly string[];
  /** Folders of which things may only be re-exported. */
  readonly reexports?: readonly string[];
}

/** The direction of imports (docs/SPEC.md and the README draw it). Folders that are not here may import anything. */
export const rules: Readonly<Record<string, Rule>> = {
  core: { folders: [], packages: ["temporal-polyfill"] },
  contracts: { folders: [], packages: ["zod"] },
  database: { folders: ["contracts", "core"], packages: ["drizzle-orm"] },
  isolate: { folders: ["core", "contracts"], packages: ["cloudflare:", "structured-headers"] },
  "durable-objects": {
    folders: ["core", "contracts", "database"],
    packages: ["cloudflare:", "drizzle-orm", "itty-durable", "itty-router"],
  },
  "workers/*": {
    folders: ["core", "contracts", "isolate", "database", "package.json"],
    packages: ["cloudflare:", "hono", "jose", "zod"],
    reexports: ["durable-objects"],
  },
  client: { folders: [], packages: [], types: ["contracts", "zod"] },
};

interface Import {
  readonly specifier: string;
  readonly kind: "value" | "type" | "reexport";
  readonly index: number;
}

/** The imports of `sources` that the rules do not allow. */
export function importViolations(sources: readonly Source[]): Violation[] {
  return sources.flatMap(({ path, text }) => {
    const folder = folderOf(path);
    const rule = rules[folder.startsWith("workers/") ? "workers/*" : folder];
    if (rule === undefined) return [];
    return importsOf(text).flatMap((imported) => {
      const message = violation(path, folder, rule, imported);
      return message === undefined ? [] : [{ path, line: lineAt(text, imported.index), message }];
    });
  });
}

function violation(path: string, folder: string, rule: Rule, { specifier, kind }: Import): string | undefined {
  const relative = specifier.startsWith(".");
  const target = relative ? folderOf(posix.join(posix.dirname(path), specifier)) : packageOf(specifier);
  if (target === folder || (relative ? rule.folders : rule.packages).includes(target)) return undefined;
  if (isTest(path) && (!relative || rule.types?.includes(target))) return undefined;
  if (rule.types?.includes(target)) {
    return kind === "type" ? undefined : `${folder} may import only types from ${target}`;
  }
  if (rule.reexports?.includes(target)) {
    return kind === "reexport" ? undefined : `${folder} may only re-export from ${target}`;
  }
  return `${folder} must not import from ${relative ? target : `the package ${target}`}`;
}

/** The package of `specifier`; of builtins their prefix. */
function packageOf(specifier: string): string {
  const builtin = /^[a-z]+:/.exec(specifier);
  if (builtin) return builtin[0];
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** The first part of `path`; of workers the first two. */
function folderOf(path: string): string {
  const parts = path.split("/");
  return parts.slice(0, parts[0] === "workers" ? 2 : 1).join("/");
}

/** Biome writes every import in one of these forms. */
const importForms =
  /\b(import|export)\s+(type\s+)?(?:[\w$*{}\s,]+?\s+from\s+)?["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n]+)["']/g;

function importsOf(text: string): Import[] {
  return [...withoutComments(text).matchAll(importForms)].flatMap((match) => {
    const [, keyword, type, named, dynamic] = match;
    const specifier = named ?? dynamic;
    if (specifier === undefined) return [];
    const kind = type !== undefined ? "type" : keyword === "export" ? "reexport" : "value";
    return [{ specifier, kind, index: match.index }];
  });
}
