import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hash32, jump, jumpWide } from "./jump.ts";

/** The paper's program, word for word, in 64-bit integers. */
function paper(key: bigint, buckets: number): number {
  let state = key;
  let b = -1n;
  let j = 0n;
  while (j < BigInt(buckets)) {
    b = j;
    state = BigInt.asUintN(64, state * 2862933555777941757n + 1n);
    j = BigInt(Math.floor((Number(b) + 1) * (2147483648 / (Number(state >> 33n) + 1))));
  }
  return Number(b);
}

const uint32 = fc.integer({ min: 0, max: 0xffffffff });

describe("jump", () => {
  test("computes what the paper's 64-bit program computes", () => {
    fc.assert(
      fc.property(uint32, uint32, fc.integer({ min: 1, max: 5000 }), (high, low, buckets) => {
        expect(jumpWide(high, low, buckets)).toBe(paper((BigInt(high) << 32n) | BigInt(low), buckets));
      }),
      {
        numRuns: 2000,
        examples: [
          [0xffffffff, 0xffffffff, 5000],
          [0, 0, 1],
          [0, 0xffffffff, 64],
        ],
      },
    );
  });

  test("one more bucket moves keys only into the new one", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 500 }), (hash, buckets) => {
        const before = jump(hash, buckets);
        const after = jump(hash, buckets + 1);
        expect(after === before || after === buckets).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["user:", ""],
    ["", "@example.com"],
    ["10.0.0.", "/24"],
  ])("keys that look alike (%s…%s) fill the buckets evenly, and 1 in n+1 moves", (before, after) => {
    const keys = 64_000;
    const buckets = 16;
    const counts = new Array<number>(buckets).fill(0);
    let moved = 0;
    for (let i = 0; i < keys; i++) {
      const hash = hash32(`${before}${i}${after}`, hash32("t_1"));
      const bucket = jump(hash, buckets);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      if (jump(hash, buckets + 1) !== bucket) moved++;
    }
    // Chi squared with 15 degrees of freedom is over 44.3 once in 10,000 times when the buckets are equally likely.
    const expected = keys / buckets;
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquared).toBeLessThan(44.3);
    // Five standard deviations about 1/17.
    const share = 1 / (buckets + 1);
    expect(Math.abs(moved / keys - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / keys));
  });
});

describe("hash32", () => {
  test("one flipped bit of the text flips about half of the hash", () => {
    let flipped = 0;
    const texts = 5000;
    for (let i = 0; i < texts; i++) {
      const text = `key:${i}`;
      const other = text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) ^ 1);
      let difference = hash32(text) ^ hash32(other);
      for (; difference !== 0; difference &= difference - 1) flipped++;
    }
    expect(flipped / texts).toBeGreaterThan(15);
    expect(flipped / texts).toBeLessThan(17);
  });

  test("another seed is another function", () => {
    let same = 0;
    for (let i = 0; i < 4096; i++) if (jump(hash32(`k${i}`, 1), 64) === jump(hash32(`k${i}`, 2), 64)) same++;
    // 64 are expected by chance; 130 are more than eight standard deviations away.
    expect(same).toBeLessThan(130);
  });
});
