// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

extension ConfigurationCodec where Value == String {
    /// PEM, as it stands or in a file; what is parsed is the PEM.
    static var pem: Self {
        let begin = "-----BEGIN "
        return Self(
            kind: "PEM or path", expected: "PEM text, or the path of a readable file that holds it",
            parse: { text in
                if text.hasPrefix(begin) { return text }
                guard let data = try? Data(contentsOf: URL(fileURLWithPath: text)),
                    let content = String(data: data, encoding: .utf8), content.contains(begin)
                else { return nil }
                return content
            }, render: { _ in "PEM" })
    }

    /// `https://app.example.com`, or `*`.
    static var origin: Self {
        .text(expected: "an origin such as https://app.example.com, or *", kind: "origin") { text in
            guard text != "*" else { return true }
            guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else { return false }
            let host = text.dropFirst(scheme.count)
            return !host.isEmpty && host.allSatisfy { $0.isASCII && $0 != "/" && $0 != "?" && $0 != "#" && $0 != " " }
        }
    }

    /// Where a cluster's names begin in Redis. A colon or a dot would let one cluster's names lie within another's.
    static var redisPrefix: Self {
        .text(expected: "at most 128 letters, digits, - and _", kind: "text") { text in
            text.utf8.count <= 128
                && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
    }

    static var namespaceName: Self {
        .text(expected: "two or more of letters, digits, - and _", kind: "text") { text in
            text.utf8.count >= 2
                && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
    }
}

extension ConfigurationCodec where Value == Duration? {
    /// `default` is nil, and `off` zero.
    static var positionCheck: Self {
        Self(
            kind: "`default`, `off` or a duration", expected: "default, off, or a duration of at least 1s",
            parse: { text in
                if text == "default" { return .some(nil) }
                if text == "off" { return .some(.zero) }
                guard let interval = DurationText.parse(text), interval >= .seconds(1) else { return nil }
                return .some(interval)
            },
            render: { $0.map { $0 == .zero ? "off" : DurationText.render($0) } ?? "default" })
    }
}
