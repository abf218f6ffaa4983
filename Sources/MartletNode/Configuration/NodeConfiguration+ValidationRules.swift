// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHTTP
import MartletPolicy
import MartletProxy
import MartletSessions

extension NodeConfiguration {
    func validationProblems() -> [ConfigurationProblem] {
        guard self.validation.kind != .none else {
            guard self.unboundedTokens == .validate else { return [] }
            return [
                self.problem(
                    "sessions.unbounded_tokens",
                    "sessions.unbounded_tokens: validate needs an authority to ask: add validation.kind: http")
            ]
        }
        return self.authorityProblems() + self.credentialProblems() + self.validationTimeProblems()
    }

    private func authorityProblems() -> [ConfigurationProblem] {
        let validation = self.validation
        var problems: [ConfigurationProblem] = []
        if validation.isOverHTTP, validation.url == nil {
            problems.append(
                self.problem(
                    "validation.kind",
                    "validation.url is missing: validation.kind: \(validation.kind.rawValue) asks it"))
        }
        guard validation.kind == .redis else { return problems }
        if validation.redisURL == nil, self.redis.urls.isEmpty {
            problems.append(
                self.problem(
                    "validation.kind",
                    "validation.redis_url is missing: validation.kind: redis asks it, or the Redis of redis.urls"))
        }
        if validation.redisKey.flatMap(RedisKeyTemplate.init) == nil {
            problems.append(
                self.problem(
                    "validation.redis_key",
                    "validation.redis_key must name a session's key with {session}, {user} or {token} in it, such as "
                        + "session:{session}"))
        }
        if validation.redisTest != .exists, validation.redisValue == nil {
            problems.append(
                self.problem(
                    "validation.redis_test",
                    "validation.redis_value is missing: validation.redis_test: \(validation.redisTest.rawValue) "
                        + "compares with it"))
        }
        return problems
    }

    private func credentialProblems() -> [ConfigurationProblem] {
        let validation = self.validation
        var problems: [ConfigurationProblem] = []
        let ways = [validation.bearer, validation.bearerFile, validation.user].count { $0 != nil }
        if ways > 1 {
            problems.append(
                self.problem(
                    "validation.bearer",
                    "validation.bearer, validation.bearer_file and validation.user are three ways to say who the node "
                        + "is: keep one"))
        }
        if (validation.user == nil) != (validation.password == nil) {
            problems.append(
                self.problem(
                    validation.user == nil ? "validation.password" : "validation.user",
                    "validation.user and validation.password need each other: add the missing one"))
        }
        for (name, value) in validation.headers.sorted(by: { $0.key < $1.key })
        where !ProxyHeaders.isAllowed(name) || !ProxyHeaders.isValue(value) {
            problems.append(
                self.problem("validation.headers", "validation.headers.\(name) is no header that a call may bear"))
        }
        if (validation.tlsCertificateFile == nil) != (validation.tlsKeyFile == nil) {
            problems.append(
                self.problem(
                    validation.tlsKeyFile == nil ? "validation.tls_certificate_file" : "validation.tls_key_file",
                    "validation.tls_certificate_file and validation.tls_key_file need each other: add the missing one"))
        } else if validation.isOverHTTP {
            do throws(HTTPTLS.Unusable) { _ = try self.authorityTLS() } catch {
                problems.append(
                    self.problem("validation.kind", "\(error): it was named for the connections to the authority"))
            }
        }
        return problems
    }

    private func validationTimeProblems() -> [ConfigurationProblem] {
        let validation = self.validation
        var problems: [ConfigurationProblem] = []
        if validation.intervalDegraded > validation.interval {
            problems.append(
                self.problem(
                    "validation.interval_degraded",
                    "validation.interval_degraded is longer than validation.interval: it must not be, as it is the "
                        + "interval of a node that is not told by push"))
        }
        if validation.stalenessMax < validation.interval {
            problems.append(
                self.problem(
                    "validation.staleness_max",
                    "validation.staleness_max is shorter than validation.interval: every session would be stale "
                        + "before it is asked about again"))
        }
        if validation.onConnect != .never, validation.onConnectTimeout >= self.limits.handshakeDeadline {
            problems.append(
                self.problem(
                    "validation.on_connect_timeout",
                    "validation.on_connect_timeout is not below limits.handshake_deadline, in which a connect must be "
                        + "answered"))
        }
        if validation.guardShare > 1 {
            problems.append(
                self.problem("validation.guard_share", "validation.guard_share is a share: write a number up to 1"))
        }
        return problems
    }

    /// Nil where nothing is said about TLS.
    func authorityTLS() throws(HTTPTLS.Unusable) -> HTTPTLS? {
        let validation = self.validation
        guard validation.tlsCAFile != nil || validation.tlsCertificateFile != nil else { return nil }
        return try HTTPTLS(
            authorities: validation.tlsCAFile, certificate: validation.tlsCertificateFile, key: validation.tlsKeyFile)
    }
}
