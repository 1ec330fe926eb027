-- Step 7: the operations.

local function granted(request, at)
  return { 1, at, math.max(0, at - now), tokens(request.scopes) }
end

local function record(request, at)
  for _, scope in ipairs(request.scopes) do
    add_to_record(scope.record, text(at), request.id)
    expire(scope.record, scope.keep + math.max(0, at - now))
    fill_token_buckets(scope, at, 'record_full', 'record_field')
  end
  if request.order then
    set(request.order, 'granted', math.max(request.order.granted, at))
    set(request.order, 'promised', math.max(request.order.promised, at))
  end
  return granted(request, at)
end

local function book(request, slot)
  busy_until = math.max(busy_until, slot + GRACE + 1) -- the holder may come at its last instant
  local names = {}
  for i, scope in ipairs(request.scopes) do
    call('ZADD', scope.plan, text(slot), request.id)
    expire(scope.plan, busy_until - now)
    scope.booked = scope.booked + 1
    fill_token_buckets(scope, slot, 'plan_full', 'plan_field')
    names[i] = { scope.kind, scope.record, scope.plan, scope.state }
  end
  if #names > 1 then -- so that giving the booking up needs its id alone
    call('HSET', SCOPES, request.id, cjson.encode(names))
    expire(SCOPES, busy_until - now)
  end
  if request.order then
    set(request.order, 'promised', math.max(request.order.promised, slot))
  end
  return { 2, slot, slot - now }
end

local function leave_plan(request)
  for _, scope in ipairs(request.scopes) do
    call('ZREM', scope.plan, request.id)
  end
  if #request.scopes > 1 then
    call('HDEL', SCOPES, request.id)
  end
end

-- A promise becomes a grant at an instant that keeps the record within every limit, whatever the
-- lateness of those before it; nil if its holder came too late. Lateness so is a running maximum.
local function redeem(request, slot)
  local at = math.max(now, slot, closed_until)
  for _, scope in ipairs(request.scopes) do
    at = math.max(at, scope.blocked)
    for _, limit in ipairs(scope.limits) do
      limit.free_from = record_free_from(scope, limit)
      at = math.max(at, limit.free_from)
    end
  end
  if request.order then
    at = math.max(at, request.order.granted)
  end
  leave_plan(request)
  if now > slot + GRACE or at > slot + 4 * GRACE then
    for _, scope in ipairs(request.scopes) do
      freed(scope, slot)
      if slot < now then
        set(scope, 'lost', scope.lost + 1)
      end
    end
    return nil
  end
  for _, scope in ipairs(request.scopes) do
    scope.booked = scope.booked - 1
    for _, limit in ipairs(scope.limits) do
      -- An entry that moves back in time frees nothing that is still to come, unless another limit
      -- is what moved it, or it moved past another grant that is still to come, or by a window.
      local moved_by_others = at > now and at > limit.free_from
      if limit.spacing == 0 and at > slot
          and (moved_by_others or at - limit.window >= now
            or call('ZCOUNT', scope.record, '(' .. text(now), '+inf') > 0) then
        set_hint(scope, limit, math.min(limit.hint, slot - limit.window))
      end
    end
  end
  return record(request, at)
end

local function acquire(request)
  local root = request.scopes[1]
  local at = tonumber(call('ZSCORE', root.record, request.id) or nil)
  if at and now <= at + FRESH then
    return granted(request, at)
  end
  local slot = root.booked > 0 and tonumber(call('ZSCORE', root.plan, request.id) or nil)
  if slot then
    if slot - now > GRACE then
      return { 2, slot, slot - now }
    end
    local redeemed = redeem(request, slot)
    if redeemed then
      return redeemed
    end
  end
  local free = earliest_free(request.scopes, request.order and request.order.promised or now)
  if free <= now then
    local reply = record(request, now)
    for _, scope in ipairs(request.scopes) do
      fill_token_buckets(scope, now, 'plan_full', 'plan_field')
    end
    return reply
  end
  if free - now <= request.horizon then
    return book(request, free)
  end
  return { 0, free - now }
end

-- Reply {loss, {1, at, delay, remaining} if granted | {2, at, delay} if booked | {0, wait} if not, ...}
if OPERATION == 'acquire' then
  local replies = {}
  for r = 1, tonumber(ARGV[index]) do
    local first = index + 1
    local request = {
      id = ARGV[first], horizon = tonumber(ARGV[first + 1]),
      order = scopes[tonumber(ARGV[first + 2])], scopes = {},
    }
    local count = tonumber(ARGV[first + 3])
    for s = 1, count do
      request.scopes[s] = scopes[tonumber(ARGV[first + 3 + s])]
    end
    replies[r] = acquire(request)
    index = first + 3 + count
  end
  return finish(replies)
end

-- ARGV the id of a booking. Reply {loss, 1 if there was one, else 0}
if OPERATION == 'release' then
  local id = ARGV[index]
  local slot = tonumber(call('ZSCORE', scopes[1].plan, id) or nil)
  if not slot then
    return finish({ 0 })
  end
  local others = call('HGET', SCOPES, id)
  see_limits(CONFIG, now) -- those of the other scopes are not among the arguments
  for _, name in ipairs(others and cjson.decode(others) or {}) do
    if name[1] ~= 'global' then
      scopes[#scopes + 1] = read_scope(name[1], name[2], name[3], name[4], 0, 0)
    end
  end
  call('HDEL', SCOPES, id)
  for _, scope in ipairs(scopes) do
    if call('ZREM', scope.plan, id) == 1 then
      freed(scope, slot)
      if slot < now then
        set(scope, 'lost', scope.lost + 1)
      end
    end
  end
  return finish({ 1 })
end

-- ARGV microseconds. Closes the last scope for that long; a longer block stays. Reply {loss}
if OPERATION == 'block' then
  local scope = scopes[#scopes]
  set(scope, 'blocked', math.max(scope.blocked, now + tonumber(ARGV[index])))
  busy_until = math.max(busy_until, scope.blocked)
  return finish({})
end

-- Looks at the last scope. Reply {loss, now, tokens, booked, wait, lost}
if OPERATION == 'state' then
  local scope = scopes[#scopes]
  local wait = earliest_free({ scope }, now) - now
  return finish({ now, tokens({ scope }), scope.booked, wait, scope.lost })
end

-- ARGV number of grants that the caller remembers; for each: id, age, number of scopes, index of
-- each. Reply {loss}
if OPERATION == 'recall' then
  for _ = 1, tonumber(ARGV[index]) do
    local id, at = ARGV[index + 1], text(now - ARGV[index + 2])
    local count = tonumber(ARGV[index + 3])
    for s = 1, count do
      local scope = scopes[tonumber(ARGV[index + 3 + s])]
      call('ZADD', scope.record, 'NX', at, id)
      expire(scope.record, scope.keep)
    end
    index = index + 3 + count
  end
  for _, scope in ipairs(scopes) do
    local unknown = 0
    for _, limit in ipairs(scope.limits) do
      unknown = math.max(unknown, unknown_of(scope, limit))
    end
    while call('ZREM', scope.record, UNKNOWN .. (unknown + 1)) == 1 do
      unknown = unknown + 1
    end
    for _, limit in ipairs(scope.limits) do
      if limit.spacing == 0 then
        set_hint(scope, limit, 0) -- instants have become free
      end
    end
  end
  return finish({})
end

return redis.error_reply('ERR unknown operation ' .. OPERATION)
