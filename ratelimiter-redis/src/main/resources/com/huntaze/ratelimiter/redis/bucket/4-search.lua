-- What one limit of a scope says. A rolling limit looks at record and plan; a token bucket is kept as
-- the instants at which it would be full again, by the record and by record and plan together.
local function near(scope, t, window)
  local from, to = '(' .. text(t - window), '(' .. text(t + window)
  local count = call('ZCOUNT', scope.record, from, to)
  if scope.booked > 0 then
    count = count + call('ZCOUNT', scope.plan, from, to)
  end
  return count
end

-- The first instant at which the record alone has room, wherever its latest entries lie.
local function record_free_from(scope, limit)
  if limit.spacing > 0 then
    return limit.record_full - (limit.permits - 1) * limit.spacing
  end
  local entry = call('ZREVRANGE', scope.record, limit.permits - 1, limit.permits - 1, 'WITHSCORES')
  return entry[2] and entry[2] + limit.window or 0
end

local function entries_after(key, from, most)
  local found = call(
    'ZRANGEBYSCORE', key, '(' .. text(from), '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  local times = {}
  for i = 2, #found, 2 do
    times[#times + 1] = tonumber(found[i])
  end
  return times, #times == most and times[most] or math.huge
end

local function last_entries(key, most)
  local found = call('ZREVRANGE', key, 0, most - 1, 'WITHSCORES')
  local times = {}
  for i = 2, #found, 2 do
    times[#times + 1] = tonumber(found[i])
  end
  return times
end

-- An instant that is free for sure, for when the search would take too long.
local function behind_everything(scope, limit, from)
  local times = last_entries(scope.record, limit.permits)
  for _, planned in ipairs(last_entries(scope.plan, limit.permits)) do
    times[#times + 1] = planned
  end
  table.sort(times)
  local size = #times
  return math.max(from, times[size], times[size - limit.permits + 1] + limit.window)
end

local MOST_LOOKED_AT = 2000
local looked_at = 0 -- for the request at hand

-- The earliest instant from one on at which a rolling limit leaves room, looking back and ahead: t is
-- free if no N consecutive entries e1..eN that span less than a window have eN - W < t < e1 + W.
local function free_in_calendars(scope, limit, from)
  local t, permits, window = from, limit.permits, limit.window
  local chunk = 2 * permits + 16
  if near(scope, t, window) < permits then
    return t, true
  end
  while true do
    local record, record_end = entries_after(scope.record, t - window, chunk)
    local plan, plan_end = entries_after(scope.plan, t - window, chunk)
    local known_to = math.min(record_end, plan_end) -- beyond it one of the two was not read
    local times, size, r, p = {}, 0, 1, 1
    while true do
      local granted, planned = record[r] or math.huge, plan[p] or math.huge
      local entry = math.min(granted, planned)
      if entry > known_to or entry == math.huge then
        break
      end
      if granted <= planned then
        r = r + 1
      else
        p = p + 1
      end
      if entry - window >= t then
        looked_at = looked_at + size
        return t, true -- this entry and all after it lie a window or more ahead
      end
      size = size + 1
      times[size] = entry
      local first = times[size - permits + 1]
      if first and entry - first < window and t < first + window then
        t = first + window
      end
    end
    looked_at = looked_at + size
    if known_to == math.huge then
      return t, true
    end
    if looked_at >= math.max(MOST_LOOKED_AT, 4 * permits) then
      return behind_everything(scope, limit, t), false
    end
  end
end

local function free_from(scope, limit, from)
  if limit.spacing > 0 then
    local full = math.max(limit.record_full, limit.plan_full)
    return math.max(from, full - (limit.permits - 1) * limit.spacing)
  end
  return (free_in_calendars(scope, limit, from))
end

local HINTS = true

-- The same from now on, with the hint: no instant before it is free. Adding an entry never frees one,
-- and removing one frees none earlier than a window before it, so the hint is exact; it keeps the
-- search flat in the length of the backlog.
local function first_free(scope, limit)
  if limit.spacing > 0 then
    return free_from(scope, limit, now)
  end
  if scope.booked == 0 then
    local free = record_free_from(scope, limit)
    if free <= now or call('ZCOUNT', scope.record, '(' .. text(now), '+inf') == 0 then
      return math.max(now, free)
    end
  end
  local free, is_exact = free_in_calendars(scope, limit, math.max(now, HINTS and limit.hint or 0))
  if is_exact then
    set_hint(scope, limit, free)
  end
  return free
end

local function earliest_free(scopes, from)
  looked_at = 0
  local t = math.max(from, closed_until)
  for _, scope in ipairs(scopes) do
    t = math.max(t, scope.blocked)
    for _, limit in ipairs(scope.limits) do
      t = math.max(t, first_free(scope, limit))
    end
  end
  if t <= now then
    return now
  end
  local before
  repeat -- each limit may push the instant on, until it suits them all
    before = t
    for _, scope in ipairs(scopes) do
      for _, limit in ipairs(scope.limits) do
        t = free_from(scope, limit, t)
      end
    end
  until t == before
  return t
end

local function tokens(scopes)
  local left = math.huge
  for _, scope in ipairs(scopes) do
    if scope.blocked > now or closed_until > now then
      return 0
    end
    for _, limit in ipairs(scope.limits) do
      if limit.spacing > 0 then
        local missing = math.max(0, math.max(limit.record_full, limit.plan_full) - now)
        left = math.min(left, limit.permits - math.ceil(missing / limit.spacing))
      else
        left = math.min(left, limit.permits - near(scope, now, limit.window))
      end
    end
  end
  return math.max(0, left)
end
