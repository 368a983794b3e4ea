import { deliverOverrides } from "./overrides-delivery.ts";
import type { Services } from "./services.ts";

/** What is due every minute: overrides that objects have not acknowledged, and answers kept for 24 h that are older. */
export async function runSchedule(services: Services, context: Pick<ExecutionContext, "waitUntil">): Promise<void> {
  const { isolate, database, log } = services;
  await isolate.ready((promise) => context.waitUntil(promise), "local");
  const delivered = await deliverOverrides(services, context);
  const purged = await database.purgeIdempotency(Date.now());
  log.write("debug", "schedule", { overrides_delivered: delivered, answers_purged: purged.ok ? purged.value : 0 });
}
