// Checks at a fixed rate, whatever the answers take: what a caller waits, without the coordination that closed loops hide
// (a constant-arrival-rate executor; requests that find no free virtual user are reported as dropped).
// k6 run --no-usage-report -e URL=… -e RATE=1000 -e SECONDS=10 [-e TOKEN=…] bench/k6/fixed-rate.js
import { check } from "k6";
import http from "k6/http";

const keys = 10_000;
const url = `${__ENV.URL}/v1/limits/check`;
const headers = { "Content-Type": "application/json" };
if (__ENV.TOKEN) headers.Authorization = `Bearer ${__ENV.TOKEN}`;

export const options = {
  scenarios: {
    fixed: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE),
      timeUnit: "1s",
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: 200,
      maxVUs: 1000,
    },
  },
  summaryTrendStats: ["med", "p(99)", "p(99.9)", "max"],
  discardResponseBodies: true,
};

export default function () {
  const key = `user:${Math.floor(Math.random() * keys)}`;
  const answer = http.post(url, JSON.stringify({ checks: [{ limit: "bench", key, cost: 1 }] }), { headers });
  check(answer, { "status 200": ({ status }) => status === 200 });
}

/** One line of JSON for the benchmark that runs this. */
export function handleSummary({ metrics }) {
  const { values } = metrics.http_req_duration;
  const said = {
    requests: metrics.http_reqs.values.count,
    failed: metrics.checks.values.fails,
    dropped: metrics.dropped_iterations?.values.count ?? 0,
    p50Ms: values.med,
    p99Ms: values["p(99)"],
    p999Ms: values["p(99.9)"],
    maxMs: values.max,
  };
  return { stdout: `${JSON.stringify(said)}\n` };
}
