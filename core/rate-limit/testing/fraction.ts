/** A rational number, for twins that must not round. */
export class Fraction {
  readonly over: bigint;
  readonly under: bigint;

  /** `over / under`, with `under` above zero. */
  constructor(over: bigint, under = 1n) {
    const divisor = greatestCommonDivisor(over < 0n ? -over : over, under);
    this.over = over / divisor;
    this.under = under / divisor;
  }

  static of(whole: number): Fraction {
    return new Fraction(BigInt(whole));
  }

  plus(other: Fraction): Fraction {
    return new Fraction(this.over * other.under + other.over * this.under, this.under * other.under);
  }

  minus(other: Fraction): Fraction {
    return this.plus(new Fraction(-other.over, other.under));
  }

  times(other: Fraction): Fraction {
    return new Fraction(this.over * other.over, this.under * other.under);
  }

  atMost(other: Fraction): boolean {
    return this.over * other.under <= other.over * this.under;
  }

  /** Rounded up to a multiple of `1 / parts`. */
  roundedUpTo(parts: bigint): Fraction {
    const scaled = this.over * parts;
    const down = scaled / this.under;
    return new Fraction(down * this.under < scaled ? down + 1n : down, parts);
  }
}

/** `limit` tokens in `windowMs`, as tokens a millisecond. */
export function rate(limit: number, windowMs: number): Fraction {
  return new Fraction(BigInt(limit), BigInt(windowMs));
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}
