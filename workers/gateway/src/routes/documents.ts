import { ChangePlan, ConfigDocument } from "../../../../contracts/control-plane.ts";
import { type Call, type Endpoint, endpoint } from "../endpoint/endpoint.ts";
import { json, refused } from "../http/answer.ts";
import { announce, writeOf } from "../http/write.ts";
import { holds } from "../middleware/authorize.ts";
import { deliverOverrides } from "../overrides-delivery.ts";
import { DryRunQuery } from "./list.ts";

/** A tenant's 10,000 limits and overrides, with room for long keys. */
const maxDocumentSizeBytes = 5 * 1024 * 1024;

/** The whole configuration as one document, to be kept in a repository. */
export const documents: readonly Endpoint[] = [
  endpoint(
    {
      method: "get",
      path: "/v1/export",
      tag: "configuration",
      summary: "Export the configuration",
      description: "Your tenant's limits and overrides; for administrators the issuers too.",
      access: "config:read",
      answers: { 200: { description: "The document. Importing it changes nothing.", schema: ConfigDocument } },
    },
    async ({ c, services, principal }) => {
      const document = await services.database.documents.export(principal.tenantId, holds(principal, "admin"));
      return document.ok ? json(c, document.value) : refused(c, document.refusal);
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/import",
      tag: "configuration",
      summary: "Import a configuration",
      description:
        "Makes each section that the document has (`limits`, `overrides`, `issuers`) equal to it, all or nothing: what the section does not name is deleted, so an empty one deletes all. A section that the document lacks is left alone; overrides of a deleted limit end with it. Look with `?dryRun=true` first. The first 800 changed overrides are in force with the answer, further ones within minutes.",
      access: "config:write",
      query: DryRunQuery,
      body: { schema: ConfigDocument, maxSizeBytes: maxDocumentSizeBytes },
      idempotent: true,
      example: { query: { dryRun: "true" } },
      answers: { 200: { description: "What changed; with dryRun, what would.", schema: ChangePlan } },
      refusals: ["too_many_resources", "import_conflict", "outcome_unknown"],
    },
    importDocument,
  ),
];

async function importDocument(call: Call<undefined, { dryRun: string }, ConfigDocument>): Promise<Response> {
  const { c, services, principal, query, body } = call;
  const isAdmin = holds(principal, "admin");
  if (body.issuers !== undefined && !isAdmin) {
    return refused(c, { code: "forbidden", detail: "Only administrators import issuers; leave them out." });
  }
  const write = await writeOf(call);
  if (!write.ok) return refused(c, write.refusal);
  const dryRun = query.dryRun === "true";
  const imported = await services.database.documents.import(write.value, principal.tenantId, isAdmin, body, dryRun);
  if (!imported.ok) return refused(c, imported.refusal);
  const { changes, entries, version } = imported.value;
  if (!dryRun) {
    for (const entry of entries) services.isolate.apply(entry);
    await announce(call, version);
    if (changes.some(({ kind }) => kind === "overrides")) await deliverOverrides(services, c.executionCtx);
  }
  const headers = imported.replayed ? { "idempotency-replayed": "true" } : undefined;
  return json(c, { dryRun, changes }, 200, headers);
}
