
-- Step 3: the short way. Nothing is booked, blocked, closed or in doubt: requests are granted if the
-- record has room for all of them; whatever else is the case takes the long way below.
-- ARGV number of requests; for each: id, horizon, index of its order scope or 0, number of scopes,
-- index of each scope.

-- An id may stand in the record from an earlier grant, which the API may have seen: both count.
local function add_to_record(record, at, id)
  if call('ZADD', record, 'NX', at, id) == 0 then
    local earlier = call('ZSCORE', record, id)
    call('ZADD', record, earlier, '\1again:' .. earlier .. ':' .. id)
    call('ZADD', record, at, id)
  end
end

-- A record so full need not have its expiry set at each call: its day of margin is not over by then.
local MANY = 256

local function grant_at_once()
  local at, scopes, index = format('%.0f', now), ARGV[7] + 0, 8
  local sizes, rooms = {}, {}
  for s = 1, scopes do
    local record, requests, keep = KEYS[3 * s + 1], ARGV[index + 1] + 0, ARGV[index + 2] + 0
    local size, room = call('ZCARD', record), 1e15
    for l = index + 4, index + 1 + 3 * ARGV[index + 3], 3 do
      local permits, window, count = ARGV[l] + 0, ARGV[l + 1] + 0, size
      if is_due or window < keep or size + requests > permits then
        count = call('ZCOUNT', record, format('(%.0f', now - window), '+inf')
      end
      if permits - count < room then
        room = permits - count
      end
    end
    if room < requests then
      return nil
    end
    sizes[s], rooms[s] = size, room
    index = index + 4 + 3 * ARGV[index + 3]
  end

  local requests, first = ARGV[index] + 0, index + 1
  if requests == 1 then
    if call('ZADD', KEYS[4], 'NX', at, ARGV[first]) == 0 then
      return nil -- granted before: it may have to be told again
    end
  else
    local members, ids = {}, {}
    index = first
    for r = 1, requests do
      ids[r], members[2 * r - 1], members[2 * r] = ARGV[index], at, ARGV[index]
      index = index + 4 + ARGV[index + 3]
    end
    for _, known in ipairs(call('ZMSCORE', KEYS[4], unpack(ids))) do
      if known then
        return nil
      end
    end
    call('ZADD', KEYS[4], unpack(members))
  end

  local replies = { 0 } -- a loss is long over, or this way would not be open
  index = first
  for r = 1, requests do
    local remaining = 1e15
    for i = index + 4, index + 3 + ARGV[index + 3] do
      local s = ARGV[i] + 0
      if s > 1 then
        add_to_record(KEYS[3 * s + 1], at, ARGV[index])
      end
      rooms[s] = rooms[s] - 1
      if rooms[s] < remaining then
        remaining = rooms[s]
      end
    end
    replies[r + 1] = { 1, now, 0, remaining }
    index = index + 4 + ARGV[index + 3]
  end

  index = 8
  for s = 1, scopes do
    if is_due or sizes[s] < MANY or sizes[s] % 64 == 0 then
      expire(KEYS[3 * s + 1], ARGV[index + 2])
    end
    if is_due then -- not before the first grant: a server that is full is to refuse that
      call('ZREMRANGEBYSCORE', KEYS[3 * s + 1], '-inf', format('%.0f', now - ARGV[index + 2]))
    end
    index = index + 4 + 3 * ARGV[index + 3]
  end
  if is_due then -- nothing but the time has changed
    call('SET', META, format('now=%.0f time=%.0f %s', now, server_time,
      string.sub(meta, string.find(meta, 'quiet=', 1, true), -1)), 'PX', 30 * DAY / 1000)
  end
  return replies
end

if OPERATION == 'acquire' and meta and not is_lost and quiet_from <= now
    and string.sub(meta, -#CONFIG) == CONFIG and not string.find(OPTIONS, 's', 1, true) then
  local replies = grant_at_once()
  if replies then
    return replies
  end
end
