/** The control plane's objects. They are reached over bindings alone: this Worker has no route (ADR 0001). */
export { LocationHub } from "../../../durable-objects/hub/location-hub.ts";
export { RootHub } from "../../../durable-objects/hub/root-hub.ts";
export { Switches } from "../../../durable-objects/switches/switches.ts";
export { Tickets } from "../../../durable-objects/tickets/tickets.ts";

export default {
  fetch(): Response {
    return new Response(null, { status: 404 });
  },
};
