-- The token bucket: every question to it is one run of this script, and so one atomic step.
--
-- All times are whole microseconds, which a Lua number holds exactly until the year 2255. All keys
-- share one hash tag and expire by themselves.
--
-- KEYS  meta, limits, scopes; then for each scope that is touched: its record, plan and state.
-- ARGV  1 operation: acquire, release, block, state or recall
--       2 the caller's limits: "limits=", then "kind permits window spacing;" for each
--       3 grace    how late the holder of a booking may come
--       4 fresh    how long a grant is told again to whoever asks with its id
--       5 closing  how long a loss of state closes everything
--       6 options  letters: e = an empty Redis is a first start, n = the run id is not asked for,
--                  s = the short way of step 3 is not open to this call, p = it leaves out scopes
--                  that the caller has no limit for
--       7 number of scopes, the global one first; for each: kind, how many requests of the call count
--         on it, how long its record is kept, number of its limits, and of each limit permits, window
--         and spacing, which is 0 for a rolling one
--       then what belongs to the operation, as said where it is read.
-- Reply {when state was lost, 0 if that is long over, ...}, then as said at each operation.
--
-- A scope has two calendars: the record (id -> instant of its grant), which is what the API may see,
-- and the plan (id -> instant promised). One calendar for both would be a trap: a promise redeemed a
-- little late would count at its old instant, and the next full window would pack against it.

local call, format = redis.call, string.format
local META, LIMITS, SCOPES = KEYS[1], KEYS[2], KEYS[3]
local OPERATION, CONFIG, OPTIONS = ARGV[1], ARGV[2], ARGV[6]
local DAY = 86400000000

-- Lua would write large numbers with an exponent and lose digits.
local function text(micros)
  return format('%.0f', micros)
end

local function expire(key, micros)
  call('PEXPIRE', key, format('%.0f', (micros + DAY) / 1000))
end

-- Step 1: the time. A clock of our own that adds the server's steps forward and ignores those
-- backward, so that setting the clock back neither closes the gate for an hour nor opens it twice.
local time = call('TIME')
local server_time = time[1] * 1000000 + time[2]
local meta = call('GET', META)
local now, last_time, quiet_from = 0, 0, 0
if meta then
  local is_ours
  is_ours, now, last_time, quiet_from =
    string.match(meta, '^(now)=(%d+) time=(%d+) quiet=(%d+) ')
  if not is_ours then
    return redis.error_reply('CORRUPT ' .. META .. ' does not hold what this bucket writes')
  end
  now, last_time, quiet_from = now + 0, last_time + 0, quiet_from + 0
end

-- Step 2: the epoch. A server that holds no state, or that another process has taken over (empty, or
-- a replica that lags), may have forgotten grants: it stays closed until those are a window old. The
-- run id is asked for once a millisecond, which is sooner than any failover.
local is_due = server_time < last_time or server_time - last_time >= 1000
local run_id
local is_lost = false
if is_due then
  if string.find(OPTIONS, 'n', 1, true) then
    run_id = not meta and '-' or nil -- another caller may have asked for it
  else
    local info = redis.pcall('INFO', 'server')
    run_id = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
    if not run_id then
      return redis.error_reply('NORUNID this server does not tell its run id')
    end
  end
  if not meta then
    now = server_time
    is_lost = not string.find(OPTIONS, 'e', 1, true)
  elseif run_id and not string.find(meta, ' run_id=' .. run_id .. ' ', 1, true) then
    is_lost = true
    now = now + 1 -- no time has passed: the new server's clock says nothing about the old one's
  end
end
local last_now = now
if meta and not is_lost and server_time > last_time then
  now = now + server_time - last_time
end
