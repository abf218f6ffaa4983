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
            "Who may subscribe without a token for the channel: `token`, nobody but those whose connection's token "
                + "names it; `authenticated`, every user; `anonymous`, everybody; `proxy`, whom the back-end lets in."),
        .value(
            "publish", \.publish, .choice, in: NamespaceOptions(),
            "Which clients may publish: `none`; `subscribers` of the channel; `authenticated`, every user; "
                + "`anonymous`, everybody; `proxy`, whom the back-end lets. The API always may."),
        .value(
            "presence", \.presence, .boolean, in: NamespaceOptions(),
            "Whether it is kept who is in a channel."),
        .value(
            "presence_for", \.presenceRight, .choice, in: NamespaceOptions(),
            "Which clients may ask who is in a channel: `none`, `subscribers`, `authenticated`, `anonymous`."),
        .value(
            "join_leave", \.joinLeave, .boolean, in: NamespaceOptions(),
            "Whether comings and goings are told to the subscribers that ask for them."),
        .value(
            "force_join_leave", \.forceJoinLeave, .boolean, in: NamespaceOptions(),
            "Whether comings and goings are told to all subscribers, asked or not; needs `join_leave`."),
        .value(
            "history_size", \.historySize, .integer(0...100_000), in: NamespaceOptions(),
            "Publications that are kept for each channel, the latest; 0 keeps none."),
        .value(
            "history_ttl", \.historyTTL, .duration(from: .seconds(1)), in: NamespaceOptions(),
            "How long a publication is kept, after which clients that missed it are told of a gap."),
        .value(
            "history_for", \.historyRight, .choice, in: NamespaceOptions(),
            "Which clients may read what is kept: `none`, `subscribers`, `authenticated`, `anonymous`."),
        .value(
            "recover", \.recovery, .choice, in: NamespaceOptions(),
            "What a client that comes back is given where history is kept: `stream`, all that it missed; `cache`, the "
                + "latest publication; `off`, nothing."),
        .value(
            "position_check", \.positionCheck, .positionCheck, in: NamespaceOptions(),
            "How often the position of a quiet channel's subscribers is compared with the stream's, where history is "
                + "kept: `default`, as `streams.position_check_interval` says; `off`, never; or an interval."),
        .value(
            "delta", \.delta, .choice, in: NamespaceOptions(),
            "What clients of the Centrifuge protocol may ask for in place of whole publications: `off`, nothing; "
                + "`fossil`, patches against the publication before, in the delta format of Fossil. A connection that "
                + "was granted them is never dropped messages: where it is too slow it ends, whatever `slow_consumer` "
                + "says."),
        .value(
            "data", \.data, .choice, in: NamespaceOptions(),
            "What is published: `json`, as which other text becomes a string; `binary`, any bytes, which clients of "
                + "JSON send and get as a string in base 64, and clients of Protobuf as they are."),
        .value(
            "slow_consumer", \.slowConsumer, .choice, in: NamespaceOptions(),
            "What happens to a connection that takes messages too slowly: `disconnect`, and it recovers when it is "
                + "back; `drop_oldest`, what waited longest is dropped; `latest`, all that waits but the latest is. "
                + "Who was dropped something is told of the gap. All channels of a connection must agree to drop."),
    ]
}
