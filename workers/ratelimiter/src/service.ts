import { WorkerEntrypoint } from "cloudflare:workers";
import { z } from "zod";
import {
  AcquireRequest,
  BanRequest,
  CheckBatchRequest,
  type CheckBatchResponse,
  CheckRequest,
  type CheckResponse,
  type KeyState,
  type Permit,
  RefundRequest,
  type Reservation,
  ReserveRequest,
  type Settlement,
  SettleRequest,
} from "../../../contracts/limits.ts";
import { Key, maxDurationMs, Name } from "../../../contracts/names.ts";
import { ok, type Result, refuse } from "../../../contracts/result.ts";
import type { LocationHubRpc, Namespace } from "../../../contracts/rpc/hub.ts";
import type { RateLimiterRpc } from "../../../contracts/rpc/rate-limiter.ts";
import { hash32, jump } from "../../../core/hashing/jump.ts";
import { inputHash } from "../../../isolate/input-hash.ts";
import { Isolate } from "../../../isolate/isolate.ts";
import type { Call } from "../../../isolate/rate-limit/dependencies.ts";
import { RateLimits } from "../../../isolate/rate-limit/rate-limits.ts";

export interface Bindings {
  readonly RATE_LIMITER: Namespace<RateLimiterRpc>;
  readonly LOCATION_HUB: Namespace<LocationHubRpc>;
  readonly RATE_LIMITER_SHARDS: string;
}

/** What the service binding says of its holder, in the holder's wrangler.toml: `props = { tenant = "acme" }`. */
export interface Props {
  readonly tenant: string;
}

/** How a call is to be carried out. */
const Options = z.strictObject({
  /** 1 to 255 printable ASCII characters; kept for 24 hours, for this binding's tenant and this method. */
  idempotencyKey: z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/)
    .optional(),
  /** What is left of the caller's deadline. */
  timeoutMs: z.int().min(1).max(maxDurationMs).optional(),
});

const OfKey = z.strictObject({ limit: Name, key: Key });
const OfReservation = z.strictObject({ reservation: z.string().max(100) });
const OfPermit = z.strictObject({ permit: z.string().max(100) });
const OfRefund = OfKey.extend(RefundRequest.shape);
const OfReserve = OfKey.extend(ReserveRequest.shape);
const OfSettle = OfReservation.extend(SettleRequest.shape);
const OfBan = OfKey.extend(BanRequest.shape);
const OfAcquire = OfKey.extend(AcquireRequest.shape);
const OfRenew = OfPermit.extend(AcquireRequest.shape);

/** A call by RPC does not tell its colo, so isolates are spread over a few hubs of their own. */
const serviceHubs = 16;

let shared: RateLimits | undefined;

/**
 * The rate limiter for other Workers: the operations of the HTTP API, as methods. Every input is checked with the HTTP API's
 * schemas, and every expected refusal is a value. The tenant is the binding's, whatever the arguments say.
 *
 * @example const { value } = await env.LIMITS.check({ checks: [{ limit: "api", key: "user:1" }] });
 */
export class RateLimiterService extends WorkerEntrypoint<Bindings, Props> {
  /** All or nothing: `{ checks: [{ limit, key, cost? }] }`. */
  check(request: z.input<typeof CheckRequest>, options?: z.input<typeof Options>): Promise<Result<CheckResponse>> {
    return this.#run("check", CheckRequest, request, options, (limits, call, { checks }) => limits.check(call, checks));
  }

