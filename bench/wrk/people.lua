-- Sends requests of people in turn; with a third argument "next" each answer's refresh token goes into the request that follows,
-- because a refresh token serves once.
-- Usage: wrk ... -s people.lua URL -- FILE [next], where FILE holds raw requests separated by NUL bytes. In mode "next" it holds
-- refresh tokens instead, one a line, after a first line with the request, in which "#" stands for the length of the body.

local waiting, first, last, template = {}, 1, 0, nil

function init(args)
  local file = assert(io.open(args[1], "rb"))
  if args[2] == "next" then
    template = file:read("*l"):gsub("\\r\\n", "\r\n")
    for token in file:lines() do last = last + 1; waiting[last] = token end
  else
    for each in file:read("*a"):gmatch("[^%z]+") do last = last + 1; waiting[last] = each end
  end
  file:close()
  if not template then response = nil end
end

function request()
  local found = waiting[first]
  waiting[first] = nil
  first = first + 1
  if not template then
    last = last + 1
    waiting[last] = found
    return found
  end
  local body = '{"refresh_token":"' .. found .. '"}'
  return (template:gsub("#", #body, 1)) .. body
end

function response(status, headers, body)
  local token = body:match('"refresh_token":"([^"]+)"')
  if token then last = last + 1; waiting[last] = token end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "microseconds": %d, "bytes": %d, "refused": %d, "broken": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
