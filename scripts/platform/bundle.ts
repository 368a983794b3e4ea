import { build } from "esbuild";
import { reasonOf, StartError } from "./start-error.ts";

/**
 * Bundles the Worker at `entry` (an absolute path) as wrangler does: one ES module, what workerd brings left out.
 *
 * @throws StartError when it does not compile.
 */
export async function bundle(entry: string): Promise<string> {
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2024",
      platform: "neutral",
      mainFields: ["browser", "module", "main"],
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*", "node:*"],
      loader: { ".sql": "text", ".html": "text", ".txt": "text" },
      define: { "process.env.NODE_ENV": '"production"' },
      sourcemap: "inline",
      sourcesContent: false,
      logLevel: "silent",
    });
    return outputFiles.map((file) => file.text).join("");
  } catch (error) {
    throw new StartError(`${entry} does not bundle: ${reasonOf(error)}`, error);
  }
}
