-- Posts the lines of a file in turn, each as a JSON body. Requests are made before the clock starts, and answers are not
-- looked at beyond their status, so the load generator stays cheap.
-- wrk … -s post-lines.lua URL -- BODIES_FILE [TOKEN]
local requests = {}
local at = 0

function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  if args[2] then headers["Authorization"] = "Bearer " .. args[2] end
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, line)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"durationUs":%d,"refused":%d,"broken":%d,"p50Us":%d,"p99Us":%d,"p999Us":%d}\n',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
