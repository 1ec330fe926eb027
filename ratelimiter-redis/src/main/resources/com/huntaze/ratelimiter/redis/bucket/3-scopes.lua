
local GRACE, FRESH = tonumber(ARGV[3]), tonumber(ARGV[4])

-- What else the bucket remembers. The short way is closed until the latest of the times at which
-- something may be booked, blocked, closed, mixed or in doubt.
local closed_until, busy_until, mixed_until, lost_at = 0, 0, 0, 0
local known_run_id, known_config = '', CONFIG
if meta then
  closed_until, busy_until, mixed_until, lost_at, known_run_id, known_config =
    string.match(meta, ' closed=(%d+) busy=(%d+) mixed=(%d+) loss=(%d+) run_id=(%S+) (limits=.*)$')
  if not closed_until then
    return redis.error_reply('CORRUPT ' .. META .. ' does not hold what this bucket writes')
  end
  closed_until, busy_until = tonumber(closed_until), tonumber(busy_until)
  mixed_until, lost_at = tonumber(mixed_until), tonumber(lost_at)
end
if is_lost then
  lost_at = now
  closed_until = now + tonumber(ARGV[5])
end

local function write_meta()
  local quiet_from = math.max(closed_until, busy_until, mixed_until)
  local value = format(
    'now=%.0f time=%.0f quiet=%.0f closed=%.0f busy=%.0f mixed=%.0f loss=%.0f run_id=%s %s',
    -- A call that did not ask for the run id leaves the time at which it was asked for last.
    is_due and now or last_now, is_due and server_time or last_time, quiet_from, closed_until, busy_until, mixed_until, lost_at,
    run_id or known_run_id, CONFIG)
  call('SET', META, value, 'PX', 30 * DAY / 1000)
end

-- Step 4: the limits in force. Every limit that was seen within its own window is enforced beside
-- the caller's own, so that a fleet half of which has a new setting is never looser than either.
local is_mixed = meta and (known_config ~= CONFIG or mixed_until > now)
local limits_seen = {}

local function see_limits(config, seen_at)
  for name, kind, permits, window, spacing in
    string.gmatch(config, '((%a+) (%d+) (%d+) (%d+));') do
    if seen_at + window > now then
      limits_seen[name] = {
        kind = kind, permits = tonumber(permits), window = tonumber(window),
        spacing = tonumber(spacing), seen_at = seen_at,
      }
    end
  end
end

if is_mixed then
  local seen = call('HGETALL', LIMITS)
  for i = 1, #seen, 2 do
    see_limits(seen[i] .. ';', tonumber(seen[i + 1]) or now)
  end
  if known_config ~= CONFIG then -- its last call wrote the time, or came within a millisecond after
    see_limits(known_config, math.min(now, last_now + 1000))
  end
  if string.find(OPTIONS, 'p', 1, true) then
    for _, limit in pairs(limits_seen) do
      if not string.find(CONFIG, limit.kind .. ' ', 1, true) then
        return { -1 } -- a limit that the caller does not know of: it is to name all scopes
      end
    end
  end
  see_limits(CONFIG, now)
end

-- Called when nothing can go wrong any more.
local function write_limits()
  if not is_mixed then
    return
  end
  local longest = 0
  call('DEL', LIMITS)
  for name, limit in pairs(limits_seen) do
    call('HSET', LIMITS, name, text(limit.seen_at))
    longest = math.max(longest, limit.window)
  end
  if known_config ~= CONFIG then
    mixed_until = now + longest
  end
  expire(LIMITS, longest)
end

-- Step 5: the scopes. All is read before anything is written: a foreign value under one of the keys
-- then fails the call before it has done a part of its work.
local FIELDS = { 'blocked', 'lost', 'loss', 'promised', 'granted', 'hinted' }

local function number(key, field, value)
  local result = tonumber(value or 0)
  if not result or result ~= result or math.abs(result) == math.huge then
    error('CORRUPT ' .. key .. ' has a ' .. field .. ' that is no number', 0)
  end
  return result
end

local function add_limit(scope, permits, window, spacing)
  local name = permits .. '/' .. window
  scope.limits[#scope.limits + 1] = {
    permits = tonumber(permits), window = tonumber(window), spacing = tonumber(spacing),
    hint_field = 'hint:' .. name,
    loss_field = 'loss:' .. name,
    record_field = 'record_full:' .. name, plan_field = 'plan_full:' .. name,
  }
  scope.keep = math.max(scope.keep, window)
end

local function read_scope(kind, record, plan, state, index, limits)
  local scope = {
    kind = kind, record = record, plan = plan, state = state,
    limits = {}, changed = {}, keep = FRESH,
  }
  local own = {}
  for _ = 1, limits do
    add_limit(scope, ARGV[index], ARGV[index + 1], ARGV[index + 2])
    own[kind .. ' ' .. ARGV[index] .. ' ' .. ARGV[index + 1] .. ' ' .. ARGV[index + 2]] = true
    index = index + 3
  end
  for name, limit in pairs(limits_seen) do
    if limit.kind == kind and not own[name] then
      add_limit(scope, text(limit.permits), text(limit.window), text(limit.spacing))
    end
  end
  local fields = { unpack(FIELDS) }
  for _, limit in ipairs(scope.limits) do
    fields[#fields + 1] = limit.spacing == 0 and limit.hint_field or limit.record_field
    fields[#fields + 1] = limit.spacing == 0 and limit.loss_field or limit.plan_field
  end
  local values = call('HMGET', state, unpack(fields))
  for i, field in ipairs(FIELDS) do
    scope[field] = number(state, field, values[i])
  end
  for i, limit in ipairs(scope.limits) do
    local first = #FIELDS + 2 * i - 1
    if limit.spacing == 0 then
      -- A hint from before the limits changed may have missed what was freed since.
      local is_current = known_config == CONFIG and scope.hinted == mixed_until
      limit.hint = is_current and number(state, limit.hint_field, values[first]) or 0
      limit.loss = number(state, limit.loss_field, values[first + 1])
    else
      limit.record_full = number(state, limit.record_field, values[first])
      limit.plan_full = number(state, limit.plan_field, values[first + 1])
      if lost_at > 0 then -- an empty bucket is what a loss leaves for sure
        limit.record_full = math.max(limit.record_full, lost_at + limit.window)
      end
    end
  end
  scope.booked = call('ZCARD', plan)
  call('ZCARD', record)
  return scope
end

local function change(scope, field, value)
  scope.changed[field] = text(value)
end

local function set(scope, field, value)
  if scope[field] ~= value then
    scope[field] = value
    change(scope, field, value)
  end
end

local function set_hint(scope, limit, value)
  if limit.hint ~= value then
    limit.hint = value
    scope.has_hints = true
  end
end

local function write_scope(scope)
  if scope.has_hints then
    set(scope, 'hinted', mixed_until)
    for _, limit in ipairs(scope.limits) do
      if limit.spacing == 0 then
        change(scope, limit.hint_field, limit.hint)
      end
    end
  end
  local changes = {}
  for field, value in pairs(scope.changed) do
    changes[#changes + 1] = field
    changes[#changes + 1] = value
  end
  if #changes > 0 then
    call('HSET', scope.state, unpack(changes))
    expire(scope.state, math.max(scope.keep, busy_until - now) + scope.keep)
  end
end
