import { canonicalJson } from "./canonical.ts";

/** Something named in a configuration document. `name` is the full name of its kind. */
export interface Item {
  readonly kind: string;
  readonly name: string;
  readonly body: unknown;
}

/** What a write does to one item. `before` is null when it is created, `after` when it is deleted. */
export interface PlannedChange {
  readonly kind: string;
  readonly name: string;
  readonly action: "create" | "update" | "delete" | "unchanged";
  readonly before: unknown;
  readonly after: unknown;
}

/** What putting `after` where `before` is would do; undefined means that nothing is there, or shall be. */
export function planChange(kind: string, name: string, before: unknown, after: unknown): PlannedChange {
  return { kind, name, action: action(before, after), before: before ?? null, after: after ?? null };
}

/**
 * What makes the `current` items equal to the `wanted` ones: a change for each name in either, in the order of kind and
 * name. Names occur once in each list.
 */
export function planReplacement(current: readonly Item[], wanted: readonly Item[]): PlannedChange[] {
  const pairs = new Map<string, { kind: string; name: string; before?: unknown; after?: unknown }>();
  for (const { kind, name, body } of current) pairs.set(`${kind}\n${name}`, { kind, name, before: body });
  for (const { kind, name, body } of wanted) {
    const id = `${kind}\n${name}`;
    pairs.set(id, { ...pairs.get(id), kind, name, after: body });
  }
  return [...pairs.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { kind, name, before, after }]) => planChange(kind, name, before, after));
}

function action(before: unknown, after: unknown): PlannedChange["action"] {
  if (after === undefined) return before === undefined ? "unchanged" : "delete";
  if (before === undefined) return "create";
  return canonicalJson(before) === canonicalJson(after) ? "unchanged" : "update";
}
