// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import CHiredis

/// What hiredis' reader calls for each object it meets; all of it goes to the parser's `RESPReplyBuilder`.
enum RESPParserFunctions {
    /// unsafe: made once for the process and never freed, because readers keep the pointer; written before any reads.
    nonisolated(unsafe) static let table: UnsafeMutablePointer<redisReplyObjectFunctions> = {
        let table = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        // Later versions of hiredis have more functions, for what only RESP3 has: zeroes mean none.
        var functions = redisReplyObjectFunctions()
        unsafe functions.createString = { task, characters, count in
            guard let task = unsafe task, let characters = unsafe characters else { return nil }
            // unsafe: valid for `count` bytes until this returns, and copied before that.
            let bytes = unsafe UnsafeRawBufferPointer(start: characters, count: count)
            let type = unsafe task.pointee.type
            let taken = unsafe RESPParserFunctions.builder(of: task)?.appendString(bytes: count) {
                switch type {
                case REDIS_REPLY_STATUS: unsafe .status(String(decoding: bytes, as: UTF8.self))
                case REDIS_REPLY_ERROR: unsafe .error(String(decoding: bytes, as: UTF8.self))
                default: unsafe .bytes(Array(bytes))
                }
            }
            return unsafe RESPParserFunctions.mark(taken)
        }
        unsafe functions.createArray = { task, count in
            guard let task = unsafe task else { return nil }
            return unsafe RESPParserFunctions.mark(RESPParserFunctions.builder(of: task)?.openArray(Int(count)))
        }
        unsafe functions.createInteger = { task, value in
            guard let task = unsafe task else { return nil }
            return unsafe RESPParserFunctions.mark(RESPParserFunctions.builder(of: task)?.append(.integer(value)))
        }
        unsafe functions.createNil = { task in
            guard let task = unsafe task else { return nil }
            return unsafe RESPParserFunctions.mark(RESPParserFunctions.builder(of: task)?.append(.null))
        }
        unsafe functions.freeObject = { _ in }
        unsafe table.initialize(to: functions)
        return unsafe table
    }()

    /// unsafe: `RESPParser` put its builder there, and outlives every call of its reader.
    private static func builder(of task: UnsafePointer<redisReadTask>) -> RESPReplyBuilder? {
        guard let opaque = unsafe task.pointee.privdata else { return nil }
        return unsafe Unmanaged<RESPReplyBuilder>.fromOpaque(opaque).takeUnretainedValue()
    }

    /// hiredis takes nil for a failure, and anything else for an object that it never looks into: the table serves.
    private static func mark(_ taken: Bool?) -> UnsafeMutableRawPointer? {
        unsafe taken == true ? UnsafeMutableRawPointer(self.table) : nil
    }
}
