import type { MetricFamily } from "./family.ts";

/** The series whose label `name` is `value`. Families without such series are left out, and so are the overflow series. */
export function ofLabel(families: readonly MetricFamily[], name: string, value: string): MetricFamily[] {
  return families.flatMap((family) => {
    const index = family.labelNames.indexOf(name);
    if (index < 0) return [];
    const isOf = ({ labels }: { readonly labels: readonly string[] | null }) => labels?.[index] === value;
    const some: MetricFamily =
      family.kind === "counter"
        ? { ...family, series: family.series.filter(isOf) }
        : { ...family, series: family.series.filter(isOf) };
    return some.series.length === 0 ? [] : [some];
  });
}
