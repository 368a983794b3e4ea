import { DurableObject } from "cloudflare:workers";
import { ok, type Result } from "../../contracts/result.ts";
import type { LocationHubRpc, Namespace, PulseAnswer } from "../../contracts/rpc/hub.ts";
import { nowhere } from "../../core/config/delta.ts";
import { Isolate } from "../isolate.ts";

/** Longer than the hang detector needs to notice, shorter than a cold request waits. */
const answerMs = 400;

/** A hub that takes its time. */
export class SlowHub extends DurableObject implements LocationHubRpc {
  async pulse(): Promise<Result<PulseAnswer>> {
    await scheduler.wait(answerMs);
    const to = { epoch: 1, config: 1, switches: 0 };
    return ok({ delta: { full: true, from: nowhere, to, entries: [], keys: "all" }, ageMs: 0, confirmedAgeMs: 0 });
  }
}

/** A Worker whose requests do nothing but wait for the configuration. */
export default {
  async fetch(_request: Request, env: { LOCATION_HUB: Namespace<LocationHubRpc> }, context: ExecutionContext) {
    const waiting = Isolate.of(env).ready((promise) => context.waitUntil(promise), "local");
    return new Response(String(waiting === undefined ? "at once" : await waiting));
  },
};
