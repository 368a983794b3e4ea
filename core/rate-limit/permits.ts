/** Most permits of one key: each is a row. */
export const maxPermitsOfKey = 10_000;

/** A slot that is held until `expiresMs` or its release. */
interface Permit {
  readonly id: string;
  readonly expiresMs: number;
}

/** The permits of one key, those that end first first. Plain data, never changed in place. */
export interface Permits {
  /** The latest time that the set was moved to: a clock that jumps back ends no permit late or twice. */
  readonly atMs: number;
  readonly held: readonly Permit[];
}

export const noPermits: Permits = { atMs: 0, held: [] };

/** The set at `max(nowMs, its own time)`: a permit is gone at its `expiresMs`. */
export function advancePermits(permits: Permits, nowMs: number): Permits {
  if (nowMs <= permits.atMs) return permits;
  let ended = 0;
  while (ended < permits.held.length && (permits.held[ended] as Permit).expiresMs <= nowMs) ended += 1;
  return { atMs: nowMs, held: ended === 0 ? permits.held : permits.held.slice(ended) };
}

/** Slots that are free at the set's own time. `Infinity` where the limit is. */
export function freePermits(permits: Permits, limit: number): number {
  return Math.max(0, limit - permits.held.length);
}

/**
 * Takes a slot for `id` until `ttlMs` after the set's time. An id that already holds one keeps it as it is: a repeated
 * request takes no second slot.
 *
 * @returns `retryAfterMs`: 0 when acquired, else milliseconds of the caller's clock until a slot is free when nothing is
 * released or renewed before
 */
export function acquire(
  permits: Permits,
  limit: number,
  nowMs: number,
  id: string,
  ttlMs: number,
): {
  readonly permits: Permits;
  readonly acquired: boolean;
  readonly expiresMs: number;
  readonly retryAfterMs: number;
} {
  const current = advancePermits(permits, nowMs);
  const known = find(current, id);
  if (known !== undefined) return { permits: current, acquired: true, expiresMs: known.expiresMs, retryAfterMs: 0 };
  if (current.held.length >= limit) {
    const frees = current.held[current.held.length - limit] as Permit;
    return { permits: current, acquired: false, expiresMs: 0, retryAfterMs: frees.expiresMs - nowMs };
  }
  const expiresMs = current.atMs + ttlMs;
  return { permits: insert(current, { id, expiresMs }), acquired: true, expiresMs, retryAfterMs: 0 };
}

/** Lets a held permit end `ttlMs` after the set's time. One that is unknown or past its time is not renewed. */
export function renew(
  permits: Permits,
  nowMs: number,
  id: string,
  ttlMs: number,
): { readonly permits: Permits; readonly renewed: boolean; readonly expiresMs: number } {
  const current = advancePermits(permits, nowMs);
  if (find(current, id) === undefined) return { permits: current, renewed: false, expiresMs: 0 };
  const expiresMs = current.atMs + ttlMs;
  return { permits: insert(without(current, id), { id, expiresMs }), renewed: true, expiresMs };
}

/** Frees the slot of `id`. `released` is false when it was not held any more. */
export function release(
  permits: Permits,
  nowMs: number,
  id: string,
): { readonly permits: Permits; readonly released: boolean } {
  const current = advancePermits(permits, nowMs);
  if (find(current, id) === undefined) return { permits: current, released: false };
  return { permits: without(current, id), released: true };
}

function find(permits: Permits, id: string): Permit | undefined {
  return permits.held.find((permit) => permit.id === id);
}

function without(permits: Permits, id: string): Permits {
  return { atMs: permits.atMs, held: permits.held.filter((permit) => permit.id !== id) };
}

/** Behind those that end at the same time or earlier. Mostly that is the end: permits of one limit live equally long. */
function insert(permits: Permits, permit: Permit): Permits {
  let index = permits.held.length;
  while (index > 0 && (permits.held[index - 1] as Permit).expiresMs > permit.expiresMs) index -= 1;
  return { atMs: permits.atMs, held: permits.held.toSpliced(index, 0, permit) };
}
