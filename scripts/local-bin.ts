import { delimiter, join, resolve } from "node:path";

const folder = resolve("node_modules", ".bin");

/** The command `name` that npm has installed here. */
export function localBin(name: string): string {
  return join(folder, name);
}

/** The environment in which such a command finds the Node that npm has installed here, as npm scripts do. */
export const localBinEnv: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${folder}${delimiter}${process.env.PATH ?? ""}`,
};
