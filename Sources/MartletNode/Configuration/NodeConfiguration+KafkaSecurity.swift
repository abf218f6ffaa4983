// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletKafka

/// How the node and the brokers prove to each other who they are.
extension NodeConfiguration {
    static let kafkaSecurityKeys: [Key] = [
        .value(
            "kafka.security", \.kafka.security.transport, .choice, in: NodeConfiguration(),
            "How the brokers are spoken to: `plaintext`, `tls`, or either with SASL: `sasl_plaintext`, `sasl_tls`."),
        .optional(
            "kafka.sasl_mechanism", \.kafka.security.mechanism, .choice, absent: "none",
            "How the node proves who it is: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512` by `kafka.username` and "
                + "`kafka.password`, `OAUTHBEARER` by a token of an OpenID provider."),
        .optional("kafka.username", \.kafka.security.username, .text, "The user of PLAIN and SCRAM."),
        .optional("kafka.password", \.kafka.security.password, .text, "The user's password.").secret,
        .optional(
            "kafka.oidc_token_url", \.kafka.security.openID.tokenURL, .url("https", "http"),
            "Where OAUTHBEARER gets its tokens, with the client credentials grant."),
        .optional(
            "kafka.oidc_client_id", \.kafka.security.openID.clientID, .text, "The client that asks for them."),
        .optional(
            "kafka.oidc_client_secret", \.kafka.security.openID.clientSecret, .text, "The client's secret."
        ).secret,
        .optional("kafka.oidc_scope", \.kafka.security.openID.scope, .text, "The scope that is asked for."),
        .optional(
            "kafka.ca_file", \.kafka.security.authorityFile, .text, absent: "those of the system",
            "PEM file of the authorities whose brokers are believed."),
        .optional(
            "kafka.certificate_file", \.kafka.security.certificateFile, .text,
            "PEM file of the certificate that the node shows to the brokers."),
        .optional("kafka.key_file", \.kafka.security.keyFile, .text, "PEM file of that certificate's key."),
        .optional(
            "kafka.key_password", \.kafka.security.keyPassword, .text, "What `kafka.key_file` is encrypted with."
        ).secret,
    ]

    func kafkaSecurityProblems() -> [ConfigurationProblem] {
        let security = self.kafka.security
        var problems = self.saslProblems(security)
        let files = [
            ("kafka.ca_file", security.authorityFile), ("kafka.certificate_file", security.certificateFile),
            ("kafka.key_file", security.keyFile),
        ]
        if !security.transport.isEncrypted, let file = files.first(where: { $0.1 != nil }) {
            problems.append(
                self.problem(
                    file.0,
                    "\(file.0) has no effect with kafka.security: \(security.transport.rawValue): say tls or sasl_tls"))
        }
        if (security.certificateFile == nil) != (security.keyFile == nil) {
            let key = security.keyFile == nil ? "kafka.certificate_file" : "kafka.key_file"
            problems.append(
                self.problem(key, "kafka.certificate_file and kafka.key_file go together: add the one that is missing"))
        }
        return problems
    }

    private func saslProblems(_ security: KafkaSecurity) -> [ConfigurationProblem] {
        let transport = security.transport.rawValue
        guard security.transport.isAuthenticated else {
            return security.mechanism == nil
                ? []
                : [
                    self.problem(
                        "kafka.sasl_mechanism",
                        "kafka.sasl_mechanism has no effect with kafka.security: \(transport): say sasl_tls")
                ]
        }
        guard let mechanism = security.mechanism else {
            return [
                self.problem("kafka.security", "kafka.sasl_mechanism is missing: kafka.security: \(transport) needs it")
            ]
        }
        let needed =
            mechanism == .oauthBearer
            ? [
                ("kafka.oidc_token_url", security.openID.tokenURL), ("kafka.oidc_client_id", security.openID.clientID),
                ("kafka.oidc_client_secret", security.openID.clientSecret),
            ] : [("kafka.username", security.username), ("kafka.password", security.password)]
        return needed.filter { $0.1 == nil }.map { key, _ in
            self.problem(
                "kafka.sasl_mechanism", "\(key) is missing: kafka.sasl_mechanism: \(mechanism.rawValue) needs it")
        }
    }
}
