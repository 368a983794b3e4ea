import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import type { Change, ConfigDocument } from "../contracts/control-plane.ts";
import { maxStoredEntries } from "../contracts/control-plane.ts";
import { ok, type Result, refuse } from "../contracts/result.ts";
import type { ConfigEntry } from "../contracts/rpc/hub.ts";
import { canonicalJson } from "../core/config/canonical.ts";
import { type Item, type PlannedChange, planReplacement } from "../core/config/plan.ts";
import type { Database } from "./database.ts";
import { asJson, tooManyResources } from "./resources.ts";
import { limitOverrides, platformTenantId, resources } from "./schema.ts";
import { commit, committed, type Outcome, type Write } from "./write.ts";

/** How often an import is planned anew when the configuration changes meanwhile. */
const maxAttempts = 3;
/** Largest text bound to one statement; D1 takes 2 MB. */
const maxChunkSize = 900_000;
/** Largest answer kept for a repeated Idempotency-Key: it is one row. */
const maxResponseSize = 900_000;

/** What an import did, or would do. */
export interface Imported {
  /** What is not already as the document says. */
  readonly changes: readonly Change[];
  /** For the snapshot of the isolate that wrote. */
  readonly entries: readonly ConfigEntry[];
  /** Sequence number of the last change; 0 when there was none. */
  readonly version: number;
}

/** A tenant's configuration, with what tells whether it has changed since. */
interface Current {
  readonly items: readonly Item[];
  /** Number of items and highest version, by kind: a later change that survives raises the one or lowers the other. */
  readonly fingerprint: Readonly<Record<Kind, string>>;
}

type Kind = "limits" | "overrides" | "issuers";

/** The whole configuration as one document. */
export class Documents {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The tenant's limits and overrides; with `platform` the issuers too. */
  async export(tenantId: string, platform: boolean): Promise<Result<ConfigDocument>> {
    const read = await this.#database.read(() => this.#current(tenantId));
    if (!read.ok) return read;
    const { items } = read.value;
    const record = (kind: Kind) => Object.fromEntries(ofKind(items, kind).map(({ name, body }) => [name, body]));
    const overrides = ofKind(items, "overrides").map(({ name, body }) => ({ ...splitName(name), override: body }));
    const document = { version: 1, limits: record("limits"), overrides };
    return ok((platform ? { ...document, issuers: record("issuers") } : document) as ConfigDocument);
  }

