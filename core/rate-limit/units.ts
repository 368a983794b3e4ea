/**
 * Exact token arithmetic for GCRA and the token bucket. One token is `windowMs` units and each millisecond refills
 * `limit` units, so every quantity is a whole number and no decision is rounded. Nothing is reduced by a common divisor:
 * then a change of the limit alone changes no unit, and converts without rounding.
 *
 * The contracts keep `max(limit, burst) · windowMs` below 2^53. For whole numbers 0 <= a < 2^53 and b >= 1 the
 * correctly rounded quotient a/b lies in (k, k+1) whenever the true one does, so floor and ceil of it are exact.
 */
export interface Rate {
  /** Tokens refilled per window. */
  readonly limit: number;
  readonly windowMs: number;
  /** B: the most that an unused key holds. */
  readonly burst: number;
}

/** B in units. */
export function capacityUnits(rate: Rate): number {
  return rate.burst * rate.windowMs;
}

/** Milliseconds in which `units` refill, rounded up. 0 for nothing or less. */
export function refillMs(rate: Rate, units: number): number {
  return units <= 0 ? 0 : Math.ceil(units / rate.limit);
}

/**
 * What is left of a debt of `units` after `elapsedMs` of refilling. Looks at the time first: after a long idle time
 * `elapsedMs · limit` would leave the safe integers.
 */
export function afterRefill(rate: Rate, units: number, elapsedMs: number): number {
  return elapsedMs >= refillMs(rate, units) ? 0 : units - elapsedMs * rate.limit;
}

/** Whole tokens in `units`, rounded down, also below zero. */
export function wholeTokens(rate: Rate, units: number): number {
  return Math.floor(units / rate.windowMs);
}

/**
 * A debt of `units` counted in another window's units, rounded up: a resize never mints tokens.
 *
 * Stops at the largest safe integer. That is at least the new capacity, so what is forgotten there leaves the bound
 * "largest B in force + the integral of R" intact.
 */
export function rescale(units: number, fromWindowMs: number, toWindowMs: number): number {
  if (fromWindowMs === toWindowMs) return units;
  const whole = Math.floor(units / fromWindowMs);
  const rest = units - whole * fromWindowMs;
  if (whole >= Math.floor(Number.MAX_SAFE_INTEGER / toWindowMs)) return Number.MAX_SAFE_INTEGER;
  return whole * toWindowMs + scaleUp(rest, toWindowMs, fromWindowMs);
}

/**
 * `ceil(value · factor / divisor)` for `value < divisor` where the product may leave the safe integers: multiplication
 * bit by bit, with the remainder kept below `divisor` (windows are below 2^36, so three of them stay safe).
 */
function scaleUp(value: number, factor: number, divisor: number): number {
  const product = value * factor;
  if (product <= Number.MAX_SAFE_INTEGER) return Math.ceil(product / divisor);
  let quotient = 0;
  let remainder = 0;
  for (let bit = 2 ** Math.floor(Math.log2(factor)); bit >= 1; bit /= 2) {
    quotient *= 2;
    remainder *= 2;
    if (Math.floor(factor / bit) % 2 === 1) remainder += value;
    while (remainder >= divisor) {
      remainder -= divisor;
      quotient += 1;
    }
  }
  return remainder > 0 ? quotient + 1 : quotient;
}
