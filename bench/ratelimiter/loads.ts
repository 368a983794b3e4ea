/** Limit, key and token count of every load: one policy, so that what differs is who decides. */

/** Never reached in a run, so that each decision is admitted, and so counted and stored: the dearer case. */
export const limitValue = 1_000_000_000;
export const windowMs = 60_000;
export const limitName = "bench";

/** Keys of the spread load. */
export const manyKeys = 10_000;
/** Items of a batch. */
export const batchSize = 100;

const key = (at: number): string => `user:${at}`;
const check = (at: number) => ({ limit: limitName, key: key(at), cost: 1 });

/** A fixed stride that shares no factor with 10,000 visits each key once, and neighbours never together. */
const stride = 7_919;
const spread = Array.from({ length: manyKeys }, (_, at) => (at * stride) % manyKeys);

/** One check of one key. */
export const hotKey: readonly unknown[] = [{ checks: [check(0)] }];
/** One check of each of 10,000 keys in turn. */
export const keys: readonly unknown[] = spread.map((at) => ({ checks: [check(at)] }));
/** 100 independent checks in a request, over the same keys. */
export const batches: readonly unknown[] = groups(spread, batchSize).map((group) => ({ items: group.map(check) }));

const descriptor = (at: number) => ({ entries: [{ key: "key", value: key(at) }] });
const envoyRequest = (group: readonly number[]) => ({ domain: "bench", descriptors: group.map(descriptor) });

/** The same for envoyproxy/ratelimit. */
export const envoyKeys: readonly unknown[] = spread.map((at) => envoyRequest([at]));
export const envoyBatches: readonly unknown[] = groups(spread, batchSize).map(envoyRequest);

function groups<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}
