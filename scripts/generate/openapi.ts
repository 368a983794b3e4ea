import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Generated } from "./generated.ts";

/** What the gateway serves as /openapi.json. */
export function openapi(): Generated[] {
  return [
    {
      path: "docs/openapi.json",
      content: async () => {
        // By address, so that the gateway stays out of the program that checks the types of scripts for Node.
        const { endpoints } = await gatewayModule<{ endpoints: readonly unknown[] }>("routes/index.ts");
        const { buildDocument } = await gatewayModule<{
          buildDocument(endpoints: readonly unknown[], version: string): object;
        }>("openapi/document.ts");
        const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
        return `${JSON.stringify(buildDocument(endpoints, version), null, 2)}\n`;
      },
    },
  ];
}

async function gatewayModule<T>(path: string): Promise<T> {
  return (await import(new URL(path, pathToFileURL("workers/gateway/src/")).href)) as T;
}
