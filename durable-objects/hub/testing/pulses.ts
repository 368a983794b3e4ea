import type { Result } from "../../../contracts/result.ts";
import type { PulseAnswer, PulseRequest } from "../../../contracts/rpc/hub.ts";
import { nowhere } from "../../../core/config/delta.ts";
import type { MetricFamily } from "../../../core/metrics/family.ts";
import { ControlDatabase } from "../../../database/control-database.ts";
import { bindings, query } from "../../../database/testing/bindings.ts";
import type { Write } from "../../../database/write.ts";

export const root = () => bindings.ROOT_HUB.getByName("root");
export const hub = (location = "local") => bindings.LOCATION_HUB.getByName(location);

/** A pulse of an isolate that knows nothing. */
export const emptyPulse: PulseRequest = { position: nowhere, metrics: null, usedKeys: [], flush: false };

/** The value, or an exception with the refusal. */
export function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.refusal.code}: ${result.refusal.detail}`);
  return result.value;
}

/** Names of the limits in an answer that are not deleted. */
export function limitsOf({ delta }: PulseAnswer): string[] {
  const limits = delta.entries.filter(({ kind, body }) => kind === "limits" && body !== null);
  return limits.map(({ name }) => name).sort();
}

/** Stores a limit as the gateway does; without `notify` the root's notice is lost. */
export async function putLimit(name: string, notify = true): Promise<number> {
  const body = { algorithm: "fixed-window", limit: 1, windowMs: 1_000, mode: "exact", failMode: "open", shadow: false };
  const { version } = value(await database().resources.put(aWrite(), "limits", "t_a", name, body));
  if (notify) await root().changed(version);
  return version;
}

export function database(): ControlDatabase {
  return new ControlDatabase(bindings.DB);
}

export function aWrite(): Write {
  return { actor: { subject: "admin", requestId: "r1" }, nowMs: Date.now() };
}

/** Makes D1 fail every query that the control plane sends, until the returned function is called. */
export async function breakDatabase(): Promise<() => Promise<void>> {
  const tables = ["audit", "resources", "tenants", "api_keys"];
  for (const table of tables) await query(`ALTER TABLE ${table} RENAME TO away_${table}`);
  return async () => {
    for (const table of tables) await query(`ALTER TABLE away_${table} RENAME TO ${table}`);
  };
}

/** The value of the counter's series with these labels. */
export function counted(families: readonly MetricFamily[], name: string, labels: readonly string[]): number {
  for (const family of families) {
    if (family.name !== name || family.kind !== "counter") continue;
    const found = family.series.find((series) => series.labels?.join() === labels.join());
    if (found !== undefined) return found.value;
  }
  return 0;
}

/**
 * Repeats `check` until it passes: for what an object does after it has answered. `vi.waitFor` would move the held clock.
 */
export async function eventually(check: () => Promise<void>): Promise<void> {
  const attempts = 200;
  for (let attempt = 1; attempt < attempts; attempt++) {
    try {
      return await check();
    } catch {
      await scheduler.wait(5);
    }
  }
  return check();
}
