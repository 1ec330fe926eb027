-- An entry has left a scope's plan and nothing comes in its place.
local function freed(scope, slot)
  scope.booked = scope.booked - 1
  for _, limit in ipairs(scope.limits) do
    if limit.spacing == 0 then
      set_hint(scope, limit, math.min(limit.hint, slot - limit.window))
    else -- the last booking can be taken back; a hole between bookings cannot be booked again
      local last = call('ZREVRANGE', scope.plan, 0, 0, 'WITHSCORES')[2]
      if not last or tonumber(last) < slot then
        limit.plan_full = limit.plan_full - limit.spacing
        change(scope, limit.plan_field, limit.plan_full)
      end
    end
  end
end

local function fill_token_buckets(scope, at, field, name)
  for _, limit in ipairs(scope.limits) do
    if limit.spacing > 0 then
      limit[field] = math.max(limit[field], at) + limit.spacing
      change(scope, limit[name], limit[field])
    end
  end
end

local MOST_PURGED = 64

-- Promises whose holder did not come are taken back; what no window can contain is dropped.
local function tidy(scope)
  local gone = scope.booked == 0 and {} or call(
    'ZRANGEBYSCORE', scope.plan, '-inf', '(' .. text(now - GRACE),
    'WITHSCORES', 'LIMIT', 0, MOST_PURGED)
  for i = 1, #gone, 2 do
    call('ZREM', scope.plan, gone[i])
    if scope.kind == 'global' then
      call('HDEL', SCOPES, gone[i])
    end
    freed(scope, tonumber(gone[i + 1]))
  end
  if #gone > 0 then
    set(scope, 'lost', scope.lost + #gone / 2)
  end
  call('ZREMRANGEBYSCORE', scope.record, '-inf', text(now - scope.keep))
end

-- Step 6: what a loss has taken. A window longer than the closing stays in doubt: it may have been
-- full at the moment of the loss, so it is filled up with unknown calls of that moment, and what was
-- known before, whose age nobody can tell any more, is counted among them. Callers then tell what they
-- remember, and each call that becomes known takes the place of an unknown one.
local UNKNOWN = '\1unknown:' .. text(lost_at) .. ':'

local function unknown_of(scope, limit)
  if limit.spacing > 0 or lost_at + limit.window <= math.max(now, closed_until) then
    return 0
  end
  return limit.permits - call(
    'ZCOUNT', scope.record, '(' .. text(lost_at - limit.window), '(' .. text(lost_at))
end

local function doubt(scope)
  if lost_at == 0 or lost_at + scope.keep <= now then
    return
  end
  for _, limit in ipairs(scope.limits) do
    if limit.spacing == 0 and limit.loss ~= lost_at then
      local is_in_doubt = lost_at + limit.window > math.max(now, closed_until)
      if is_in_doubt and scope.loss ~= lost_at then
        call('ZREMRANGEBYSCORE', scope.record, '-inf', '(' .. text(lost_at))
        set(scope, 'loss', lost_at)
      end
      for i = 1, unknown_of(scope, limit) do
        call('ZADD', scope.record, text(lost_at), UNKNOWN .. i)
      end
      limit.loss = lost_at
      change(scope, limit.loss_field, lost_at)
    end
  end
  expire(scope.record, scope.keep)
end

local index, scopes = 8, {}
for s = 1, tonumber(ARGV[7]) do
  local limits = tonumber(ARGV[index + 3])
  scopes[s] = read_scope(
    ARGV[index], KEYS[3 * s + 1], KEYS[3 * s + 2], KEYS[3 * s + 3], index + 4, limits)
  index = index + 4 + 3 * limits
end
if #scopes > 1 or OPERATION == 'release' then
  call('HLEN', SCOPES)
end

-- From here on there is writing. The first command writes nothing, but a server that is full refuses
-- it, before a part of the work is done.
call('SETRANGE', META, 0, '')
for _, scope in ipairs(scopes) do
  doubt(scope)
  tidy(scope)
end
if not meta and not string.find(OPTIONS, 'e', 1, true) then
  busy_until = math.max(busy_until, now + DAY) -- other keys may have survived: look at them
end
local recent_loss = 0
if lost_at > 0 then -- the short way is closed for as long as a window reaches back to the loss
  for window in string.gmatch(CONFIG, '%a+ %d+ (%d+) %d+;') do
    busy_until = math.max(busy_until, lost_at + window)
    if lost_at + window > now then
      recent_loss = lost_at
    end
  end
end

local function finish(reply)
  write_limits()
  for _, scope in ipairs(scopes) do
    write_scope(scope)
  end
  write_meta()
  table.insert(reply, 1, recent_loss)
  return reply
end
