import { Configuration } from "./configuration.ts";
import { Keys } from "./keys.ts";
import { Limits } from "./limits.ts";
import { NamedResources } from "./resources.ts";
import { type CallOptions, type ClientOptions, type PostOptions, Transport } from "./transport.ts";
import type { Issuer, IssuerInput, IssuerPage, Switch, SwitchInput, SwitchPage, Ticket } from "./types.ts";

/**
 * The client of a Breakwater gateway, for browsers, Node 18 and later, and Workers.
 *
 * Calls reject with a BreakwaterError, or with the reason of the caller's own signal. They are repeated where that is
 * safe: docs/design/client.md.
 *
 * @example
 * const breakwater = new Breakwater({ baseUrl: "https://limits.example.com", token: "bw_…" });
 * const { allowed } = await breakwater.limits.check({ limit: "api", key: "user:1" });
 */
export class Breakwater {
  readonly #transport: Transport;
  readonly limits: Limits;
  readonly keys: Keys;
  /** Feature flags and kill switches; administrators. */
  readonly switches: NamedResources<SwitchInput, Switch, SwitchPage>;
  /** Whose JWTs count; administrators. */
  readonly issuers: NamedResources<IssuerInput, Issuer, IssuerPage>;
  readonly configuration: Configuration;

  /** @throws RangeError or TypeError for options that no call could use */
  constructor(options: ClientOptions) {
    const transport = new Transport(options);
    this.#transport = transport;
    this.limits = new Limits(transport);
    this.keys = new Keys(transport);
    this.switches = new NamedResources(transport, "/v1/switches");
    this.issuers = new NamedResources(transport, "/v1/issuers");
    this.configuration = new Configuration(transport);
  }

  /** A ticket, good once and for 30 s, for a WebSocket or an EventSource at `path`, which cannot send headers. */
  ticket(path: string, options?: PostOptions): Promise<Ticket> {
    return this.#transport.json<Ticket>({ method: "POST", path: "/v1/tickets", body: { path }, options });
  }

  /** Whether the gateway runs. A gateway that does not rejects. */
  async healthy(options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: "GET", path: "/healthz", options });
  }

  /** Whether the gateway can serve: it has its configuration. */
  async ready(options?: CallOptions): Promise<void> {
    await this.#transport.send({ method: "GET", path: "/readyz", options });
  }
}
