import { toHex } from "../core/hex.ts";

/** A new API key. `key` is what its holder gets, once; only `secretHash` is stored. */
export interface MintedKey {
  readonly id: string;
  readonly key: string;
  readonly secretHash: string;
}

const idSizeBytes = 10;
const secretSizeBytes = 32;
const keyFormat = /^bw_([0-9a-f]{20})_([0-9a-f]{64})$/;

/** Mints `bw_<id>_<secret>` with a secret of 256 random bits: too many to guess, so its hash needs no salt and no stretching. */
export async function mintKey(): Promise<MintedKey> {
  const id = randomHex(idSizeBytes);
  const secret = randomHex(secretSizeBytes);
  return { id, key: `bw_${id}_${secret}`, secretHash: await hashSecret(secret) };
}

/** A new secret for the key `id`, for rotation. */
export async function mintSecret(id: string): Promise<MintedKey> {
  const secret = randomHex(secretSizeBytes);
  return { id, key: `bw_${id}_${secret}`, secretHash: await hashSecret(secret) };
}

/** The parts of an API key, or undefined when `text` is none. */
export function parseKey(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = keyFormat.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** SHA-256 of a secret as hexadecimal digits. */
export async function hashSecret(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return toHex(new Uint8Array(digest));
}

/** `sizeBytes` random bytes as hexadecimal digits. */
export function randomHex(sizeBytes: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(sizeBytes)));
}