  /**
   * Makes each section that the document has equal to it: what the section does not name is deleted. A section that the
   * document lacks is left alone, but for overrides of a limit that is deleted, which end with it. All or nothing (CP-7). With
   * `dryRun` it only tells (CP-6).
   *
   * @returns refusals `invalid_body` (an override twice, or of a limit that would not exist), `forbidden` (issuers without
   *   `platform`), `too_many_resources`, `import_conflict`, `body_too_large` (too much for one Idempotency-Key)
   */
  async import(
    write: Write,
    tenantId: string,
    platform: boolean,
    document: ConfigDocument,
    dryRun: boolean,
  ): Promise<Result<Imported>> {
    if (document.issuers !== undefined && !platform) {
      return refuse("forbidden", "Issuers belong to the platform: leave them out, or import as an administrator.");
    }
    const kinds: readonly Kind[] = document.issuers === undefined ? ["limits", "overrides"] : allKinds;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const read = await this.#database.read(() => this.#current(tenantId));
      if (!read.ok) return read;
      const current = read.value.items.filter(({ kind }) => kinds.includes(kind as Kind));
      const wanted = wantedItems(document, current);
      const refusal = contradiction(wanted);
      if (refusal !== undefined) return refusal;
      const planned = planReplacement(current, wanted).filter(({ action }) => action !== "unchanged");
      const changes = planned.map((each) => ({ ...each, before: asJson(each.before), after: asJson(each.after) }));
      // Under an Idempotency-Key also an import without effect is recorded, or its repetition might have one (ID-1).
      const isNothing = planned.length === 0 && write.idempotency === undefined;
      if (dryRun || isNothing) return ok({ changes, entries: [], version: 0 });
      if (write.idempotency !== undefined && JSON.stringify(changes).length > maxResponseSize) return tooLarge;

      const id = crypto.randomUUID();
      const outcome = await this.#write(write, tenantId, id, kinds, read.value, planned, changes);
      if (outcome.kind === "refused") return outcome.result;
      if (outcome.kind === "repeated") {
        const value = { changes: outcome.response as Change[], entries: [], version: 0 };
        return { ok: true, value, replayed: true };
      }
      if (outcome.kind === "committed") {
        // The rows of one transaction are numbered without gaps, after the row that announces them.
        const entries = planned.flatMap((change, index) => entryOf(tenantId, change, outcome.version + 1 + index));
        return ok({ changes, entries, version: outcome.version + planned.length });
      }
      if (outcome.probe.fits === 0) return tooManyResources;
    }
    return refuse("import_conflict", "The configuration was changed at the same time. Try again.", 1_000);
  }

  #write(
    write: Write,
    tenantId: string,
    id: string,
    kinds: readonly Kind[],
    current: Current,
    planned: readonly PlannedChange[],
    changes: readonly Change[],
  ): Promise<Outcome> {
    const isUnchanged = kinds.map((kind) => sql`(${fingerprintOf(kind, tenantId)}) = ${current.fingerprint[kind]}`);
    const growth = planned
      .filter(({ kind }) => kind !== "overrides")
      .reduce((sum, { action }) => sum + (action === "create" ? 1 : action === "delete" ? -1 : 0), 0);
    const fits = sql`(${growth} <= 0
      OR (SELECT count(*) FROM resources) + (SELECT count(*) FROM tenants) + ${growth} <= ${maxStoredEntries})`;
    return commit(this.#database, write, {
      id,
      subject: {
        tenantId,
        kind: "documents",
        name: "import",
        action: "import",
        before: null,
        after: JSON.stringify({ changes: planned.length }),
      },
      guard: sql`${sql.join(isUnchanged, sql` AND `)} AND ${fits}`,
      effects: [...auditRows(write, tenantId, id, planned), ...effectsOf(id, write.nowMs)],
      response: changes,
      probe: sql`${sql.join(isUnchanged, sql` AND `)} AS unchanged, ${fits} AS fits`,
    });
  }

  async #current(tenantId: string): Promise<Current> {
    const ofKind = (kind: string, owner: string) =>
      this.#database.orm
        .select({ name: resources.name, body: resources.body, version: resources.version })
        .from(resources)
        .where(and(eq(resources.kind, kind), eq(resources.tenantId, owner)));
    const [limits, issuers, overrides] = await this.#database.orm.batch([
      ofKind("limits", tenantId),
      ofKind("issuers", platformTenantId),
      this.#database.orm
        .select({
          name: sql<string>`${limitOverrides.limit} || '/' || ${limitOverrides.key}`,
          body: sql<string>`${limitOverrides.override}`,
          version: limitOverrides.version,
        })
        .from(limitOverrides)
        .where(and(eq(limitOverrides.tenantId, tenantId), isNotNull(limitOverrides.override))),
    ]);
    const rows = { limits, issuers, overrides };
    const fingerprint = (kind: Kind) =>
      `${rows[kind].length}:${rows[kind].reduce((max, { version }) => Math.max(max, version), 0)}`;
    return {
      items: allKinds.flatMap((kind) => rows[kind].map(({ name, body }) => ({ kind, name, body: JSON.parse(body) }))),
      fingerprint: {
        limits: fingerprint("limits"),
        issuers: fingerprint("issuers"),
        overrides: fingerprint("overrides"),
      },
    };
  }
}

const allKinds: readonly Kind[] = ["limits", "overrides", "issuers"];

const tooLarge = refuse(
  "body_too_large",
  "The import changes too much to keep its answer for an Idempotency-Key. Import without one: the same document again changes nothing.",
);

function fingerprintOf(kind: Kind, tenantId: string): SQL {
  const columns = sql`count(*) || ':' || coalesce(max(version), 0)`;
  if (kind === "overrides") {
    return sql`SELECT ${columns} FROM limit_overrides WHERE tenant_id = ${tenantId} AND override IS NOT NULL`;
  }
  const owner = kind === "issuers" ? platformTenantId : tenantId;
  return sql`SELECT ${columns} FROM resources WHERE kind = ${kind} AND tenant_id = ${owner}`;
}

/** One audit row for each change, in their order, under ids that start with the transaction's. */
function auditRows(write: Write, tenantId: string, id: string, planned: readonly PlannedChange[]): SQL[] {
  const rows = planned.map(({ kind, name, action, before, after }, index) => [
    `${id}:${index}`,
    kind === "issuers" ? platformTenantId : tenantId,
    action,
    kind,
    name,
    before === null ? null : canonicalJson(before),
    after === null ? null : canonicalJson(after),
  ]);
  const column = (index: number) => sql`json_extract(value, ${`$[${index}]`})`;
  return chunks(rows.map((row) => JSON.stringify(row))).map(
    (chunk) => sql`INSERT INTO audit (id, at_ms, actor, tenant_id, "action", kind, name, "before", "after", request_id)
      SELECT ${column(0)}, ${write.nowMs}, ${write.actor.subject}, ${column(1)}, ${column(2)}, ${column(3)}, ${column(4)},
        ${column(5)}, ${column(6)}, ${write.actor.requestId}
      FROM json_each(${`[${chunk.join()}]`}) WHERE ${committed(id)} ORDER BY key`,
  );
}

