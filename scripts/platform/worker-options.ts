import { resolve } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { bundle } from "./bundle.ts";
import { reasonOf, StartError } from "./start-error.ts";

/** A Worker as wrangler.toml describes it. */
export interface WorkerConfig {
  readonly name: string;
  /** Absolute path of its first module. */
  readonly main: string;
  readonly crons: readonly string[];
  readonly databases: readonly { binding: string; id: string; migrationsFolder: string }[];
  /** Its variables, without the overrides of the environment. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** What Miniflare needs to know of it, without its code. */
  readonly miniflare: object;
}

// wrangler tells on stdout that it has read .dev.vars. Its secrets are used nowhere, see `bindings` below.
process.env.WRANGLER_LOG ??= "error";

/** A `[[d1_databases]]` of a wrangler.toml. */
interface DatabaseEntry {
  readonly binding: string;
  readonly database_id?: string;
  readonly migrations_dir?: string;
}

/**
 * Reads the wrangler.toml at `path`.
 *
 * @throws StartError when it is missing or not valid.
 */
export function readWorkerConfig(path: string): WorkerConfig {
  try {
    const config = unstable_readConfig({ config: path }, { hideWarnings: true });
    const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
    if (config.name === undefined || config.main === undefined) throw new Error("it has no `name` or no `main`");
    return {
      name: config.name,
      main: resolve(config.main),
      crons: config.triggers.crons ?? [],
      databases: config.d1_databases.flatMap((database: DatabaseEntry) => {
        const { binding, database_id: id = binding, migrations_dir: folder } = database;
        return folder === undefined ? [] : [{ binding, id, migrationsFolder: resolve(path, "..", folder) }];
      }),
      vars: config.vars,
      miniflare: workerOptions,
    };
  } catch (error) {
    throw new StartError(`${path} is not valid: ${reasonOf(error)}`, error);
  }
}

/**
 * The options with which Miniflare runs `config`. Of `vars` it takes those that its wrangler.toml declares, so no Worker
 * sees what another one needs; `secrets` it takes all.
 */
export async function workerOptions(
  config: WorkerConfig,
  vars: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): Promise<V4WorkerOptions> {
  const declared = Object.entries(vars).filter(([name]) => Object.hasOwn(config.vars, name));
  return {
    ...config.miniflare,
    name: config.name,
    // Only what is written in wrangler.toml: the secrets of .dev.vars belong to the gateway alone.
    bindings: { ...config.vars, ...Object.fromEntries(declared), ...secrets },
    modules: [{ type: "ESModule", path: `${config.name}.js`, contents: await bundle(config.main) }],
  } as V4WorkerOptions;
}
