import { ok } from "../../../../contracts/result.ts";
import { prometheusContentType, renderPrometheus } from "../../../../core/metrics/prometheus.ts";
import { type Endpoint, endpoint } from "../endpoint/endpoint.ts";
import { refused, respond } from "../http/answer.ts";
import { askRoot } from "../http/root.ts";

export const metrics: readonly Endpoint[] = [
  endpoint(
    {
      method: "get",
      path: "/metrics",
      tag: "operation",
      summary: "Metrics",
      description:
        "Sums of every isolate, in Prometheus' text format. Other isolates' newest counts arrive with their next pulse.",
      access: "metrics:read",
      answers: { 200: { description: "Metrics.", mediaType: "text/plain" } },
    },
    async ({ c, services }) => {
      await services.isolate.flush(services.location(c.req.raw));
      const families = await askRoot(services, "read", async (root) => ok(await root.metrics()));
      if (!families.ok) return refused(c, families.refusal);
      return respond(c, renderPrometheus(families.value), 200, { "content-type": prometheusContentType });
    },
  ),
];
