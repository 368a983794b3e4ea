import { expect, test } from "vitest";
import { Metrics } from "./metrics.ts";
import { renderPrometheus } from "./prometheus.ts";

test("OpenTelemetry's names become Prometheus': unit and _total appended, annotations dropped", () => {
  const metrics = new Metrics();
  metrics
    .counter("breakwater.limits.checks", ["outcome"], { unit: "{check}", help: "Checks decided." })
    .add(3, "allowed");
  metrics.counter("io.read", [], { unit: "By" }).add(10);
  metrics
    .histogram("http.server.request.duration", ["http.route", "http.request.method"], [0.1, 1], { unit: "s" })
    .record(0.5, "/v1/limits/check", "POST");
  expect(renderPrometheus(metrics.sums())).toBe(
    [
      "# HELP breakwater_limits_checks_total Checks decided.",
      "# TYPE breakwater_limits_checks_total counter",
      'breakwater_limits_checks_total{outcome="allowed"} 3',
      "# TYPE http_server_request_duration_seconds histogram",
      'http_server_request_duration_seconds_bucket{http_route="/v1/limits/check",http_request_method="POST",le="0.1"} 0',
      'http_server_request_duration_seconds_bucket{http_route="/v1/limits/check",http_request_method="POST",le="1"} 1',
      'http_server_request_duration_seconds_bucket{http_route="/v1/limits/check",http_request_method="POST",le="+Inf"} 1',
      'http_server_request_duration_seconds_sum{http_route="/v1/limits/check",http_request_method="POST"} 0.5',
      'http_server_request_duration_seconds_count{http_route="/v1/limits/check",http_request_method="POST"} 1',
      "# TYPE io_read_bytes_total counter",
      "io_read_bytes_total 10",
      "",
    ].join("\n"),
  );
});

test("label values and help are escaped", () => {
  const metrics = new Metrics();
  metrics.counter("c", ["l"], { help: 'a\\b\n"' }).add(1, 'x"\\\ny');
  expect(renderPrometheus(metrics.sums())).toBe(
    '# HELP c_total a\\\\b\\n"\n# TYPE c_total counter\nc_total{l="x\\"\\\\\\ny"} 1\n',
  );
});

test("the overflow series says so", () => {
  const metrics = new Metrics(0);
  metrics.counter("c", ["l"]).add(4, "x");
  expect(renderPrometheus(metrics.sums())).toContain('c_total{otel_metric_overflow="true"} 4');
});

test("two versions that disagree on boundaries never give one series twice", () => {
  const metrics = new Metrics();
  metrics.histogram("h", ["l"], [1]).record(1, "x");
  metrics.histogram("h", ["l"], [2]).record(1, "x");
  expect(renderPrometheus(metrics.sums()).match(/h_sum/g)).toHaveLength(1);
});
