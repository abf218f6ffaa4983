// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A pattern for names: `*` stands for any characters, `?` for one, `[a-z]` and `[!a-z]` for one of a class or one
/// outside it, `{a,b}` for one of several patterns, and `\\` takes its special meaning from what follows.
///
/// It is matched by walking all readings of the pattern at once, so that no pattern takes more than its length times
/// the name's.
package struct GlobPattern: Equatable, Sendable {
    private enum Step: Equatable, Sendable {
        case one(Unicode.Scalar)
        case any
        case ofClass([ClosedRange<Unicode.Scalar>], isNegated: Bool)
        /// Goes on at both places, without taking a character.
        case fork(Int, Int)
        case jump(Int)
        case end
    }

    package let text: String
    private var steps: [Step] = []

    /// Nil where a bracket is not closed, a class is empty or reversed, or nothing follows a backslash.
    package init?(_ text: String) {
        self.text = text
        var rest = Array(text.unicodeScalars)[...]
        guard self.parse(&rest, isNested: false), rest.isEmpty else { return nil }
        self.steps.append(.end)
    }

    package func matches(_ name: String) -> Bool {
        var current = Set<Int>()
        self.enter(0, &current)
        for scalar in name.unicodeScalars {
            var next = Set<Int>()
            for place in current {
                switch self.steps[place] {
                case .one(let wanted): if wanted == scalar { self.enter(place + 1, &next) }
                case .any: self.enter(place + 1, &next)
                case .ofClass(let ranges, let isNegated):
                    if ranges.contains(where: { $0.contains(scalar) }) != isNegated { self.enter(place + 1, &next) }
                case .fork, .jump, .end: break
                }
            }
            if next.isEmpty { return false }
            current = next
        }
        return current.contains(self.steps.count - 1)
    }

    /// Adds a place and all that can be reached from it without a character.
    private func enter(_ place: Int, _ places: inout Set<Int>) {
        var waiting = [place]
        while let place = waiting.popLast() {
            guard places.insert(place).inserted else { continue }
            switch self.steps[place] {
            case .fork(let first, let second): waiting += [first, second]
            case .jump(let to): waiting.append(to)
            case .one, .any, .ofClass, .end: break
            }
        }
    }

    /// Parses up to the end, or within braces up to a comma or the closing brace, which is left.
    private mutating func parse(_ rest: inout ArraySlice<Unicode.Scalar>, isNested: Bool) -> Bool {
        while let scalar = rest.first {
            if isNested, scalar == "," || scalar == "}" { return true }
            rest.removeFirst()
            switch scalar {
            case "*":
                let fork = self.steps.count
                self.steps += [.fork(fork + 1, fork + 3), .any, .jump(fork)]
            case "?": self.steps.append(.any)
            case "[": guard self.parseClass(&rest) else { return false }
            // One level is enough for people, and bounds the depth.
            case "{": guard !isNested, self.parseChoice(&rest) else { return false }
            case "\\":
                guard let escaped = rest.popFirst() else { return false }
                self.steps.append(.one(escaped))
            default: self.steps.append(.one(scalar))
            }
        }
        return !isNested
    }

    private mutating func parseClass(_ rest: inout ArraySlice<Unicode.Scalar>) -> Bool {
        let isNegated = rest.first == "!"
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while let low = rest.popFirst() {
            if low == "]" {
                self.steps.append(.ofClass(ranges, isNegated: isNegated))
                return !ranges.isEmpty
            }
            guard rest.first == "-", rest.dropFirst().first != "]" else {
                ranges.append(low...low)
                continue
            }
            rest.removeFirst()
            guard let high = rest.popFirst(), low <= high else { return false }
            ranges.append(low...high)
        }
        return false
    }

    /// The choices of `{a,b}`, after its opening brace.
    private mutating func parseChoice(_ rest: inout ArraySlice<Unicode.Scalar>) -> Bool {
        var ends: [Int] = []
        while true {
            let fork = self.steps.count
            self.steps.append(.fork(fork + 1, fork + 1))
            guard self.parse(&rest, isNested: true), let last = rest.popFirst() else { return false }
            ends.append(self.steps.count)
            self.steps.append(.jump(0))
            guard last == "," else { break }
            self.steps[fork] = .fork(fork + 1, self.steps.count)
        }
        for end in ends { self.steps[end] = .jump(self.steps.count) }
        return true
    }
}
