import { Hono } from "hono";
import type { GatewayContext, GatewayEnv } from "./context.ts";
import { mount } from "./endpoint/mount.ts";
import { StaticFirstRouter } from "./endpoint/router.ts";
import { failed, serve } from "./endpoint/serve.ts";
import { unmatched } from "./endpoint/unmatched.ts";
import { rawPath } from "./middleware/path.ts";
import { endpoints } from "./routes/index.ts";
import type { Services } from "./services.ts";

/**
 * The gateway: every endpoint of `routes/`, each behind what `serve` lists.
 * @param services made at the isolate's first request
 */
export function createApp(services: (c: GatewayContext) => Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>({ router: new StaticFirstRouter(), getPath: rawPath });
  for (const endpoint of endpoints) mount(app, endpoint, services);
  const otherwise = unmatched(endpoints);
  app.notFound((c) => serve(c, services(c), undefined, () => otherwise(c)));
  app.onError((error, c) => failed(c, error));
  return app;
}
