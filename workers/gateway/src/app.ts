import { Hono } from "hono";
import type { GatewayContext, GatewayEnv } from "./context.ts";
import { mount } from "./endpoint/mount.ts";
import { StaticFirstRouter } from "./endpoint/router.ts";
import { unmatched } from "./endpoint/unmatched.ts";
import { refused } from "./http/answer.ts";
import { cors } from "./middleware/cors.ts";
import { deadline } from "./middleware/deadline.ts";
import { observe } from "./middleware/observe.ts";
import { rawPath, wellFormedPath } from "./middleware/path.ts";
import { platformHost } from "./middleware/platform-host.ts";
import { endpoints } from "./routes/index.ts";
import type { Services } from "./services.ts";

/** The gateway: what every request passes, in this order, and then the endpoints. */
export function createApp(services: (c: GatewayContext) => Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>({ router: new StaticFirstRouter(), getPath: rawPath });

  app.use(observe(services));
  app.use(platformHost);
  app.use(wellFormedPath);
  app.use(cors);
  app.use(deadline);
  for (const endpoint of endpoints) mount(app, endpoint);

  app.notFound(unmatched(endpoints));
  app.onError((error, c) => unexpected(error, c));
  return app;
}

/** An exception is a fault of ours: told once in the log, and to the caller only by its request id. */
function unexpected(error: Error, c: GatewayContext): Response {
  const state = c.get("state");
  state.services.log.write("error", "unexpected exception", {
    request_id: state.id,
    route: state.route,
    error: error.name,
    detail: error.message,
    stack: error.stack,
  });
  return refused(c, { code: "internal", detail: "Try again; if it stays, report the request id." });
}
