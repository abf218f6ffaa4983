// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Puts replies together from what hiredis' reader meets, in the order in which it meets it.
///
/// hiredis would make a tree of `redisReply` in C; instead its callbacks land here, so that nothing of a reply lives
/// in C and nothing has to be freed there. The reader sees to the nesting: an array of n elements is followed by them.
final class RESPReplyBuilder {
    private struct OpenArray {
        var missing: Int
        var elements: [RESPValue]
    }

    private let limits: RESPLimits
    private var open: [OpenArray] = []
    private var elements = 0
    private var bytes = 0
    /// The reply, once it is whole.
    private var whole: RESPValue?

    init(limits: RESPLimits) { self.limits = limits }

    func take() -> RESPValue? {
        defer {
            self.whole = nil
            self.elements = 0
            self.bytes = 0
        }
        return self.whole
    }

    /// False where the reply passes its limits, upon which the reader gives up.
    func append(_ value: RESPValue) -> Bool {
        guard self.countOne() else { return false }
        self.place(value)
        return true
    }

    func appendString(bytes: Int, _ make: () -> RESPValue) -> Bool {
        guard bytes >= 0, bytes <= self.limits.bytesMax - self.bytes, self.countOne() else { return false }
        self.bytes += bytes
        self.place(make())
        return true
    }

    func openArray(_ count: Int) -> Bool {
        guard count >= 0, count <= self.limits.elementsMax - self.elements, self.countOne() else { return false }
        if count == 0 {
            self.place(.array([]))
        } else {
            var elements: [RESPValue] = []
            // What is announced need not come: only a little is set aside for it.
            elements.reserveCapacity(min(count, 64))
            self.open.append(OpenArray(missing: count, elements: elements))
        }
        return true
    }

    private func countOne() -> Bool {
        guard self.elements < self.limits.elementsMax else { return false }
        self.elements += 1
        return true
    }

    private func place(_ value: RESPValue) {
        var value = value
        while let last = self.open.indices.last {
            self.open[last].elements.append(value)
            self.open[last].missing -= 1
            guard self.open[last].missing == 0 else { return }
            value = .array(self.open.removeLast().elements)
        }
        self.whole = value
    }
}
