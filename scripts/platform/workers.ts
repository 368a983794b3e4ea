/**
 * The wrangler configuration of every worker, in the order of their deployment: a worker comes after those whose objects
 * and services it binds, and the gateway, the public entry, is last. Adding a worker is one line here.
 */
export const workerConfigs: readonly string[] = [
  "workers/control/wrangler.toml",
  "workers/ratelimiter/wrangler.toml",
  "wrangler.toml",
];
