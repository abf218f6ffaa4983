// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletProtocol
import MartletProxy

extension NodeConfiguration {
    /// The back-end that decides in the node's name.
    package struct Proxy: Sendable {
        package struct Endpoint: Sendable {
            package var url: String?
            /// nil: `Proxy.timeout`.
            package var timeout: Duration?
        }

        private var endpoints: [ProxyMethod: Endpoint] = [:]
        package var timeout: Duration = .seconds(3)
        package var concurrency = 100
        /// Lines of clients' requests that go on to the back-end.
        package var headers: [String] = []
        package var staticHeaders: [String: String] = [:]
        package var patience: Duration = .seconds(3600)

        package subscript(method: ProxyMethod) -> Endpoint {
            get { self.endpoints[method] ?? Endpoint() }
            set { self.endpoints[method] = newValue }
        }

        package func answers(_ method: ProxyMethod) -> Bool { self[method].url != nil }

        var isConfigured: Bool { ProxyMethod.allCases.contains { self.answers($0) } }

        /// Whether cookies go on to the back-end, so that a page of another site must not connect with them.
        package var forwardsCookies: Bool { self.headers.contains { $0.lowercased() == "cookie" } }
    }

    static let proxyKeys: [Key] =
        ProxyMethod.allCases.map { method in
            .optional(
                "proxy.\(method.rawValue).url", \.proxy[method].url, .url("https", "http"), Self.summary(method))
        }
        + ProxyMethod.allCases.map { method in
            .optional(
                "proxy.\(method.rawValue).timeout", \.proxy[method].timeout, .duration(from: .milliseconds(1)),
                absent: "`proxy.timeout`", "How long such a question may take.")
        }
        + [
            .value(
                "proxy.timeout", \.proxy.timeout, .duration(from: .milliseconds(1)), in: NodeConfiguration(),
                "How long a question to the back-end may take. Then the client is told to try again (error 100)."),
            .value(
                "proxy.concurrency", \.proxy.concurrency, .integer(1...10_000), in: NodeConfiguration(),
                "Questions under way at a time, of each kind. Ten times as many wait; the rest are refused (error 111)."
            ),
            .list(
                "proxy.headers", \.proxy.headers, .forwardedHeader,
                "Headers of a client's own request that go on to the back-end, such as `Cookie`. With `Cookie`, pages of "
                    + "other origins than `listen.origins` names (`*` names none) may not connect."),
            .map(
                "proxy.static_headers", \.proxy.staticHeaders,
                "Headers that every question bears, such as an `Authorization` by which the back-end knows the node."
            ).secret,
            .value(
                "proxy.patience", \.proxy.patience, .duration(), in: NodeConfiguration(),
                "How long a connection or subscription outlives its expiry while the back-end that would renew it does "
                    + "not answer. It is asked again every minute."),
        ]

    private static func summary(_ method: ProxyMethod) -> String {
        switch method {
        case .connect:
            "Asked who a client is that brings no token. A token decides by itself, and nobody is asked."
        case .refresh:
            "Asked when a connection expires whether it may go on. Clients then need not refresh their tokens."
        case .subscribe: "Asked where a namespace says `subscribe: proxy`."
        case .publish: "Asked where a namespace says `publish: proxy`."
        case .rpc: "Answers the `rpc` commands of clients."
        case .subRefresh: "Asked when a subscription expires whether it may go on."
        }
    }

    /// What is wrong with questions that nobody would answer.
    func proxyProblems() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        for namespace in self.namespaces {
            let entry = namespace.name.isEmpty ? "the namespace without a name" : "namespace \(namespace.name)"
            if namespace.subscribe == .proxy, !self.proxy.answers(.subscribe) {
                problems.append(
                    self.problem("namespaces", "proxy.subscribe.url is missing: \(entry) says subscribe: proxy"))
            }
            if namespace.publish == .proxy, !self.proxy.answers(.publish) {
                problems.append(
                    self.problem("namespaces", "proxy.publish.url is missing: \(entry) says publish: proxy"))
            }
        }
        if self.proxy.answers(.connect),
            (self.proxy[.connect].timeout ?? self.proxy.timeout) >= self.limits.handshakeDeadline
        {
            problems.append(
                self.problem(
                    "proxy.connect.timeout",
                    "proxy.connect.timeout is not below limits.handshake_deadline, in which a connect must be answered")
            )
        }
        for (name, value) in self.proxy.staticHeaders.sorted(by: { $0.key < $1.key })
        where !ProxyHeaders.isAllowed(name) || !ProxyHeaders.isValue(value) {
            problems.append(
                self.problem(
                    "proxy.static_headers", "proxy.static_headers.\(name) is no header that a question may bear"))
        }
        if self.proxy.forwardsCookies, self.listen.origins.contains("*"), !self.isDevelopment {
            problems.append(
                self.problem(
                    "proxy.headers",
                    "proxy.headers: Cookie would let the pages of any site connect as their visitors: name the origins "
                        + "of your own pages in listen.origins, as * names none"))
        }
        return problems
    }

    /// What the proxy itself is told.
    var proxyConfiguration: ProxyConfiguration {
        var settings = ProxyConfiguration()
        for method in ProxyMethod.allCases {
            guard let url = self.proxy[method].url else { continue }
            settings.endpoints[method] = .init(url: url, timeout: self.proxy[method].timeout ?? self.proxy.timeout)
        }
        settings.concurrencyMax = self.proxy.concurrency
        settings.waitingMax = self.proxy.concurrency * 10
        settings.staticHeaders = self.proxy.staticHeaders
        return settings
    }
}

extension ConfigurationCodec where Value == String {
    /// The name of a header that may go on to the back-end.
    fileprivate static var forwardedHeader: Self {
        .text(expected: "the name of a header that says nothing of its hop or body, such as Cookie", kind: "header") {
            ProxyHeaders.isAllowed($0)
        }
    }
}
