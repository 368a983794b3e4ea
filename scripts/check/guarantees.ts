import { isTest, lineAt, type Source, type Violation } from "./source.ts";

/** Where docs/SPEC.md numbers a guarantee: the first cell of a table's row. */
const numbered = /^\| ([A-Z]{2}-\d+) /gm;

/**
 * Guarantees that no test quotes, and numbers that tests quote and the specification does not have: a guarantee without a
 * test that can fail is not one.
 *
 * @param spec the specification, with its path
 */
export function guaranteeViolations(spec: Source, sources: readonly Source[]): Violation[] {
  const promised = new Map(
    [...spec.text.matchAll(numbered)].map(({ 1: number = "", index }) => [number, lineAt(spec.text, index)]),
  );
  const families = new Set([...promised.keys()].map((number) => number.slice(0, 2)));
  const quoted = new Set<string>();
  const unknown: Violation[] = [];
  for (const { path, text } of sources.filter((source) => isTest(source.path))) {
    for (const { 0: number, index } of text.matchAll(/\b[A-Z]{2}-\d+\b/g)) {
      if (promised.has(number)) quoted.add(number);
      else if (families.has(number.slice(0, 2))) {
        unknown.push({ path, line: lineAt(text, index), message: `${spec.path} has no ${number}` });
      }
    }
  }
  const untested = [...promised].filter(([number]) => !quoted.has(number));
  return [
    ...untested.map(([number, line]) => ({ path: spec.path, line, message: `no test quotes ${number}` })),
    ...unknown,
  ];
}
