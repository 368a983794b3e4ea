import type { MetricFamily } from "./family.ts";
import { Instrument, type Shape } from "./instrument.ts";

/** Most series that one isolate holds (CP-11). Further label values collapse into their family's overflow series. */
export const maxIsolateSeries = 2_000;
/** A location sums the series of its isolates. */
export const maxLocationSeries = 10_000;
/** The root sums those of every location; at about 100 bytes each they fit one RPC many times. */
export const maxRootSeries = 20_000;

/** Boundaries of `http.server.request.duration`, in seconds, as OpenTelemetry's semantic conventions advise. */
export const durationBoundariesS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** What a family measures. `unit` is a UCUM code such as `s`, `By` or `{request}`; `help` one sentence for readers. */
export interface About {
  readonly unit?: string;
  readonly help?: string;
}

/** A monotonic sum. */
export type Counter = Pick<Instrument, "add">;
/** A distribution over buckets. */
export type Histogram = Pick<Instrument, "record">;

/** Every instrument of one isolate, location or root. Adding is cheap; series beyond the bound share an overflow. */
export class Metrics {
  readonly #maxSeries: number;
  readonly #instruments = new Map<string, Instrument>();
  #series = 0;

  constructor(maxSeries: number = maxIsolateSeries) {
    this.#maxSeries = maxSeries;
  }

  /** The counter of this name, made at the first call. Names are OpenTelemetry's: `breakwater.limits.checks`. */
  counter(name: string, labelNames: readonly string[] = [], about: About = {}): Counter {
    return this.#instrument({ ...shape(name, labelNames, about), boundaries: undefined });
  }

  /** The histogram of this name, made at the first call. `boundaries` are upper bounds, ascending, in `about.unit`. */
  histogram(
    name: string,
    labelNames: readonly string[] = [],
    boundaries: readonly number[] = durationBoundariesS,
    about: About = {},
  ): Histogram {
    return this.#instrument({ ...shape(name, labelNames, about), boundaries });
  }

  /** The increments since the last drain. They are the caller's to deliver. */
  drain(): MetricFamily[] {
    return this.#collect(true);
  }

  /** The sums since the start, or since the last drain. */
  sums(): MetricFamily[] {
    return this.#collect(false);
  }

  /** Whether a drain would find anything. */
  get hasIncrements(): boolean {
    return [...this.#instruments.values()].some((instrument) => instrument.isTouched);
  }

  /** Whether new label values end in the overflow. */
  get isFull(): boolean {
    return this.#series >= this.#maxSeries;
  }

  /** Adds increments drained elsewhere, or sums kept earlier. */
  merge(families: readonly MetricFamily[]): void {
    for (const family of families) {
      const boundaries = family.kind === "histogram" ? family.boundaries : undefined;
      this.#instrument({ ...family, boundaries }).merge(family);
    }
  }

  #collect(reset: boolean): MetricFamily[] {
    return [...this.#instruments.values()]
      .map((instrument) => instrument.collect(reset))
      .filter((family) => family !== undefined);
  }

  /** Deployments of two versions may report one name in two shapes: each keeps its own series. */
  #instrument({ name, unit, help, labelNames, boundaries }: Shape): Instrument {
    const id = JSON.stringify([name, unit, labelNames, boundaries ?? null]);
    let instrument = this.#instruments.get(id);
    if (instrument === undefined) {
      instrument = new Instrument({ name, unit, help, labelNames, boundaries }, () => this.#claim());
      this.#instruments.set(id, instrument);
    }
    return instrument;
  }

  #claim(): boolean {
    if (this.#series >= this.#maxSeries) return false;
    this.#series++;
    return true;
  }
}

function shape(
  name: string,
  labelNames: readonly string[],
  { unit = "", help = "" }: About,
): Omit<Shape, "boundaries"> {
  return { name, unit, help, labelNames };
}
