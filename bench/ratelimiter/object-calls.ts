import { setTimeout as sleep } from "node:timers/promises";

/** Isolates report at most every 400 ms, with the next request. */
const reportMs = 500;

/** What Breakwater's own counters say of its objects. */
export interface ObjectCalls {
  readonly requests: number;
  readonly checks: number;
}

/** Reads the counters of a platform, once what its isolate has counted has arrived there. */
export async function readObjectCalls(url: string, adminKey: string): Promise<ObjectCalls> {
  // The first reading is the request that takes the isolate's last counts along.
  await sleep(reportMs);
  await scrape(url, adminKey);
  await sleep(reportMs);
  const text = await scrape(url, adminKey);
  return {
    requests: total(text, "breakwater_ratelimit_object_requests_total"),
    checks: total(text, "breakwater_ratelimit_object_checks_total"),
  };
}

async function scrape(url: string, adminKey: string): Promise<string> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminKey}` } });
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  return response.text();
}

/** The sum of a counter over its labels. */
function total(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) sum += Number(line.split(" ").at(-1));
  }
  return sum;
}