  /** Each on its own: `{ items: [{ limit, key, cost? }] }`. */
  checkBatch(
    request: z.input<typeof CheckBatchRequest>,
    options?: z.input<typeof Options>,
  ): Promise<Result<CheckBatchResponse>> {
    return this.#run("checkBatch", CheckBatchRequest, request, options, (limits, call, { items }) =>
      limits.checkBatch(call, items),
    );
  }

  peek(request: z.input<typeof OfKey>, options?: z.input<typeof Options>): Promise<Result<KeyState>> {
    return this.#run("peek", OfKey, request, options, (limits, call, { limit, key }) => limits.peek(call, limit, key));
  }

  reset(request: z.input<typeof OfKey>, options?: z.input<typeof Options>): Promise<Result<KeyState>> {
    return this.#run("reset", OfKey, request, options, (limits, call, { limit, key }) =>
      limits.reset(call, limit, key),
    );
  }

  refund(request: z.input<typeof OfRefund>, options?: z.input<typeof Options>): Promise<Result<KeyState>> {
    return this.#run("refund", OfRefund, request, options, (limits, call, { limit, key, cost }) =>
      limits.refund(call, limit, key, cost),
    );
  }

  reserve(request: z.input<typeof OfReserve>, options?: z.input<typeof Options>): Promise<Result<Reservation>> {
    return this.#run("reserve", OfReserve, request, options, (limits, call, { limit, key, cost, ttlMs }) =>
      limits.reserve(call, limit, key, cost, ttlMs),
    );
  }

  settle(request: z.input<typeof OfSettle>, options?: z.input<typeof Options>): Promise<Result<Settlement>> {
    return this.#run("settle", OfSettle, request, options, (limits, call, { reservation, cost }) =>
      limits.settle(call, reservation, cost),
    );
  }

  ban(request: z.input<typeof OfBan>, options?: z.input<typeof Options>): Promise<Result<KeyState>> {
    return this.#run("ban", OfBan, request, options, (limits, call, { limit, key, durationMs }) =>
      limits.ban(call, limit, key, durationMs),
    );
  }

  unban(request: z.input<typeof OfKey>, options?: z.input<typeof Options>): Promise<Result<KeyState>> {
    return this.#run("unban", OfKey, request, options, (limits, call, { limit, key }) =>
      limits.unban(call, limit, key),
    );
  }

  acquire(request: z.input<typeof OfAcquire>, options?: z.input<typeof Options>): Promise<Result<Permit>> {
    return this.#run("acquire", OfAcquire, request, options, (limits, call, { limit, key, ttlMs }) =>
      limits.acquire(call, limit, key, ttlMs),
    );
  }

  renew(request: z.input<typeof OfRenew>, options?: z.input<typeof Options>): Promise<Result<Permit>> {
    return this.#run("renew", OfRenew, request, options, (limits, call, { permit, ttlMs }) =>
      limits.renew(call, permit, ttlMs),
    );
  }

  release(request: z.input<typeof OfPermit>, options?: z.input<typeof Options>): Promise<Result<null>> {
    return this.#run("release", OfPermit, request, options, (limits, call, { permit }) => limits.release(call, permit));
  }

  async #run<I, T>(
    method: string,
    schema: z.ZodType<I>,
    request: unknown,
    options: unknown,
    work: (limits: RateLimits, call: Call, input: I) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const input = parse(schema, request);
    if (!input.ok) return input;
    const how = parse(Options, options ?? {});
    if (!how.ok) return how;

    const isolate = Isolate.of(this.env);
    const hub = `service-${jump(hash32(isolate.id), serviceHubs)}`;
    const ready = isolate.ready((promise) => this.ctx.waitUntil(promise), hub);
    if (ready !== undefined && !(await ready)) {
      return refuse("control_plane_unavailable", "The configuration cannot be read; try again in a moment.");
    }
    // A binding without props, or of a tenant that does not exist, holds nothing.
    const tenant: unknown = this.ctx.props?.tenant;
    const tenantId = typeof tenant === "string" ? isolate.config.tenantId(tenant) : undefined;
    if (tenantId === undefined) {
      return refuse("forbidden", 'Give the service binding props = { tenant = "<name of a tenant>" }.');
    }

    shared ??= new RateLimits({
      namespace: this.env.RATE_LIMITER,
      shards: Number(this.env.RATE_LIMITER_SHARDS),
      config: isolate.config,
      metrics: isolate.metrics,
      warn: (message, error) => console.warn(JSON.stringify({ level: "warn", message, error })),
    });
    const { idempotencyKey, timeoutMs } = how.value;
    const call: Call = {
      tenantId,
      subject: "service",
      waitUntil: (promise) => this.ctx.waitUntil(promise),
      ...(timeoutMs === undefined ? {} : { deadlineMs: Date.now() + timeoutMs }),
      ...(idempotencyKey === undefined
        ? {}
        : { idempotency: { key: idempotencyKey, route: method, bodyHash: await inputHash(input.value) } }),
    };
    return work(shared, call, input.value);
  }
}

function parse<I>(schema: z.ZodType<I>, value: unknown): Result<I> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return refuse("invalid_body", `/${issue?.path.join("/") ?? ""}: ${issue?.message ?? "is not valid"}`);
}
