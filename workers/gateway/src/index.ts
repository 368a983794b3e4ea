import { createApp } from "./app.ts";
import { assemble } from "./assemble.ts";
import type { Bindings } from "./bindings.ts";
import { runSchedule } from "./scheduled.ts";
import type { Services } from "./services.ts";

/** One for each isolate: bindings do not change while it lives. */
let services: Services | undefined;
const servicesOf = (env: Bindings): Services => (services ??= assemble(env));

const app = createApp((c) => servicesOf(c.env));

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
  scheduled: (_controller, env, context) => runSchedule(servicesOf(env), context),
} satisfies ExportedHandler<Bindings>;
