import type { HistogramSeries, MetricFamily } from "./family.ts";

/** Content type of the text format 0.0.4. */
export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/** UCUM codes that Prometheus spells out. Others, and annotations such as `{request}`, leave no suffix. */
const unitNames: Readonly<Record<string, string>> = {
  ms: "milliseconds",
  s: "seconds",
  min: "minutes",
  h: "hours",
  d: "days",
  By: "bytes",
  "%": "percent",
};

/**
 * Renders families in Prometheus' text format, with OpenTelemetry's names mapped as its specification of Prometheus
 * compatibility says: other characters become `_`, the unit and `_total` are appended.
 */
export function renderPrometheus(families: readonly MetricFamily[]): string {
  const byName = new Map<string, MetricFamily[]>();
  for (const family of families) {
    const id = `${metricName(family)} ${family.kind}`;
    byName.set(id, [...(byName.get(id) ?? []), family]);
  }
  const named = new Set<string>();
  let text = "";
  for (const [, group] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [first] = group;
    if (first === undefined) continue;
    const name = metricName(first);
    // A name has one type; of two versions that disagree on it only one can be shown.
    if (named.has(name)) continue;
    named.add(name);
    if (first.help !== "") text += `# HELP ${name} ${escapeHelp(first.help)}\n`;
    text += `# TYPE ${name} ${first.kind}\n`;
    const shown = new Set<string>();
    for (const family of group) text += renderSeries(name, family, shown);
  }
  return text;
}

/** @param shown label sets already rendered under this name: a second one would make the whole text invalid */
function renderSeries(name: string, family: MetricFamily, shown: Set<string>): string {
  let text = "";
  for (const series of family.series) {
    const pairs = labelPairs(family, series.labels);
    const id = pairs.toSorted().join();
    if (shown.has(id)) continue;
    shown.add(id);
    text += "counts" in series ? renderHistogram(name, pairs, series, family) : line(name, pairs, series.value);
  }
  return text;
}

function renderHistogram(
  name: string,
  pairs: readonly string[],
  { counts, sum }: HistogramSeries,
  family: MetricFamily,
): string {
  const boundaries = family.kind === "histogram" ? family.boundaries : [];
  let text = "";
  let total = 0;
  for (const [bucket, count] of counts.entries()) {
    total += count;
    text += line(`${name}_bucket`, [...pairs, `le="${boundaries[bucket] ?? "+Inf"}"`], total);
  }
  return text + line(`${name}_sum`, pairs, sum) + line(`${name}_count`, pairs, total);
}

function line(name: string, pairs: readonly string[], value: number): string {
  return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}\n`;
}

function labelPairs(family: MetricFamily, labels: readonly string[] | null): string[] {
  if (labels === null) return ['otel_metric_overflow="true"'];
  return family.labelNames.map((name, index) => `${identifier(name)}="${escapeLabel(labels[index] ?? "")}"`);
}

function metricName({ name, unit, kind }: MetricFamily): string {
  const base = identifier(name);
  const unitName = unitNames[unit];
  const withUnit = unitName === undefined || base.endsWith(`_${unitName}`) ? base : `${base}_${unitName}`;
  return kind === "counter" && !withUnit.endsWith("_total") ? `${withUnit}_total` : withUnit;
}

function identifier(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]+/g, "_").replace(/^(?=\d)/, "_");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
