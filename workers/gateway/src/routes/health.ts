import { z } from "zod";
import { type Endpoint, endpoint } from "../endpoint/endpoint.ts";
import { json, refused } from "../http/answer.ts";
import { configuration, noConfiguration } from "../middleware/configuration.ts";

const Health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });
const Readiness = z
  .object({
    status: z.enum(["ready", "degraded"]).meta({
      description: "`degraded`: the control plane has not been read for over 10 s; checks go on with what is known",
    }),
    configuration: z.object({
      version: z.int(),
      ageMs: z.int().meta({ description: "since the root hub's answer that is in use here" }),
      confirmedAgeMs: z.int().nullable().meta({ description: "since the root hub last read the database" }),
    }),
  })
  .meta({ id: "Readiness" });

/** Some polls of the root in vain. */
const degradedAgeMs = 10_000;

export const health: readonly Endpoint[] = [
  endpoint(
    {
      method: "get",
      path: "/healthz",
      tag: "operation",
      summary: "Liveness",
      access: "public",
      answers: { 200: { description: "The gateway answers.", schema: Health } },
    },
    ({ c }) => json(c, { status: "ok" }),
  ),
  endpoint(
    {
      method: "get",
      path: "/readyz",
      tag: "operation",
      summary: "Readiness",
      access: "public",
      answers: { 200: { description: "There is a configuration to decide by.", schema: Readiness } },
      refusals: ["control_plane_unavailable"],
    },
    async ({ c, services }) => {
      if ((await configuration(c)) === false) return refused(c, noConfiguration.refusal);
      const { isolate } = services;
      const nowMs = Date.now();
      const confirmedAgeMs = isolate.config.confirmedAgeMs(nowMs);
      return json(c, {
        status: confirmedAgeMs > degradedAgeMs ? "degraded" : "ready",
        configuration: {
          version: isolate.config.version,
          ageMs: isolate.config.ageMs(nowMs),
          confirmedAgeMs: Number.isFinite(confirmedAgeMs) ? confirmedAgeMs : null,
        },
      });
    },
  ),
];
