-- Ends a call that did not deliver, if it is the one that was begun last.
--
-- KEYS  the message's
-- ARGV  1 holder  2 its revivals

local state = redis.call('GET', KEYS[1])
local revivals, holder = string.match(state or '', '^begun %d+ (%d+) (.*)$')
if holder == ARGV[1] and revivals == ARGV[2] then
  redis.call('DEL', KEYS[1])
end
return 0
