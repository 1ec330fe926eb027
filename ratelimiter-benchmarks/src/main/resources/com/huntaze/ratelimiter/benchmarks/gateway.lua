-- The token bucket that API gateways run, for comparison: it refills by whole seconds.
-- KEYS tokens left, second they were counted at; ARGV refill a second, capacity. Reply 1 or 0.
local refill = tonumber(ARGV[1])
local capacity = tonumber(ARGV[2])
local second = tonumber(redis.call('TIME')[1])

local left = tonumber(redis.call('GET', KEYS[1]) or capacity)
local counted_at = tonumber(redis.call('GET', KEYS[2]) or second)
left = math.min(capacity, left + math.max(0, second - counted_at) * refill)

local granted = 0
if left >= 1 then
  left = left - 1
  granted = 1
end
local expiry = math.max(1, math.ceil(2 * capacity / refill))
redis.call('SET', KEYS[1], left, 'EX', expiry)
redis.call('SET', KEYS[2], second, 'EX', expiry)
return granted
