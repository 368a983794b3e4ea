/** Why the platform cannot start, as one line for the person who started it. */
export class StartError extends Error {
  override readonly name = "StartError";

  constructor(message: string, cause?: unknown) {
    super(oneLine(message), { cause });
  }
}

/** What `error` says, without its stack. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The non-empty lines of `text` as one, without colours. */
function oneLine(text: string): string {
  const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
  const lines = text.replace(colours, "").split("\n");
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ");
}
