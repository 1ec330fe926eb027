-- Gives up a booking. KEYS its booking; ARGV its id. Reply 1 if there was one, else 0.
-- The booking names the plans it stands in, one a line after its instant; all share our hash tag.
local booking = redis.call('GET', KEYS[1])
if not booking then
  return 0
end
redis.call('DEL', KEYS[1])
local line = 0
for plan in string.gmatch(booking, '[^\n]+') do
  line = line + 1
  if line > 1 then
    redis.call('ZREM', plan, ARGV[1])
  end
end
return 1