/** What the audit rows of the transaction say, done. */
function effectsOf(id: string, nowMs: number): SQL[] {
  // The ids `<id>:<n>` lie between `<id>:` and `<id>;`.
  const rows = sql`audit.id > ${`${id}:`} AND audit.id < ${`${id};`}`;
  const limitName = sql`substr(audit.name, 1, instr(audit.name, '/') - 1)`;
  const key = sql`substr(audit.name, instr(audit.name, '/') + 1)`;
  return [
    sql`DELETE FROM resources WHERE (kind, tenant_id, name) IN
      (SELECT kind, tenant_id, name FROM audit WHERE ${rows} AND kind <> 'overrides' AND "action" = 'delete')`,
    sql`INSERT INTO resources (kind, tenant_id, name, body, version, created_at_ms, updated_at_ms)
      SELECT kind, tenant_id, name, "after", seq, ${nowMs}, ${nowMs} FROM audit
      WHERE ${rows} AND kind <> 'overrides' AND "action" <> 'delete'
      ON CONFLICT (kind, tenant_id, name)
      DO UPDATE SET body = excluded.body, version = excluded.version, updated_at_ms = excluded.updated_at_ms`,
    sql`INSERT INTO limit_overrides
        (tenant_id, limit_name, key, override, version, delivered, created_at_ms, updated_at_ms)
      SELECT tenant_id, ${limitName}, ${key}, "after", seq, 0, ${nowMs}, ${nowMs} FROM audit
      WHERE ${rows} AND kind = 'overrides'
      ON CONFLICT (tenant_id, limit_name, key) DO UPDATE SET override = excluded.override,
        version = excluded.version, delivered = 0, updated_at_ms = excluded.updated_at_ms`,
  ];
}

function chunks(texts: readonly string[]): string[][] {
  const result: string[][] = [];
  let size = maxChunkSize;
  for (const text of texts) {
    size += text.length;
    if (size > maxChunkSize) {
      result.push([]);
      size = text.length;
    }
    result.at(-1)?.push(text);
  }
  return result;
}

/** What an import of the document leaves. A section that it lacks stays, of the overrides those whose limit does. */
function wantedItems({ limits, overrides, issuers }: ConfigDocument, current: readonly Item[]): Item[] {
  const section = (kind: Kind, bodies: Readonly<Record<string, unknown>> | undefined) =>
    bodies === undefined ? ofKind(current, kind) : Object.entries(bodies).map(([name, body]) => ({ kind, name, body }));
  const limitItems = section("limits", limits);
  const names = new Set(limitItems.map(({ name }) => name));
  const overrideItems =
    overrides === undefined
      ? ofKind(current, "overrides").filter(({ name }) => names.has(splitName(name).limit))
      : overrides.map(({ limit, key, override }) => ({ kind: "overrides", name: `${limit}/${key}`, body: override }));
  return [...limitItems, ...overrideItems, ...section("issuers", issuers)];
}

function ofKind(items: readonly Item[], kind: Kind): Item[] {
  return items.filter((item) => item.kind === kind);
}

function contradiction(wanted: readonly Item[]): Result<never> | undefined {
  const limits = new Set(ofKind(wanted, "limits").map(({ name }) => name));
  const seen = new Set<string>();
  for (const { name } of ofKind(wanted, "overrides")) {
    if (seen.has(name)) return refuse("invalid_body", `The override ${JSON.stringify(name)} is in the document twice.`);
    seen.add(name);
    if (!limits.has(splitName(name).limit)) {
      return refuse("invalid_body", `The override ${JSON.stringify(name)} is of a limit that would not exist.`);
    }
  }
  return undefined;
}

/** A limit's name has no slash, so the first one ends it. */
function splitName(name: string): { limit: string; key: string } {
  const slash = name.indexOf("/");
  return { limit: name.slice(0, slash), key: name.slice(slash + 1) };
}

function entryOf(tenantId: string, { kind, name, after }: PlannedChange, version: number): ConfigEntry[] {
  if (kind === "limits") return [{ kind, tenantId, name, version, body: after }];
  if (kind === "issuers") return [{ kind, tenantId: platformTenantId, name, version, body: after }];
  return [];
}
