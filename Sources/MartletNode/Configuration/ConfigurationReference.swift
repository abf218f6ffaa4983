// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The reference of all keys, written from the keys themselves.
package enum ConfigurationReference {
    /// Docs/Configuration.md.
    package static var markdown: String {
        var text = Self.introduction
        for section in Self.sections {
            text +=
                "\n## \(section)\n\n" + Self.table(NodeConfiguration.keys.filter { Self.section(of: $0) == section })
        }
        text += Self.topics + Self.table(NodeConfiguration.Kafka.Topic.keys, hasEnvironment: false)
        text += Self.namespaces + Self.table(NamespaceOptions.keys, hasEnvironment: false)
        return text
    }

    private static let sections: [String] = {
        var sections: [String] = []
        for key in NodeConfiguration.keys where !sections.contains(Self.section(of: key)) {
            sections.append(Self.section(of: key))
        }
        return sections
    }()

    private static func section(of key: NodeConfiguration.Key) -> String {
        key.name.split(separator: ".").first.map(String.init) ?? key.name
    }

    private static func table<Root>(_ keys: [ConfigurationKey<Root>], hasEnvironment: Bool = true) -> String {
        var text =
            hasEnvironment
            ? "| key | environment | value | default | meaning |\n| --- | --- | --- | --- | --- |\n"
            : "| key | value | default | meaning |\n| --- | --- | --- | --- |\n"
        for key in keys {
            let environment = hasEnvironment ? " `\(key.environment)` |" : ""
            text +=
                "| `\(key.name)` |\(environment) \(key.kind) | \(Self.defaultText(key)) | \(key.summary)"
                + (key.isSecret ? " *Secret: never printed.*" : "") + (key.isLive ? " *Live.*" : "") + " |\n"
        }
        return text
    }

    private static func defaultText<Root>(_ key: ConfigurationKey<Root>) -> String {
        guard let text = key.defaultText, !text.isEmpty else { return "–" }
        return key.hasComputedDefault ? text : "`\(text)`"
    }

    private static let introduction = """
        # Configuration

        <!-- Written by `martlet config reference`. Change the keys in Sources/MartletNode/Configuration instead. -->

        A node reads a file, then the environment, then the flags of `martlet serve`; each overrides what came before.

        - The file is YAML or JSON; `--config` or `MARTLET_CONFIG` names it. `drain.window` is `window` in section
          `drain`, or the key `drain.window` as it stands.
        - The environment spells a key in capitals: `MARTLET_DRAIN_WINDOW`. A list is separated by commas, a map is
          `name=value` separated by commas. An empty variable counts as none.
        - A flag is `--set drain.window=20s`.

        A key that does not exist, and a value that is not of its kind, is an error that names the line, the variable
        or the flag, and the nearest key that exists. `martlet config check` tells without starting a node.

        At SIGHUP a node reads the file again (its environment and flags are those it was started with) and takes over
        `namespaces` and the keys that are called *live* below; the log names what it took over and what needs a
        restart. A file with an error changes nothing. Connections that are open stay, with the subscriptions they
        have; what they ask for from then on is judged anew.

        Durations are written `250ms`, `10s`, `5m`, `1h30m`, `24h`; sizes in bytes `65536`, `64KiB`, `1MiB`.

        **Development mode** holds as long as nothing says who may do what (`auth.hmac_secret`, `auth.public_keys`,
        `auth.jwks_url`, `auth.anonymous`, `proxy.connect.url`, `api.keys`, `api.enabled`) and the node listens on
        loopback only: anonymous clients with full rights, an API without a key, console and demo, but only for pages
        and host names of this machine. In every other case the node needs token keys, a connect proxy, or
        `auth.anonymous: true`, and API keys, or `api.enabled: false`; else it refuses to start and says which line is
        missing.

        """

    private static let topics = """

        ## Entries of kafka.topics

        A text, `name` or `name=format`, or, in the file alone, a section with these keys; see
        [Protocols](Protocols.md) for the formats:

        ```yaml
        kafka:
          topics:
            - session-events                     # martlet JSON
            - name: idp-events
              format: set
              issuer: https://idp.example.com
              jwks_url: https://idp.example.com/jwks
              dead_letter: idp-events-dead
            - name: db.public.sessions
              format: session-table
              key_field: payload.id
              field: payload.after.state
              values: [ended, expired]
        ```


        """

    private static let namespaces = """

        ## namespaces

        A list in the file alone; each entry has these keys:

        ```yaml
        namespaces:
          - name: chat            # the channels chat:…
            subscribe: authenticated
            publish: subscribers
          - subscribe: token      # the channels without a namespace
        ```

        Channels of a namespace that is not listed are refused (error 102). In development mode they are not, and what
        an entry leaves out of `subscribe` and `publish` is `anonymous`; there, too, the demo's namespaces `room` and `dm` have
        history, presence, joins and leaves.


        """
}
