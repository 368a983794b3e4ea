import { type Account, advance, check, open, spent } from "../../core/rate-limit/account.ts";
import type { MeterPolicy } from "../../core/rate-limit/policy.ts";
import { type Environment, environment } from "../harness/environment.ts";
import { type Figure, figure } from "../harness/statistics.ts";

/** Admits everything that a run asks for, but for the log, whose limit is the largest that it takes. */
const limit = 1_000_000;
const windowMs = 60_000;
const policies = {
  gcra: { algorithm: "gcra", limit, windowMs, burst: limit },
  "token-bucket": { algorithm: "token-bucket", limit, windowMs, burst: limit },
  "fixed-window": { algorithm: "fixed-window", limit, windowMs },
  "sliding-window": { algorithm: "sliding-window", limit, windowMs },
  "sliding-log": { algorithm: "sliding-log", limit: 1000, windowMs },
  quota: { algorithm: "quota", limit, calendar: { unit: "day", timeZone: "Europe/Paris" } },
} as const satisfies Record<string, MeterPolicy>;

export type Algorithm = keyof typeof policies;
export const algorithms = Object.keys(policies) as Algorithm[];

/** Accounts decided in turn: more than fit the processor's nearest cache, as in an object. */
const accounts = 4096;
/** Decisions between two looks at the clock. */
const chunk = 100_000;
/** Time between two decisions of the made-up clock, milliseconds. */
const stepMs = 1;
/** Any time in the middle of a year. */
const startMs = Date.UTC(2026, 5, 15, 12);

export interface CoreSettings {
  readonly seconds: number;
  readonly rounds: number;
  readonly only: readonly Algorithm[];
}

export interface CoreResults {
  readonly environment: Environment;
  readonly settings: CoreSettings;
  readonly algorithms: readonly { readonly algorithm: Algorithm; readonly nsPerDecision: Figure }[];
}

/** Nanoseconds of one decision: an account is advanced, checked, and spent from when the check allows it. */
export function benchCore(settings: CoreSettings): CoreResults {
  const runs = new Map<Algorithm, number[]>(settings.only.map((algorithm) => [algorithm, []]));
  for (const [algorithm] of runs) decide(policies[algorithm], 1);
  for (let round = 0; round < settings.rounds; round++) {
    for (const [algorithm, rounds] of runs) rounds.push(decide(policies[algorithm], settings.seconds));
  }
  const figures = [...runs].map(([algorithm, rounds]) => ({ algorithm, nsPerDecision: figure(rounds) }));
  return { environment: environment(), settings, algorithms: figures };
}

/** Decides for about `seconds` and gives nanoseconds a decision. */
function decide(policy: MeterPolicy, seconds: number): number {
  const held: Account[] = Array.from({ length: accounts }, () => open(policy, 1, startMs));
  let nowMs = startMs;
  let decisions = 0;
  let allowed = 0;
  const startedMs = performance.now();
  let elapsedMs = 0;
  while (elapsedMs < seconds * 1000) {
    for (let at = 0; at < chunk; at++) {
      const place = at % accounts;
      const account = advance(held[place] as Account, nowMs);
      if (check(account, 1).allowed) {
        held[place] = spent(account, 1).account;
        allowed++;
      } else held[place] = account;
      nowMs += stepMs;
    }
    decisions += chunk;
    elapsedMs = performance.now() - startedMs;
  }
  if (allowed === 0) throw new Error(`${policy.algorithm} admitted nothing`);
  return (elapsedMs * 1e6) / decisions;
}

/** The results as a page of Markdown. */
export function markdown({ environment: machine, settings, algorithms: measured }: CoreResults): string {
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const rows = measured.map(({ algorithm, nsPerDecision: { median, min, max } }) => {
    return `| ${algorithm} | ${whole.format(median)} | ${whole.format(min)}–${whole.format(max)} | ${whole.format(1e9 / median)} |`;
  });
  return [
    "# Core: figures",
    "",
    `Measured ${machine.date.slice(0, 10)} at ${machine.commit} by \`npm run bench -- core\`: medians of ${settings.rounds} rounds of ${settings.seconds} s. ` +
      `One decision advances an account, checks it and spends from it; ${accounts} accounts in turn, ${stepMs} ms apart.`,
    "",
    "| Algorithm | ns a decision | Least–most | Decisions/s |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    `${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.versions.node}.`,
    "",
    "Not measured: storage, transport, JSON, and workerd, whose V8 is another version than Node's.",
    "",
  ].join("\n");
}
