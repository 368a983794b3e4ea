import { expect, test } from "vitest";
import type { MetricFamily } from "./family.ts";
import { ofLabel } from "./of-label.ts";

const head = { unit: "", help: "" };
const histogram: MetricFamily = {
  ...head,
  kind: "histogram",
  name: "durations",
  labelNames: ["tenant"],
  boundaries: [1],
  series: [{ labels: ["a"], counts: [1, 0], sum: 1 }],
};
const decisions: MetricFamily = {
  ...head,
  kind: "counter",
  name: "decisions",
  labelNames: ["limit", "tenant"],
  series: [
    { labels: ["api", "a"], value: 1 },
    { labels: ["a", "b"], value: 2 },
    { labels: null, value: 3 },
  ],
};
const total: MetricFamily = {
  ...head,
  kind: "counter",
  name: "total",
  labelNames: [],
  series: [{ labels: [], value: 6 }],
};

test("AU-2 of families only the series with the label's value are left: no overflow, no sums over all", () => {
  const ofA = [histogram, { ...decisions, series: [{ labels: ["api", "a"], value: 1 }] }];
  expect(ofLabel([histogram, decisions, total], "tenant", "a")).toEqual(ofA);
  expect(ofLabel([histogram, decisions, total], "tenant", "c")).toEqual([]);
});
