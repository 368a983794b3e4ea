import type { CounterSeries, HistogramSeries, MetricFamily } from "./family.ts";

/** What one series holds; changed in place, because the hot path adds to it. */
interface Cell {
  readonly labels: readonly string[] | null;
  /** A counter's value, a histogram's sum. */
  value: number;
  /** Empty for a counter. */
  counts: number[];
  touched: boolean;
}

type Branch = Map<string, Branch | Cell>;

/** What an instrument is, apart from its series. */
export interface Shape {
  readonly name: string;
  readonly unit: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds (inclusive) of a histogram's buckets, ascending; undefined for a counter. */
  readonly boundaries: readonly number[] | undefined;
}

/** One family's series, in a tree by label value: finding one builds no string, and no two label sets collide. */
export class Instrument {
  #shape: Shape;
  readonly #cells: Cell[] = [];
  readonly #tree: Branch = new Map();
  readonly #claim: () => boolean;
  #overflow: Cell | undefined;

  /** @param claim takes one series out of the registry's bound; false when it is used up. */
  constructor(shape: Shape, claim: () => boolean) {
    this.#shape = shape;
    this.#claim = claim;
  }

  /** Adds `increment` (finite, at least 0) to the counter's series of these label values, one for each label name. */
  add(increment: number, ...labels: string[]): void {
    const cell = this.#cell(labels);
    cell.value += increment;
    cell.touched = true;
  }

  /** Counts `value` in the histogram's series of these label values. What is not finite is dropped: it would spoil the sum for good. */
  record(value: number, ...labels: string[]): void {
    if (!Number.isFinite(value)) return;
    const cell = this.#cell(labels);
    const boundaries = this.#shape.boundaries ?? [];
    let bucket = 0;
    while (bucket < boundaries.length && value > (boundaries[bucket] as number)) bucket++;
    cell.counts[bucket] = (cell.counts[bucket] ?? 0) + 1;
    cell.value += value;
    cell.touched = true;
  }

  /** Adds another instrument's increments. They must be of the same shape but for the help, which is then theirs. */
  merge(family: MetricFamily): void {
    // Sums outlive deployments, and the newest one words it best.
    if (family.help !== this.#shape.help) this.#shape = { ...this.#shape, help: family.help };
    for (const series of family.series) {
      const cell = this.#cell(series.labels);
      cell.touched = true;
      if ("counts" in series) {
        cell.value += series.sum;
        for (const [bucket, count] of series.counts.entries()) cell.counts[bucket] = (cell.counts[bucket] ?? 0) + count;
      } else {
        cell.value += series.value;
      }
    }
  }

  get isTouched(): boolean {
    return this.#cells.some((cell) => cell.touched);
  }

  /** What was touched; with `reset` it starts again from zero. Undefined when nothing was. */
  collect(reset: boolean): MetricFamily | undefined {
    const touched = this.#cells.filter((cell) => cell.touched);
    if (touched.length === 0) return undefined;
    const { boundaries, ...head } = this.#shape;
    const family: MetricFamily =
      boundaries === undefined
        ? { ...head, kind: "counter", series: touched.map(counterSeries) }
        : { ...head, kind: "histogram", boundaries, series: touched.map(histogramSeries) };
    if (reset) for (const cell of touched) clear(cell);
    return family;
  }

  #cell(labels: readonly string[] | null): Cell {
    if (labels === null) return this.#overflowCell();
    const depth = this.#shape.labelNames.length;
    if (labels.length !== depth) throw new Error(`${this.#shape.name} takes ${depth} label values`);
    let node: Branch | Cell | undefined = this.#tree;
    // A family without labels has one series, under the empty string.
    for (let level = 0; level < Math.max(depth, 1) && node !== undefined; level++) {
      node = (node as Branch).get(labels[level] ?? "");
    }
    return (node as Cell | undefined) ?? this.#grow(labels);
  }

  /** A new series or, beyond the bound, the overflow: nothing of its labels is then remembered. */
  #grow(labels: readonly string[]): Cell {
    if (!this.#claim()) return this.#overflowCell();
    let branch = this.#tree;
    for (const label of labels.slice(0, -1)) {
      const next = branch.get(label);
      if (next instanceof Map) {
        branch = next;
      } else {
        const added: Branch = new Map();
        branch.set(label, added);
        branch = added;
      }
    }
    const cell = this.#newCell([...labels]);
    branch.set(labels.at(-1) ?? "", cell);
    return cell;
  }

  #overflowCell(): Cell {
    this.#overflow ??= this.#newCell(null);
    return this.#overflow;
  }

  #newCell(labels: readonly string[] | null): Cell {
    const cell = { labels, value: 0, counts: zeroes(this.#shape), touched: false };
    this.#cells.push(cell);
    return cell;
  }
}

function zeroes(shape: Shape): number[] {
  return shape.boundaries === undefined ? [] : new Array<number>(shape.boundaries.length + 1).fill(0);
}

function clear(cell: Cell): void {
  cell.value = 0;
  cell.counts = cell.counts.map(() => 0);
  cell.touched = false;
}

function counterSeries({ labels, value }: Cell): CounterSeries {
  return { labels, value };
}

function histogramSeries({ labels, value, counts }: Cell): HistogramSeries {
  return { labels, counts: [...counts], sum: value };
}
