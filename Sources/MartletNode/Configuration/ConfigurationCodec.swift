// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// How one kind of value is written.
struct ConfigurationCodec<Value: Sendable>: Sendable {
    /// A few words for the reference.
    let kind: String
    /// What a message says was expected: "a duration such as 250ms, 10s or 1h30m".
    let expected: String
    let parse: @Sendable (String) -> Value?
    let render: @Sendable (Value) -> String
}

extension ConfigurationCodec where Value == String {
    static var text: Self { Self.text(expected: "text") { _ in true } }

    static func text(
        expected: String, kind: String = "text", where isValid: @escaping @Sendable (String) -> Bool
    ) -> Self {
        Self(kind: kind, expected: expected, parse: { !$0.isEmpty && isValid($0) ? $0 : nil }, render: { $0 })
    }

    static func url(_ schemes: String...) -> Self {
        let forms = schemes.map { "\($0)://…" }.joined(separator: " or ")
        return .text(expected: "an address \(forms)", kind: "URL") { text in
            schemes.contains { text.hasPrefix("\($0)://") && text.utf8.count > $0.utf8.count + 3 }
                && !text.contains(" ")
        }
    }
}

extension ConfigurationCodec where Value == Bool {
    static var boolean: Self {
        Self(kind: "true or false", expected: "true or false", parse: { Bool($0) }, render: { "\($0)" })
    }
}

extension ConfigurationCodec where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Self {
        let bounds = "\(range.lowerBound) " + (range.upperBound == .max ? "or more" : "to \(range.upperBound)")
        return Self(
            kind: "whole number, \(bounds)", expected: "a whole number, \(bounds)",
            parse: { Int($0).flatMap { range.contains($0) ? $0 : nil } }, render: { "\($0)" })
    }

    static func bytes(_ range: ClosedRange<Int> = 1...Int.max) -> Self {
        let least = range.lowerBound > 1 ? ", at least \(ByteCountText.render(range.lowerBound))" : ""
        let most = range.upperBound < .max ? ", at most \(ByteCountText.render(range.upperBound))" : ""
        return Self(
            kind: "bytes", expected: "a size such as 65536, 64KiB or 1MiB\(least)\(most)",
            parse: { ByteCountText.parse($0).flatMap { range.contains($0) ? $0 : nil } },
            render: { ByteCountText.render($0) })
    }
}

extension ConfigurationCodec where Value == Double {
    /// A rate or another number above zero.
    static var positive: Self {
        Self(
            kind: "number above 0", expected: "a number above 0",
            parse: { Double($0).flatMap { $0.isFinite && $0 > 0 ? $0 : nil } },
            render: { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" })
    }

    /// A part of a whole.
    static var fraction: Self {
        Self(
            kind: "part of 1", expected: "a number above 0, up to 1",
            parse: { Double($0).flatMap { $0 > 0 && $0 <= 1 ? $0 : nil } },
            render: { $0 == 1 ? "1" : "\($0)" })
    }
}

extension ConfigurationCodec where Value == Duration {
    static func duration(from least: Duration = .zero) -> Self {
        let bound = least > .zero ? ", at least \(DurationText.render(least))" : ""
        return Self(
            kind: "duration", expected: "a duration such as 250ms, 10s or 1h30m\(bound)",
            parse: { DurationText.parse($0).flatMap { $0 >= least ? $0 : nil } }, render: { DurationText.render($0) })
    }

    /// Zero switches off what has it.
    static func zeroOrDuration(from least: Duration) -> Self {
        Self(
            kind: "duration",
            expected: "0s, or a duration such as 10s or 1h30m, at least \(DurationText.render(least))",
            parse: { DurationText.parse($0).flatMap { $0 == .zero || $0 >= least ? $0 : nil } },
            render: { DurationText.render($0) })
    }
}

extension ConfigurationCodec where Value == PeerAddress {
    /// An address to listen on. `localhost:8000` and `:8000` (every interface) are understood.
    static var address: Self {
        Self(
            kind: "address", expected: "an address and a port such as 127.0.0.1:8000, [::1]:8000 or :8000",
            parse: { text in
                guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
                    return nil
                }
                let names = ["": "0.0.0.0", "localhost": "127.0.0.1"]
                let host = names[String(text[..<colon])] ?? String(text[..<colon])
                // A bare IPv6 address would leave it open where the port begins.
                guard !host.contains(":") || (host.hasPrefix("[") && host.hasSuffix("]")) else { return nil }
                return PeerAddress(text: Array("\(host):\(port)".utf8).span)
            }, render: { "\($0)" })
    }
}

extension ConfigurationCodec where Value == CIDR {
    static var addressBlock: Self {
        Self(
            kind: "address block", expected: "an address or a block of them such as 10.0.0.0/8 or 2001:db8::/32",
            parse: { CIDR($0) }, render: { "\($0.base.host)/\($0.prefixLength - ($0.base.v4 == nil ? 0 : 96))" })
    }
}

extension ConfigurationCodec
where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static var choice: Self {
        let names = Value.allCases.map { "`\($0.rawValue)`" }
        let last = names.last ?? ""
        return Self(
            kind: names.joined(separator: ", "),
            expected: names.count > 1 ? names.dropLast().joined(separator: ", ") + " or " + last : last,
            parse: { Value(rawValue: $0) }, render: { $0.rawValue })
    }
}
