/**
 * What crosses between isolates, location hubs and the root hub. core declares the shapes of deltas and metrics again, since
 * it imports nothing; the compiler compares them where they meet.
 */
import type { Switch, SwitchRequest } from "../control-plane.ts";
import type { Result } from "../result.ts";

/** Up to where the changes of a snapshot are known. `epoch` 0 means nothing is known. */
export interface Position {
  /** Grows when the history starts again (a restored database); then everything is sent. */
  readonly epoch: number;
  /** Sequence number of D1's audit. */
  readonly config: number;
  /** Sequence number of the Switches object. */
  readonly switches: number;
}

export interface ConfigEntry {
  readonly kind: "limits" | "issuers" | "tenants" | "switches";
  /** Empty for what belongs to the platform. */
  readonly tenantId: string;
  readonly name: string;
  readonly version: number;
  /** JSON; null says that it is deleted. */
  readonly body: unknown;
}

/** Changes after `from` up to `to`; with `full` everything there is, and what is missing is deleted. */
export interface Delta {
  readonly full: boolean;
  readonly from: Position;
  readonly to: Position;
  readonly entries: readonly ConfigEntry[];
  /** Ids of API keys that changed after `from`, or "all" when that is not known. */
  readonly keys: readonly string[] | "all";
}

interface MetricFamilyHead {
  readonly name: string;
  readonly unit: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

export type MetricFamily =
  | (MetricFamilyHead & {
      readonly kind: "counter";
      readonly series: readonly { readonly labels: readonly string[] | null; readonly value: number }[];
    })
  | (MetricFamilyHead & {
      readonly kind: "histogram";
      readonly boundaries: readonly number[];
      readonly series: readonly {
        readonly labels: readonly string[] | null;
        readonly counts: readonly number[];
        readonly sum: number;
      }[];
    });

/** Increments under a number: resent with the same number until acknowledged, counted once (CP-10). */
export interface MetricsParcel {
  /** Random id of the sender's life: a restarted sender is another one. */
  readonly sender: string;
  readonly seq: number;
  readonly families: readonly MetricFamily[];
}

export interface PulseRequest {
  readonly position: Position;
  readonly metrics: MetricsParcel | null;
  /** Ids of API keys used since the last pulse. */
  readonly usedKeys: readonly string[];
  /** Pass the metrics on to the root before answering, and ask the root whatever the copy's age is. */
  readonly flush: boolean;
}

export interface PulseAnswer {
  readonly delta: Delta;
  /** Milliseconds since the root's answer that this answer holds. */
  readonly ageMs: number;
  /** Milliseconds since the root last read D1. */
  readonly confirmedAgeMs: number;
}

/** One object for each location: it answers the pulses of that location's isolates. */
export interface LocationHubRpc {
  pulse(request: PulseRequest): Promise<Result<PulseAnswer>>;
}

/** Who changes a switch. */
export interface SwitchActor {
  readonly subject: string;
  readonly requestId: string;
}

export interface SwitchChange {
  readonly switch: Switch;
  readonly created: boolean;
  /** For `Isolate.apply`. */
  readonly entry: ConfigEntry;
}

/** The one object that reads D1 for everyone, keeps the switches and sums the metrics. */
export interface RootHubRpc {
  sync(request: PulseRequest): Promise<Result<PulseAnswer>>;
  /** Reads the changes up to `seq` from D1 at once. False when D1 could not be read; a later poll does it then. */
  changed(seq: number): Promise<boolean>;
  putSwitch(name: string, request: SwitchRequest, actor: SwitchActor): Promise<Result<SwitchChange>>;
  deleteSwitch(name: string, actor: SwitchActor): Promise<Result<{ readonly entry: ConfigEntry }>>;
  listSwitches(): Promise<Result<Switch[]>>;
  /** The sums, for `/metrics`. What was answered once is never less in a later answer (CP-10). */
  metrics(): Promise<readonly MetricFamily[]>;
}

/** A ticket's maker and what it may do. */
export interface TicketGrant {
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly path: string;
}

/** One object for each tenant. */
export interface TicketsRpc {
  /** A ticket for one use of `grant.path` within 30 s. Refuses `overloaded` at 10,000 outstanding. */
  mint(
    tenantId: string,
    grant: TicketGrant,
  ): Promise<Result<{ readonly ticket: string; readonly expiresAtMs: number }>>;
  /** Spends the ticket, whatever the path. Refuses `unauthenticated` when it is unknown, used, late or for another path. */
  redeem(ticket: string, path: string): Promise<Result<TicketGrant>>;
}

/** A binding, reduced to what is called. */
export interface Namespace<Rpc> {
  getByName(name: string): Rpc;
}
