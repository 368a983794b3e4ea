// Does it work at all: one virtual user, half a minute, a limit that is reached.
// BASE_URL=http://127.0.0.1:8787 ADMIN_KEY=… k6 run --no-usage-report bench/k6/smoke.js
import { check } from "k6";
import { Counter } from "k6/metrics";
import { checkOnce, isDecision, setUp, tearDown } from "./scenario.js";

const duration = __ENV.DURATION || "30s";
const limit = 5;
const admitted = new Counter("admitted");

export const options = {
  scenarios: { smoke: { executor: "constant-arrival-rate", rate: 20, duration, preAllocatedVUs: 5 } },
  thresholds: {
    checks: ["rate==1"],
    "http_req_duration{name:check}": ["p(95)<250"],
    "http_req_failed{name:check}": ["rate==0"],
    dropped_iterations: ["count==0"],
    admitted: [`count==${limit}`],
  },
};

export function setup() {
  // At most so many in any span of a day, so also in any run.
  return setUp("smoke", { algorithm: "sliding-log", limit, windowMs: 86_400_000 });
}

export default function (data) {
  const response = checkOnce(data, "smoke");
  if (isDecision(response) && response.json("allowed") === true) admitted.add(1);
  check(response, {
    "429 says when to retry": ({ status, headers }) => status === 200 || Number(headers["Retry-After"]) > 0,
  });
}

export const teardown = tearDown;
