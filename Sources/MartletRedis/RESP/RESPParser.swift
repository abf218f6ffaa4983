// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import CHiredis

/// Cuts a stream of bytes into replies: the owner of one `redisReader` of hiredis.
///
/// Not for more than one thread at a time. After an error it stays in error, as the reader does.
///
/// Safe to use although its storage is not: the pointer never leaves it.
@safe
package final class RESPParser {
    /// Bytes given to the reader at a time. It moves what is left of its buffer for each kilobyte it has read, so that
    /// a large buffer would be moved many times.
    private static let sliceMax = 8_192

    private let reader: UnsafeMutablePointer<redisReader>
    private let builder: RESPReplyBuilder
    private let limits: RESPLimits

    package init(limits: RESPLimits = RESPLimits()) throws(RedisError) {
        self.limits = limits
        self.builder = RESPReplyBuilder(limits: limits)
        // unsafe: the reader is freed in deinit and nowhere else; its functions are never freed.
        guard let reader = unsafe redisReaderCreateWithFunctions(RESPParserFunctions.table) else {
            throw .violation("out of memory for a reader")
        }
        // unsafe: the builder is not retained by C. It lives as long as `self`, which frees the reader first.
        unsafe reader.pointee.privdata = Unmanaged.passUnretained(self.builder).toOpaque()
        unsafe self.reader = reader
    }

    deinit {
        // unsafe: made in init, freed here only.
        unsafe redisReaderFree(self.reader)
    }

    /// Takes what came and hands over each reply that is now whole; false from `body` stops, and the rest is dropped.
    package func parse(_ bytes: Span<UInt8>, _ body: (RESPValue) -> Bool) throws(RedisError) {
        var start = 0
        while start < bytes.count {
            let end = min(start + Self.sliceMax, bytes.count)
            try self.feed(bytes.extracting(start..<end))
            while let reply = try self.next() {
                guard body(reply) else { return }
            }
            start = end
        }
    }

    private func feed(_ slice: Span<UInt8>) throws(RedisError) {
        // unsafe: the reader copies the bytes before it returns.
        let result = unsafe slice.withUnsafeBytes { pointer in
            unsafe redisReaderFeed(self.reader, pointer.baseAddress?.assumingMemoryBound(to: CChar.self), pointer.count)
        }
        guard result == REDIS_OK else { throw self.failure }
        // A bulk string is made once all of it is there: until then it grows in the reader.
        guard unsafe self.reader.pointee.len - self.reader.pointee.pos <= self.limits.bytesMax else {
            throw .violation("a reply of more than \(self.limits.bytesMax) bytes")
        }
    }

    private func next() throws(RedisError) -> RESPValue? {
        // unsafe: what comes back is the mark of `RESPParserFunctions`, which owns nothing.
        var mark: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(self.reader, &mark) == REDIS_OK else { throw self.failure }
        guard unsafe mark != nil else { return nil }
        return self.builder.take()
    }

    private var failure: RedisError {
        // unsafe: hiredis ends the text within its array, and String stops there.
        let text = unsafe withUnsafeBytes(of: self.reader.pointee.errstr) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        // The reader has one word for every refusal of the builder.
        return .violation(text == "Out of memory" ? "a reply beyond its limits" : text)
    }
}
