// A steady load for as long as you like, at a rate that the machine carries: does it hold its latency?
// BASE_URL=… ADMIN_KEY=… [RATE=500] [DURATION=1m] k6 run --no-usage-report bench/k6/load.js
import { checkOnce, isDecision, setUp, tearDown } from "./scenario.js";

const rate = Number(__ENV.RATE || 500);
const duration = __ENV.DURATION || "1m";

export const options = {
  scenarios: {
    load: { executor: "constant-arrival-rate", rate, duration, preAllocatedVUs: 50, maxVUs: 500 },
  },
  thresholds: {
    checks: ["rate>0.999"],
    "http_req_duration{name:check}": ["p(50)<50", "p(99)<250"],
    "http_req_failed{name:check}": ["rate<0.001"],
    dropped_iterations: [`count<${rate}`],
  },
  summaryTrendStats: ["med", "p(95)", "p(99)", "p(99.9)", "max"],
};

export const setup = () => setUp("load", { algorithm: "gcra", limit: 100, windowMs: 60_000 });

export default function (data) {
  isDecision(checkOnce(data));
}

export const teardown = tearDown;
