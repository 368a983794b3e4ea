import { expect, test } from "vitest";
import { figure, median, ratio } from "./statistics.ts";

test("the median is the middle of the sorted values, or the mean of the middle two", () => {
  expect(median([10, 9, 100])).toBe(10);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test("a figure keeps its rounds in their order", () => {
  const rounds = [3, 1, 2];
  expect(figure(rounds)).toEqual({ median: 2, min: 1, max: 3, rounds: [3, 1, 2] });
  expect(rounds).toEqual([3, 1, 2]);
});

test("a ratio compares round by round, so a slow round of both sides counts like a fast one", () => {
  expect(ratio([100, 10, 90], [200, 20, 90])).toMatchObject({ median: 0.5, min: 0.5, max: 1 });
});
