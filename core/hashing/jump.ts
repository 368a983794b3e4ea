const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** The finalizer of MurmurHash3 (A. Appleby, public domain): every bit of the input reaches every bit of the output. */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * A 32-bit hash of the text's UTF-16 units: FNV-1a (Fowler, Noll, Vo) with a final mix. Not for secrets, and not against
 * somebody who picks texts that collide.
 *
 * @param seed another seed is another hash function
 * @returns an integer from -2^31 to 2^31 - 1
 */
export function hash32(text: string, seed = 0): number {
  let hash = fnvOffset ^ seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), fnvPrime);
  return mixed(hash);
}

// The paper's factor 2862933555777941757 is 0x27bb2ee6_87b0b0fd.
const factorHigh = 0x27bb2ee6;
const factorLow = 0x87b0b0fd;

/** The upper 32 bits of `value * factorLow`, both unsigned. */
function upperProduct(value: number): number {
  const low = value & 0xffff;
  const high = value >>> 16;
  const inner = high * (factorLow & 0xffff) + ((low * (factorLow & 0xffff)) >>> 16);
  const outer = low * (factorLow >>> 16) + (inner & 0xffff);
  return high * (factorLow >>> 16) + Math.floor(inner / 65536) + Math.floor(outer / 65536);
}

/**
 * The bucket of a hash: J. Lamping and E. Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (2014). Going from n
 * to n + 1 buckets moves 1/(n + 1) of the hashes, all of them into the new bucket.
 *
 * The paper's 64-bit generator runs in two 32-bit halves, because BigInt would cost more than the rest together.
 *
 * @param hash any 32-bit integer; it is the lower half of the paper's key, and its mix the upper
 * @param buckets how many buckets there are, at least 1
 * @returns 0 to buckets - 1
 */
export function jump(hash: number, buckets: number): number {
  return jumpWide(mixed(hash ^ 0x9e3779b9) >>> 0, hash >>> 0, buckets);
}

/** `jump` of a 64-bit key given as two unsigned halves, exactly as the paper computes it. */
export function jumpWide(keyHigh: number, keyLow: number, buckets: number): number {
  let high = keyHigh;
  let low = keyLow;
  let bucket = -1;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    const productHigh = upperProduct(low) + Math.imul(high, factorLow) + Math.imul(low, factorHigh);
    const lowPlusOne = (Math.imul(low, factorLow) >>> 0) + 1;
    high = (productHigh + (lowPlusOne > 0xffffffff ? 1 : 0)) >>> 0;
    low = lowPlusOne >>> 0;
    next = Math.floor((bucket + 1) * (2147483648 / ((high >>> 1) + 1)));
  }
  return bucket;
}
