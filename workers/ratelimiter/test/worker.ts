import { DurableObject } from "cloudflare:workers";
import { ok, type Result } from "../../../contracts/result.ts";
import type { ConfigEntry, PulseAnswer, PulseRequest } from "../../../contracts/rpc/hub.ts";

export * from "../src/index.ts";
export { default } from "../src/index.ts";

const position = { epoch: 1, config: 3, switches: 0 };
const policy = { algorithm: "gcra", limit: 5, windowMs: 60_000, mode: "exact", failMode: "open", shadow: false };
const jobs = { algorithm: "concurrency", limit: 1, ttlMs: 60_000, mode: "exact", failMode: "open", shadow: false };

const entries: ConfigEntry[] = [
  { kind: "tenants", tenantId: "", name: "acme", version: 1, body: { id: "t_acme" } },
  { kind: "tenants", tenantId: "", name: "other", version: 1, body: { id: "t_other" } },
  { kind: "limits", tenantId: "t_acme", name: "api", version: 2, body: policy },
  { kind: "limits", tenantId: "t_acme", name: "jobs", version: 3, body: jobs },
];

/** Stands for the control plane's hub: it has one configuration and never another. */
export class FixedHub extends DurableObject {
  async pulse(_request: PulseRequest): Promise<Result<PulseAnswer>> {
    const from = { epoch: 0, config: 0, switches: 0 };
    return ok({ delta: { full: true, from, to: position, entries, keys: [] }, ageMs: 0, confirmedAgeMs: 0 });
  }
}
