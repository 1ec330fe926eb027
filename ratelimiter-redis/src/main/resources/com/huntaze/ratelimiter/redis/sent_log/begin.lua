-- May a message's call be made? One atomic step, by the server's own clock.
--
-- KEYS  the message's
-- ARGV  1 holder  2 its revivals  3 its lease in microseconds  4 whether any doubt is ended: 1 or 0
--       5 for how many milliseconds the message is remembered
-- Reply 0 started, 1 already sent, 2 in progress, 3 in doubt
--
-- The value is 'sent', or 'begun <end of the lease> <revivals> <holder>'. Times are whole
-- microseconds, which a Lua number holds exactly until the year 2255.

local state = redis.call('GET', KEYS[1])
if state == 'sent' then
  return 1
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if state then
  local lease_end, revivals = string.match(state, '^begun (%d+) (%d+) ')
  if not lease_end then
    return redis.error_reply('CORRUPT ' .. KEYS[1] .. ' does not hold what this log writes')
  end
  if now < lease_end + 0 then
    return 2
  end
  if ARGV[4] == '0' and ARGV[2] + 0 <= revivals + 0 then
    return 3
  end
end
local lease_end = string.format('%.0f', now + ARGV[3])
local begun = 'begun ' .. lease_end .. ' ' .. ARGV[2] .. ' ' .. ARGV[1]
redis.call('SET', KEYS[1], begun, 'PX', ARGV[5])
return 0
