-- Answers any number of permit requests in one atomic step, by Redis's own clock.
--
-- ARGV  grace, freshness, number of requests;
--       then for each request: id, booking horizon, number of scopes,
--       and for each of its scopes: permits, window.        (times are microseconds)
-- KEYS  for each request: its grant, its booking,
--       and for each of its scopes: record, plan, block.
-- Reply for each request: {'granted', at, delay, remaining} | {'booked', at, delay} | {'refused', wait}
-- Without requests it only looks at one scope: ARGV grace, freshness, 0, permits, window; KEYS
-- record, plan, block; reply {now, tokens, booked, wait}.
--
-- A scope has two calendars. The record holds what was granted and is what the API may see; the plan
-- holds what is promised. One calendar for both would count a promise that is redeemed a little late
-- at its old instant, and the next full window would pack against it.

local DAY = 86400000000

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local grace = tonumber(ARGV[1])
local freshness = tonumber(ARGV[2])

-- Lua would write large numbers with an exponent and lose digits.
local function text(micros)
  return string.format('%.0f', micros)
end

local function millis(micros)
  return text(math.ceil(micros / 1000))
end

local function scores(key)
  local pairs_of = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  local times = {}
  for i = 2, #pairs_of, 2 do
    times[#times + 1] = tonumber(pairs_of[i])
  end
  return times
end

-- Drops what no window can contain any more, and promises whose holder did not come.
local function look(scope)
  redis.call('ZREMRANGEBYSCORE', scope.record, '-inf', text(now - scope.window))
  redis.call('ZREMRANGEBYSCORE', scope.plan, '-inf', '(' .. text(now - grace))
  scope.granted = scores(scope.record)
  scope.all = scores(scope.plan)
  for _, at in ipairs(scope.granted) do
    scope.all[#scope.all + 1] = at
  end
  table.sort(scope.all)
  scope.blocked = tonumber(redis.call('GET', scope.block) or 0)
end

-- The first instant at which the record alone has room, wherever its latest entries lie.
local function record_free_from(scope)
  local size = #scope.granted
  if size < scope.permits then
    return 0
  end
  return scope.granted[size - scope.permits + 1] + scope.window
end

-- The earliest instant from t on that keeps every window within the limit, looking back and ahead:
-- t is free if no N consecutive entries e1..eN that span less than a window have eN-W < t < e1+W.
local function earliest_free(scope, t)
  for last = scope.permits, #scope.all do
    local newest = scope.all[last]
    local oldest = scope.all[last - scope.permits + 1]
    if newest - scope.window >= t then
      break -- this group and all after it lie a window or more ahead
    end
    if newest - oldest < scope.window and t < oldest + scope.window then
      t = oldest + scope.window
    end
  end
  return t
end

-- Each scope may push the instant on, until it suits them all.
local function earliest_free_for_all(scopes)
  local t = now
  for _, scope in ipairs(scopes) do
    t = math.max(t, scope.blocked)
  end
  local moved = true
  while moved do
    moved = false
    for _, scope in ipairs(scopes) do
      local free = earliest_free(scope, t)
      if free > t then
        t = free
        moved = true
      end
    end
  end
  return t
end

local function tokens(scope)
  if scope.blocked > now then
    return 0
  end
  local near = 0
  for _, at in ipairs(scope.all) do
    if at > now - scope.window and at < now + scope.window then
      near = near + 1
    end
  end
  return math.max(0, scope.permits - near)
end

local function remaining(scopes)
  local least = nil
  for _, scope in ipairs(scopes) do
    local left = tokens(scope)
    if least == nil or left < least then
      least = left
    end
  end
  return least or 0
end

local function grant(request, at)
  for _, scope in ipairs(request.scopes) do
    -- The instant is part of the member: an id that asks anew must not erase its earlier call.
    redis.call('ZADD', scope.record, text(at), request.id .. '@' .. text(at))
    redis.call('PEXPIRE', scope.record, millis(at - now + scope.window + DAY))
    look(scope)
  end
  redis.call('SET', request.grant, text(at), 'PX', millis(at - now + freshness + 1000))
  return { 'granted', at, at - now, remaining(request.scopes) }
end

local function book(request, slot)
  local value = { text(slot) }
  for _, scope in ipairs(request.scopes) do
    redis.call('ZADD', scope.plan, text(slot), request.id)
    redis.call('PEXPIRE', scope.plan, millis(slot - now + scope.window + DAY))
    value[#value + 1] = scope.plan
  end
  redis.call('SET', request.booking, table.concat(value, '\n'), 'PX', millis(slot - now + DAY))
  return { 'booked', slot, slot - now }
end

local function withdraw(request)
  for _, scope in ipairs(request.scopes) do
    redis.call('ZREM', scope.plan, request.id)
    look(scope)
  end
  redis.call('DEL', request.booking)
end

local function answer(request)
  for _, scope in ipairs(request.scopes) do
    look(scope)
  end

  local granted = tonumber(redis.call('GET', request.grant) or '')
  if granted and now <= granted + freshness then
    return { 'granted', granted, math.max(0, granted - now), remaining(request.scopes) }
  end

  local booking = redis.call('GET', request.booking)
  if booking then
    local slot = tonumber(string.match(booking, '^%d+'))
    if slot - now > grace then
      return { 'booked', slot, slot - now }
    end
    withdraw(request)
    local at = math.max(now, slot)
    for _, scope in ipairs(request.scopes) do
      at = math.max(at, scope.blocked, record_free_from(scope))
    end
    if now <= slot + grace and at <= slot + 4 * grace then
      return grant(request, at)
    end
  end

  local slot = earliest_free_for_all(request.scopes)
  if slot <= now then
    return grant(request, now)
  end
  if slot - now <= request.horizon then
    return book(request, slot)
  end
  return { 'refused', slot - now }
end

if ARGV[3] == '0' then
  local scope = {
    record = KEYS[1], plan = KEYS[2], block = KEYS[3],
    permits = tonumber(ARGV[4]), window = tonumber(ARGV[5]),
  }
  look(scope)
  local booked = redis.call('ZCARD', scope.plan)
  return { now, tokens(scope), booked, earliest_free_for_all({ scope }) - now }
end

local key, arg = 1, 4
local replies = {}
for _ = 1, tonumber(ARGV[3]) do
  local request = {
    id = ARGV[arg], horizon = tonumber(ARGV[arg + 1]),
    grant = KEYS[key], booking = KEYS[key + 1], scopes = {},
  }
  local count = tonumber(ARGV[arg + 2])
  key, arg = key + 2, arg + 3
  for i = 1, count do
    request.scopes[i] = {
      record = KEYS[key], plan = KEYS[key + 1], block = KEYS[key + 2],
      permits = tonumber(ARGV[arg]), window = tonumber(ARGV[arg + 1]),
    }
    key, arg = key + 3, arg + 2
  end
  replies[#replies + 1] = answer(request)
end
return replies
