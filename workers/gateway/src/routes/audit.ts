import { AuditList } from "../../../../contracts/control-plane.ts";
import { type Endpoint, endpoint } from "../endpoint/endpoint.ts";
import { json, refused } from "../http/answer.ts";
import { holds } from "../middleware/authorize.ts";
import { PageQuery } from "./list.ts";

export const audit: readonly Endpoint[] = [
  endpoint(
    {
      method: "get",
      path: "/v1/audit",
      tag: "configuration",
      summary: "Read the audit",
      description: "Who changed what, newest first. Administrators see every tenant's.",
      access: "audit:read",
      query: PageQuery,
      answers: { 200: { description: "A page.", schema: AuditList } },
    },
    async ({ c, services, principal, query }) => {
      const page = await services.database.audit.list(holds(principal, "admin") ? null : principal.tenantId, query);
      if (!page.ok) return refused(c, page.refusal);
      return json(c, { entries: page.value.items, cursor: page.value.cursor });
    },
  ),
];
