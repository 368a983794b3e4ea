/**
 * The shapes in which metrics travel. Names, units and boundaries follow OpenTelemetry's semantic conventions. What a pulse
 * carries are increments, what the root renders are sums: both are families of series.
 */

interface FamilyHead {
  readonly name: string;
  /** UCUM code such as `s`, `By` or `{request}`; empty when there is none. */
  readonly unit: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** One combination of label values. `labels` is null for the overflow series. */
export interface CounterSeries {
  readonly labels: readonly string[] | null;
  readonly value: number;
}

/** `counts` has one more member than the boundaries: the last counts what is above all of them. */
export interface HistogramSeries {
  readonly labels: readonly string[] | null;
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface CounterFamily extends FamilyHead {
  readonly kind: "counter";
  readonly series: readonly CounterSeries[];
}

export interface HistogramFamily extends FamilyHead {
  readonly kind: "histogram";
  readonly boundaries: readonly number[];
  readonly series: readonly HistogramSeries[];
}

export type MetricFamily = CounterFamily | HistogramFamily;
