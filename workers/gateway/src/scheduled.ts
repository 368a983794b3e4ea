import { deliverOverrides } from "./overrides-delivery.ts";
import type { Services } from "./services.ts";

/** Rounds of one run: what is left waits for the next, a minute later. */
const maxRounds = 4;

/** What is due every minute: overrides that objects have not acknowledged, and answers kept for 24 h that are older. */
export async function runSchedule(services: Services, context: Pick<ExecutionContext, "waitUntil">): Promise<void> {
  const { isolate, database, log } = services;
  await isolate.ready((promise) => context.waitUntil(promise), "local");
  let delivered = 0;
  for (let round = 0; round < maxRounds; round++) {
    const count = await deliverOverrides(services, context);
    delivered += count;
    if (count === 0) break;
  }
  const purged = await database.purgeIdempotency(Date.now());
  log.write("debug", "schedule", { overrides_delivered: delivered, answers_purged: purged.ok ? purged.value : 0 });
}
