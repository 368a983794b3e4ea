import type { Principal } from "../../../../contracts/access.ts";
import { ok } from "../../../../contracts/result.ts";
import type { MetricFamily } from "../../../../core/metrics/family.ts";
import { ofLabel } from "../../../../core/metrics/of-label.ts";
import { prometheusContentType, renderPrometheus } from "../../../../core/metrics/prometheus.ts";
import { type Endpoint, endpoint } from "../endpoint/endpoint.ts";
import { refused, respond } from "../http/answer.ts";
import { askRoot } from "../http/root.ts";
import { holds } from "../middleware/authorize.ts";

export const metrics: readonly Endpoint[] = [
  endpoint(
    {
      method: "get",
      path: "/metrics",
      tag: "operation",
      summary: "Metrics",
      description:
        "Sums of every isolate, in Prometheus' text format. Other isolates' newest counts arrive with their next pulse. Administrators see every series; others those labelled with their own tenant, since the rest tells of other tenants' traffic.",
      access: "metrics:read",
      answers: { 200: { description: "Metrics.", mediaType: "text/plain" } },
    },
    async ({ c, services, principal }) => {
      await services.isolate.flush(services.location(c.req.raw));
      const families = await askRoot(services, "read", async (root) => ok(await root.metrics()));
      if (!families.ok) return refused(c, families.refusal);
      return respond(c, renderPrometheus(visible(families.value, principal)), 200, {
        "content-type": prometheusContentType,
      });
    },
  ),
];

/** What of the platform's sums the caller may see (AU-2). */
function visible(families: readonly MetricFamily[], principal: Principal): readonly MetricFamily[] {
  return holds(principal, "admin") ? families : ofLabel(families, "tenant", principal.tenant);
}
