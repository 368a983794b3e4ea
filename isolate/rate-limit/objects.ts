import type { RateLimiterRpc } from "../../contracts/rpc/rate-limiter.ts";
import { hash32, jump } from "../../core/hashing/jump.ts";
import { objectName } from "../../core/object-name.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { Batcher, type CallObserver } from "./batcher.ts";
import type { LimiterNamespace } from "./dependencies.ts";

/** Tenants whose batchers an isolate remembers; a forgotten one only gathers anew. */
const maxTenants = 1_000;

interface Tenant {
  readonly seed: number;
  readonly names: string[];
  readonly batchers: Batcher[];
}

/** Which object a key belongs to, and the way there. */
export class LimiterObjects {
  readonly shards: number;
  readonly #namespace: LimiterNamespace;
  readonly #observer: CallObserver;
  readonly #tenants = new RecentMap<string, Tenant>(maxTenants);

  constructor(namespace: LimiterNamespace, shards: number, observer: CallObserver) {
    this.#namespace = namespace;
    this.shards = shards;
    this.#observer = observer;
  }

  /** The shard of a key: by tenant and key alone, so that all limits of a key are decided together (ADR 0002). */
  shardOf(tenantId: string, key: string): number {
    return jump(hash32(key, this.#tenant(tenantId).seed), this.shards);
  }

  batcher(tenantId: string, shard: number): Batcher {
    const { batchers } = this.#tenant(tenantId);
    let batcher = batchers[shard];
    if (batcher === undefined) {
      batcher = new Batcher(() => this.stub(tenantId, shard), this.#observer);
      batchers[shard] = batcher;
    }
    return batcher;
  }

  /** A stub for one call: one that has failed stays broken, and one made by another request cannot be used. */
  stub(tenantId: string, shard: number): RateLimiterRpc {
    const { names } = this.#tenant(tenantId);
    let name = names[shard];
    if (name === undefined) {
      name = objectName(tenantId, "rl", shard);
      names[shard] = name;
    }
    return this.#namespace.getByName(name);
  }

  #tenant(tenantId: string): Tenant {
    let tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) {
      tenant = { seed: hash32(tenantId), names: [], batchers: [] };
      this.#tenants.set(tenantId, tenant);
    }
    return tenant;
  }
}
