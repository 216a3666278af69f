-- Replays prepared HTTP requests in a random order with a fixed seed.
-- Usage: wrk ... -s replay.lua URL -- FILE SEED ROUND, where FILE holds raw requests separated by NUL bytes.
-- "@@@@@@@@" in a request becomes a number that no earlier request of the run had: SQLite skips the page write
-- when an update stores what is already there, and such an update would measure nothing.
-- Preparing the rest outside keeps the load generator cheap: it shares the machine with the server.

local before, after, counter = {}, {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for request in file:read("*a"):gmatch("[^%z]+") do
    local first, last = request:find("@@@@@@@@", 1, true)
    before[#before + 1] = first and request:sub(1, first - 1) or request
    after[#before] = first and request:sub(last + 1) or false
  end
  file:close()
  math.randomseed(tonumber(args[2]) + tonumber(args[3]))
  counter = tonumber(args[3]) * 1000000
end

function request()
  local i = math.random(#before)
  if not after[i] then return before[i] end
  counter = counter + 1
  return before[i] .. string.format("%08d", counter) .. after[i]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "microseconds": %d, "bytes": %d, "refused": %d, "broken": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
