// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

extension NamespaceOptions {
    package typealias Key = ConfigurationKey<NamespaceOptions>

    /// The keys of one entry of `namespaces`.
    package static let keys: [Key] = [
        .value(
            "name", \.name, .namespaceName, in: NamespaceOptions(),
            "What precedes the first colon of the channels' names. The one entry without it is for channels that have "
                + "no namespace."),
        .value(
            "subscribe", \.subscribe, .choice, in: NamespaceOptions(),
            "Who may subscribe: `token`, those whose token names the channel; `authenticated`, every user; "
                + "`anonymous`, everybody."),
        .value(
            "publish", \.publish, .choice, in: NamespaceOptions(),
            "Which clients may publish: `none`; `subscribers` of the channel; `authenticated`, every user; "
                + "`anonymous`, everybody. The API always may."),
        .value(
            "slow_consumer", \.slowConsumer, .choice, in: NamespaceOptions(),
            "What happens to a connection that takes messages too slowly: `disconnect`."),
    ]
}
