-- Closes a scope for a time. KEYS its block; ARGV microseconds from now. Never shortens a block.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local blocked_until = math.max(now + tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or 0))
local millis = math.max(1, math.ceil((blocked_until - now) / 1000))
redis.call('SET', KEYS[1], string.format('%.0f', blocked_until), 'PX', string.format('%.0f', millis))
return 1
