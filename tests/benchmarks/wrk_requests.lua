-- Sends the raw HTTP requests of a file, separated by lines of three equals signs, in order.
-- Arguments: the file; "once" to stop at its end and say so on standard error, or "again" to begin anew.
-- After "once", wrk waits for a signal: it has no other way to end before its time.
-- Prints one line of JSON: requests, errors and latencies in microseconds.

local requests, count, at, once = {}, 0, 0, false

function init(args)
  once = args[2] == "once"
  local file = assert(io.open(args[1], "rb"))
  local text = file:read("*a")
  file:close()
  local from = 1
  while true do
    local first, last = text:find("\n===\n", from, true)
    if not first then break end
    count = count + 1
    requests[count] = text:sub(from, first - 1)
    from = last + 1
  end
  assert(count > 0, "no requests")
end

function request()
  at = at + 1
  if at > count then
    if once then
      if at == count + 1 then
        io.stderr:write("sent all\n")
        io.stderr:flush()
      end
      wrk.thread:stop()
      return requests[count]
    end
    at = 1
  end
  return requests[at]
end

function done(summary, latency, _)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "broken": %d, "refused": %d, "p50": %d, "p99": %d, "p999": %d}\n',
    summary.requests, summary.duration, failed, summary.errors.status,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
