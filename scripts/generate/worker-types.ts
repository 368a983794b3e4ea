import { basename, dirname, join, relative } from "node:path";
import { experimental_generateTypes } from "wrangler";
import { readWorkerConfig } from "../platform/worker-options.ts";
import { workerConfigs } from "../platform/workers.ts";
import type { Generated } from "./generated.ts";

/** The types of what each wrangler.toml binds: `<Worker>Bindings` in worker-configuration.d.ts beside its `src`. */
export function workerTypes(): Generated[] {
  return workerConfigs.map((config) => {
    const folder = relative(process.cwd(), dirname(dirname(readWorkerConfig(config).main)));
    const path = join(folder, "worker-configuration.d.ts");
    return {
      path,
      content: async () => {
        const { content } = await experimental_generateTypes({
          config: [config, ...workerConfigs.filter((other) => other !== config)],
          path,
          includeEnv: true,
          includeRuntime: false,
          strictVars: false,
          envInterface: `${capitalized(basename(folder))}Bindings`,
          // What is in this machine's .dev.vars must not show.
          envFile: ["/dev/null"],
        });
        return `${content.trimEnd()}\n`;
      },
    };
  });
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
