import { LimitPolicy } from "../../../contracts/limits.ts";
import type { RateLimiterRpc } from "../../../contracts/rpc/rate-limiter.ts";
import { Metrics } from "../../../core/metrics/metrics.ts";
import { objectName } from "../../../core/object-name.ts";
import type { Call, KnownLimit, LimitConfig } from "../../../isolate/rate-limit/dependencies.ts";
import { LimiterObjects } from "../../../isolate/rate-limit/objects.ts";
import { RateLimits } from "../../../isolate/rate-limit/rate-limits.ts";
import { type Limiter, limiters } from "./objects.ts";

/** What may happen to a call on its way: `before` it reaches the object, or `after` it was carried out. */
export type Fault = (call: {
  readonly shard: number;
  readonly method: string;
  readonly args: readonly unknown[];
}) => { readonly before?: () => Promise<unknown>; readonly after?: () => Promise<unknown> } | undefined;

/** Never answers. */
export const hang = (): Promise<never> => new Promise(() => {});

/** Throws what the runtime throws. */
export const failWith =
  (flags: { overloaded?: boolean; retryable?: boolean; remote?: boolean }) => (): Promise<never> =>
    Promise.reject(Object.assign(new Error("the object is away"), flags));

/** Tests that are not about the deadline wait as long as a busy machine needs. */
export const patientMs = 10_000;

let tenants = 0;

/** One isolate's rate limiter over real objects, with a configuration and faults of the test's own. */
export class Client {
  readonly tenantId: string;
  readonly metrics = new Metrics();
  readonly limits: RateLimits;
  readonly background: Promise<unknown>[] = [];
  readonly switches = new Set<string>();
  /** Every call that was sent to an object. */
  readonly sent: { shard: number; method: string; args: readonly unknown[] }[] = [];
  fault: Fault = () => undefined;
  readonly #known = new Map<string, KnownLimit>();
  readonly #objects: LimiterObjects;
  readonly #shards: number;

  constructor({ shards = 4, tenantId = `t_${tenants++}_${Math.random()}`, deadlineMs = patientMs } = {}) {
    this.tenantId = tenantId;
    this.#shards = shards;
    const config: LimitConfig = {
      limit: (tenant, name) => this.#known.get(objectName(tenant, name)),
      tenantName: (id) => `name of ${id}`,
      switchState: (name) => ({ on: this.switches.has(name) }),
    };
    const namespace = { getByName: (name: string) => this.#faulty(name) };
    this.limits = new RateLimits({ namespace, shards, config, metrics: this.metrics, deadlineMs });
    this.#objects = new LimiterObjects(namespace, shards, { called: () => undefined });
  }

  /** Configures a limit; defaults are filled in as for a request. */
  put(name: string, policy: object, version = 1): void {
    this.#known.set(objectName(this.tenantId, name), { version, policy: LimitPolicy.parse(policy) });
  }

  remove(name: string): void {
    this.#known.delete(objectName(this.tenantId, name));
  }

  call(more: Partial<Call> = {}): Call {
    return {
      tenantId: this.tenantId,
      subject: "key:1",
      waitUntil: (promise) => {
        this.background.push(promise);
      },
      ...more,
    };
  }

  shardOf(key: string): number {
    return this.#objects.shardOf(this.tenantId, key);
  }

  /** Keys of different shards, in the order of their shards. */
  spreadKeys(count: number): string[] {
    const keys = new Map<number, string>();
    for (let i = 0; keys.size < count; i++) keys.set(this.shardOf(`spread:${i}`), `spread:${i}`);
    return [...keys].sort(([a], [b]) => a - b).map(([, key]) => key);
  }

  object(shard: number): Limiter {
    return limiters.getByName(objectName(this.tenantId, "rl", shard));
  }

  /** Waits for what runs in the background, also what that starts. */
  async settled(): Promise<void> {
    for (let done = 0; done < this.background.length; done++) await this.background[done];
  }

  /** The sum of a counter over all labels that contain each of `labels`. */
  counted(name: string, ...labels: string[]): number {
    let sum = 0;
    for (const family of this.metrics.sums()) {
      if (family.name !== name || family.kind !== "counter") continue;
      for (const series of family.series) {
        if (labels.every((label) => series.labels?.includes(label))) sum += series.value;
      }
    }
    return sum;
  }

  #faulty(name: string): RateLimiterRpc {
    const shard = Array.from({ length: this.#shards }, (_, index) => index).find(
      (index) => objectName(this.tenantId, "rl", index) === name,
    );
    if (shard === undefined) throw new Error(`not an object of this tenant: ${name}`);
    const object = limiters.getByName(name);
    return new Proxy(object, {
      get: (_target, method) => {
        const real = Reflect.get(object, method) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          const call = { shard, method: String(method), args };
          this.sent.push(call);
          const { before, after } = this.fault(call) ?? {};
          await before?.();
          const reply = await Reflect.apply(real, object, args);
          await after?.();
          return reply;
        };
      },
    });
  }
}
