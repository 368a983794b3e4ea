import { toHex } from "../core/hex.ts";

/** A digest of validated input: equal input in other words (white space, order of members) counts as equal (ID-2). */
export function inputHash(input: unknown): Promise<string> {
  return sha256Hex(JSON.stringify(input));
}

/** SHA-256 of a text in UTF-8, as hex. */
export async function sha256Hex(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}
