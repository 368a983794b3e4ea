import { ok, type Result, refuse } from "../../../../contracts/result.ts";

/** Deepest nesting of a body. No schema comes near it, and recursive validation of deeper ones would end the stack. */
const maxNesting = 32;

/** Most of a refused body that is taken off the line. */
const maxDiscardedSizeBytes = 16 * 1024 * 1024;

/**
 * What decoders put in the place of bytes that are not UTF-8. A body that holds it unescaped is refused: whether it was sent
 * or put there cannot be told from the text, and different bytes must not become one key (RL-21).
 */
const replacement = "\ufffd";

/**
 * The body as text.
 * @param maxSizeBytes more is refused with `body_too_large`, before it is read where Content-Length tells
 * @returns the empty string when there is no body; refused is also what is not UTF-8
 */
export async function readText(request: Request, maxSizeBytes: number): Promise<Result<string>> {
  const contentLength = request.headers.get("content-length");
  if (contentLength === null) return request.body === null ? ok("") : readStream(request.body, maxSizeBytes);
  const sizeBytes = Number(contentLength);
  if (sizeBytes > maxSizeBytes) {
    await discard(request.body);
    return tooLarge(maxSizeBytes);
  }
  // The quickest way to the text, a third of what `body` or `arrayBuffer` and a decoder take.
  return utf8(await request.text());
}

async function readStream(body: ReadableStream<Uint8Array>, maxSizeBytes: number): Promise<Result<string>> {
  const bytes = await readBounded(body, maxSizeBytes);
  if (bytes === undefined) return tooLarge(maxSizeBytes);
  return utf8(new TextDecoder().decode(bytes));
}

function utf8(text: string): Result<string> {
  return text.includes(replacement) ? notUtf8 : ok(text);
}

/** Reads a body of unknown length; `undefined` once it is longer than `maxSizeBytes`. */
async function readBounded(body: ReadableStream<Uint8Array>, maxSizeBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxSizeBytes) return undefined;
    chunks.push(chunk);
  }
  const whole = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/**
 * Reads and drops a body that is refused. Most clients send all of it before they look for an answer, and would see a
 * broken connection instead of the 413 otherwise.
 */
async function discard(body: ReadableStream<Uint8Array> | null): Promise<void> {
  let sizeBytes = 0;
  for await (const chunk of body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxDiscardedSizeBytes) return;
  }
}

const notUtf8 = refuse("invalid_json", "The body is not UTF-8; send JSON in UTF-8, and U+FFFD as \\ufffd.");

function tooLarge(maxSizeBytes: number) {
  return refuse("body_too_large", `Send at most ${maxSizeBytes} bytes.`);
}

/** Whether a Content-Type says JSON; a charset other than UTF-8 does not. */
export function isJson(contentType: string | null): boolean {
  if (contentType === "application/json") return true;
  return contentType !== null && /^application\/json\s*(;\s*charset="?utf-8"?\s*)?;?\s*$/i.test(contentType);
}

/** The value of a JSON text that is not nested deeper than any schema goes. */
export function parseJson(text: string): Result<unknown> {
  if (nestsDeeperThan(text, maxNesting)) {
    return refuse("invalid_json", `The body is nested deeper than ${maxNesting} levels; no resource is.`);
  }
  try {
    return ok(JSON.parse(text));
  } catch {
    return refuse(
      "invalid_json",
      text === "" ? "The body is empty; send a JSON object." : "The body does not parse as JSON.",
    );
  }
}

function nestsDeeperThan(text: string, levels: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c /* \ */) i++;
      else if (code === 0x22 /* " */) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b /* { */ || code === 0x5b /* [ */) {
      if (++depth > levels) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}
