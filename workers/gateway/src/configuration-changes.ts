import type { Principal } from "../../../contracts/access.ts";
import type { ConfigView } from "../../../isolate/config-view.ts";
import { holds } from "./middleware/authorize.ts";

/** Versions of what a caller may see, by `<kind>/<name>`. */
export type Seen = ReadonlyMap<string, number>;

export interface SeenChange {
  readonly kind: string;
  readonly name: string;
  readonly action: "put" | "delete";
  /** Absent of what is deleted. */
  readonly version?: number;
}

/** What the caller may see now: the limits of its tenant and, for administrators, the issuers. */
export function seenBy(principal: Principal, config: Pick<ConfigView, "limits" | "issuers">): Seen {
  const seen = new Map<string, number>();
  for (const [name, { version }] of config.limits(principal.tenantId)) seen.set(`limits/${name}`, version);
  if (!holds(principal, "admin")) return seen;
  for (const [name, { version }] of config.issuers()) seen.set(`issuers/${name}`, version);
  return seen;
}

/** What has changed between two looks, deletions last. */
export function changesBetween(before: Seen, after: Seen): SeenChange[] {
  const changes: SeenChange[] = [];
  for (const [id, version] of after) {
    if (before.get(id) !== version) changes.push({ ...parts(id), action: "put", version });
  }
  for (const id of before.keys()) {
    if (!after.has(id)) changes.push({ ...parts(id), action: "delete" });
  }
  return changes;
}

function parts(id: string): { kind: string; name: string } {
  const slash = id.indexOf("/");
  return { kind: id.slice(0, slash), name: id.slice(slash + 1) };
}
