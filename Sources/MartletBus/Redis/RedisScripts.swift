// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletRedis

/// What has to happen in Redis in one step.
enum RedisScripts {
    static let all = [
        Self.publish, Self.publishOnce, Self.history, Self.renew, Self.presence, Self.presenceStats,
        Self.appendRevocation,
        Self.readRevocations,
    ]

    /// Numbers a publication, keeps it and sends it, so that all see the order of the offsets.
    ///
    /// Keys: position, history, and that of an idempotency key, if any. Arguments: name to publish to, envelope, epoch
    /// where there is none, publications that are kept, their and the position's life in milliseconds, version (20
    /// digits, or empty) and its epoch, life of the idempotency key. Answers `offset:epoch`.
    static let publish = RedisScript(
        #"""
        local position, history, once = KEYS[1], KEYS[2], KEYS[3]
        if once then
          local first = redis.call('get', once)
          if first then return first end
        end
        local epoch = redis.call('hget', position, 'e')
        if not epoch then
          epoch = ARGV[3]
          redis.call('del', history, position)
          redis.call('hset', position, 'e', epoch)
        end
        if ARGV[7] ~= '' then
          local last = redis.call('hmget', position, 'o', 'v', 'w')
          if last[2] and last[3] == ARGV[8] and last[2] >= ARGV[7] then return (last[1] or '0') .. ':' .. epoch end
          redis.call('hset', position, 'v', ARGV[7], 'w', ARGV[8])
        end
        local number = redis.call('hincrby', position, 'o', 1)
        local offset = string.format('%.0f', number)
        redis.call('xadd', history, 'maxlen', '=', ARGV[4], offset .. '-0', 'p', ARGV[2])
        redis.call('pexpire', history, ARGV[5])
        redis.call('pexpire', position, ARGV[6])
        redis.call('publish', ARGV[1],
          '\0\2' .. struct.pack('>I8', number) .. string.char(#epoch) .. epoch .. ARGV[2])
        local answer = offset .. ':' .. epoch
        if once then redis.call('set', once, answer, 'px', ARGV[9]) end
        return answer
        """#)

    /// Sends a publication that is not kept, once. Key: that of the idempotency key. Arguments: name to publish to,
    /// envelope, life of the key in milliseconds. Answers what the first time answered, which here is empty.
    static let publishOnce = RedisScript(
        #"""
        local first = redis.call('get', KEYS[1])
        if first then return first end
        redis.call('set', KEYS[1], '', 'px', ARGV[3])
        redis.call('publish', ARGV[1], ARGV[2])
        return ''
        """#)

    /// Keys: position, history. Arguments: epoch where there is none, the position's life in milliseconds, the epoch
    /// that is asked for or empty, command (`xrange`, `xrevrange`, or empty for the top alone), from, to, number or -1,
    /// and how many bytes are answered at most. Answers `{epoch, offset, id, envelope, id, envelope, …}`.
    static let history = RedisScript(
        #"""
        local position, history = KEYS[1], KEYS[2]
        local top = redis.call('hmget', position, 'e', 'o')
        local answer = {top[1], top[2] or '0'}
        if not top[1] then
          answer = {ARGV[1], '0'}
          redis.call('del', history, position)
          redis.call('hset', position, 'e', ARGV[1])
        end
        if redis.call('pttl', position) < tonumber(ARGV[2]) then redis.call('pexpire', position, ARGV[2]) end
        if ARGV[4] == '' or (ARGV[3] ~= '' and ARGV[3] ~= answer[1]) then return answer end
        local entries
        if ARGV[7] == '-1' then
          entries = redis.call(ARGV[4], history, ARGV[5], ARGV[6])
        else
          entries = redis.call(ARGV[4], history, ARGV[5], ARGV[6], 'count', ARGV[7])
        end
        local left = tonumber(ARGV[8])
        for _, entry in ipairs(entries) do
          left = left - #entry[2][2] - 32
          if left < 0 then break end
          answer[#answer + 1] = entry[1]
          answer[#answer + 1] = entry[2][2]
        end
        return answer
        """#)

    /// Keys: position, history. Arguments: the epoch that is to end, the one that is to follow.
    static let renew = RedisScript(
        #"""
        if redis.call('hget', KEYS[1], 'e') ~= ARGV[1] then return 0 end
        redis.call('hset', KEYS[1], 'e', ARGV[2])
        redis.call('hdel', KEYS[1], 'o')
        redis.call('del', KEYS[2])
        return 1
        """#)

    /// Key: a channel's presence. Arguments: what precedes the name of a lease in its key, and how many bytes are
    /// answered at most. Answers `{client, info, client, info, …}` and removes the entries whose lease has ended.
    static let presence = RedisScript(
        Self.livingEntries + #"""
            local answer, left = {}, tonumber(ARGV[2])
            each(function(client, value, cut)
              local stop = string.find(value, '\0', cut + 1, true) or #value + 1
              left = left - (stop - cut) - #client - 32
              answer[#answer + 1] = client
              answer[#answer + 1] = string.sub(value, cut + 1, stop - 1)
            end)
            if left < 0 then return redis.error_reply('ERR too many are present to be listed') end
            return answer
            """#)

    /// The same for the numbers of clients and users.
    static let presenceStats = RedisScript(
        Self.livingEntries + #"""
            local clients, users, seen = 0, 0, {}
            each(function(client, value, cut)
              local stop = string.find(value, '\0', cut + 1, true) or #value
              local user = string.sub(value, stop + 1)
              clients = clients + 1
              if not seen[user] then
                seen[user] = true
                users = users + 1
              end
            end)
            return {clients, users}
            """#)

    /// Keeps a revocation and tells all nodes that something is there to be read.
    ///
    /// Keys: the stream, and a hash of its epoch `e` and floor `f`. Arguments: the message, for how many milliseconds one
    /// is kept, how many are kept, name to publish to, epoch where there is none. Answers the entry's identifier.
    static let appendRevocation = RedisScript(
        #"""
        local now = redis.call('time')
        local oldest = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) - tonumber(ARGV[2])
        redis.call('hsetnx', KEYS[2], 'e', ARGV[5])
        local floor = redis.call('hget', KEYS[2], 'f')
        if floor and tonumber(string.match(floor, '^%d+')) < oldest then redis.call('hdel', KEYS[2], 'f') end
        local id = redis.call('xadd', KEYS[1], 'minid', '=', string.format('%.0f', math.max(oldest, 0)), '*',
          'e', ARGV[1])
        if redis.call('xtrim', KEYS[1], 'maxlen', '=', ARGV[3]) > 0 then
          redis.call('hset', KEYS[2], 'f', redis.call('xrange', KEYS[1], '-', '+', 'count', 1)[1][1])
        end
        redis.call('publish', ARGV[4], '{"appended":"' .. id .. '"}')
        return id
        """#)

    /// The same keys. Argument: an identifier before which entries may be gone.
    static let raiseRevocationFloor = RedisScript(
        #"""
        local floor = redis.call('hget', KEYS[2], 'f')
        local time = function(id) return tonumber(string.match(id, '^%d+')) end
        if not floor or time(floor) < time(ARGV[1]) then redis.call('hset', KEYS[2], 'f', ARGV[1]) end
        """#)

    /// The same keys. Arguments: the identifier after which to begin, and how many entries are answered at most. Answers
    /// `{epoch, last identifier given out, floor, id, message, id, message, …}`, and `0-0` for the last identifier where
    /// the entry after which to begin is gone though older ones are there: other data was put in their place.
    static let readRevocations = RedisScript(
        #"""
        local state = redis.call('hmget', KEYS[2], 'e', 'f')
        local answer = {state[1] or '', '0-0', state[2] or ''}
        if redis.call('exists', KEYS[1]) == 0 then return answer end
        local info = redis.call('xinfo', 'stream', KEYS[1])
        for i = 1, #info, 2 do
          if info[i] == 'last-generated-id' then answer[2] = info[i + 1] end
        end
        local known = redis.call('xrevrange', KEYS[1], ARGV[1], '-', 'count', 1)[1]
        if known and known[1] ~= ARGV[1] then answer[2] = '0-0' end
        for _, entry in ipairs(redis.call('xrange', KEYS[1], '(' .. ARGV[1], '+', 'count', ARGV[2])) do
          answer[#answer + 1] = entry[1]
          answer[#answer + 1] = entry[2][2]
        end
        return answer
        """#)

    private static let livingEntries = #"""
        local function each(body)
          local entries = redis.call('hgetall', KEYS[1])
          local alive, dead = {}, {}
          for i = 1, #entries, 2 do
            local value = entries[i + 1]
            local cut = string.find(value, '\0', 1, true) or #value + 1
            local lease = string.sub(value, 1, cut - 1)
            if alive[lease] == nil then alive[lease] = redis.call('exists', ARGV[1] .. lease) == 1 end
            if alive[lease] then body(entries[i], value, cut) else dead[#dead + 1] = entries[i] end
          end
          for i = 1, #dead, 1000 do
            redis.call('hdel', KEYS[1], unpack(dead, i, math.min(i + 999, #dead)))
          end
        end

        """#
}
