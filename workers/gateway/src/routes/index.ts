import type { Endpoint } from "../endpoint/endpoint.ts";
import { audit } from "./audit.ts";
import { checks } from "./checks.ts";
import { documentation } from "./documentation.ts";
import { documents } from "./documents.ts";
import { events } from "./events.ts";
import { health } from "./health.ts";
import { holds } from "./holds.ts";
import { keys } from "./keys.ts";
import { limitKeys } from "./limit-keys.ts";
import { metrics } from "./metrics.ts";
import { overrides } from "./overrides.ts";
import { resources } from "./resources.ts";
import { switches } from "./switches.ts";
import { tickets } from "./tickets.ts";

const services: readonly Endpoint[] = [
  ...checks,
  ...resources,
  ...overrides,
  ...limitKeys,
  ...holds,
  ...keys,
  ...tickets,
  ...audit,
  ...documents,
  ...switches,
  ...events,
  ...health,
  ...metrics,
];

/** Everything that the gateway serves, the documentation of all of it included. */
export const endpoints: readonly Endpoint[] = [...services, ...documentation(services)];
