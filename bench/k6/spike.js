// Calm, ten times as much within a second, calm again. In the spike answers may be late or come from the fail mode, but
// each is an answer; afterwards it must be as before.
// BASE_URL=… ADMIN_KEY=… [RATE=200] k6 run --no-usage-report bench/k6/spike.js
import { check } from "k6";
import { checkOnce, isDecision, setUp, tearDown } from "./scenario.js";

const rate = Number(__ENV.RATE || 200);
const calmSeconds = Number(__ENV.CALM_SECONDS || 15);
const spikeSeconds = Number(__ENV.SPIKE_SECONDS || 10);
/** The queue that the spike leaves is worked off. */
const restSeconds = 5;

const calmAt = (startTime) => ({
  executor: "constant-arrival-rate",
  rate,
  duration: `${calmSeconds}s`,
  startTime: `${startTime}s`,
  preAllocatedVUs: 50,
  exec: "calm",
});

export const options = {
  scenarios: {
    before: calmAt(0),
    spike: {
      executor: "ramping-arrival-rate",
      startRate: rate,
      startTime: `${calmSeconds}s`,
      stages: [
        { target: rate * 10, duration: "1s" },
        { target: rate * 10, duration: `${spikeSeconds}s` },
        { target: rate, duration: "1s" },
      ],
      preAllocatedVUs: 200,
      maxVUs: 1000,
      exec: "spike",
    },
    after: calmAt(calmSeconds + spikeSeconds + 2 + restSeconds),
  },
  thresholds: {
    "checks{scenario:before}": ["rate>0.999"],
    "checks{scenario:spike}": ["rate>0.99"],
    "checks{scenario:after}": ["rate>0.999"],
    "http_req_duration{scenario:before}": ["p(99)<250"],
    "http_req_duration{scenario:after}": ["p(99)<250"],
  },
  summaryTrendStats: ["med", "p(95)", "p(99)", "max"],
};

export const setup = () => setUp("spike", { algorithm: "gcra", limit: 100, windowMs: 60_000 });

export function calm(data) {
  isDecision(checkOnce(data));
}

export function spike(data) {
  check(checkOnce(data), { "an answer": ({ status }) => status === 200 || status === 429 || status === 503 });
}

export const teardown = tearDown;
