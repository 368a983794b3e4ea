import { isTest, lineAt, type Source, type Violation, withoutComments } from "./source.ts";

/** What makes a function depend on more than its arguments. Clock and randomness come in as arguments. */
const impure: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b/g, "Date.now"],
  [/\bnew Date\(\s*\)|(?<![.\w]|new )Date\(/g, "the clock behind Date()"],
  [/\bTemporal\.Now\b/g, "Temporal.Now"],
  [/(?<![.\w])performance\./g, "performance"],
  [/\bMath\.random\b/g, "Math.random"],
  [/(?<![.\w])crypto\./g, "crypto"],
  [/(?<![.\w])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\(/g, "timers"],
  [/(?<![.\w])fetch\(/g, "fetch"],
  [/(?<![.\w])(?:process|globalThis|console)\./g, "the process around it"],
];

/** Where core uses a clock, randomness, timers or the network. */
export function purityViolations(sources: readonly Source[]): Violation[] {
  const core = sources.filter(({ path }) => path.startsWith("core/") && !isTest(path));
  return core.flatMap(({ path, text }) => {
    const code = withoutComments(text);
    return impure.flatMap(([pattern, what]) =>
      [...code.matchAll(pattern)].map(({ index }) => ({
        path,
        line: lineAt(text, index),
        message: `core must not use ${what}`,
      })),
    );
  });
}
