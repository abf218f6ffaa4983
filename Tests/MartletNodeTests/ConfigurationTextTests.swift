// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletNode

@Suite("How values are written")
struct ConfigurationTextTests {
    @Test(
        "Durations",
        arguments: [
            ("250ms", Duration.milliseconds(250)), ("10s", .seconds(10)), ("5m", .seconds(300)),
            ("1h30m", .seconds(5400)), ("24h", .seconds(86_400)), ("1d", .seconds(86_400)), ("0s", .zero),
            ("1m500ms", .milliseconds(60_500)),
        ])
    func durations(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
        #expect(DurationText.parse(DurationText.render(duration)) == duration)
    }

    @Test(
        "What is no duration",
        arguments: [
            "", "10", "s", "10 s", "-1s", "1.5s", "30m1h", "1s1s", "10sec", "99999999999999999999s", "1s ", "٣s",
            "9999999999999d",
        ])
    func noDurations(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test("Sizes", arguments: [("65536", 65_536), ("64KiB", 65_536), ("1MiB", 1_048_576), ("2GiB", 1 << 31), ("0", 0)])
    func sizes(text: String, bytes: Int) {
        #expect(ByteCountText.parse(text) == bytes)
        #expect(ByteCountText.parse(ByteCountText.render(bytes)) == bytes)
    }

    @Test("What is no size", arguments: ["", "KiB", "-1", "-1KiB", "64KB", "1.5MiB", "9999999999999GiB"])
    func noSizes(text: String) {
        #expect(ByteCountText.parse(text) == nil)
    }

    @Test(
        "Addresses",
        arguments: [
            ("127.0.0.1:8000", "127.0.0.1:8000"), (":8000", "0.0.0.0:8000"), ("localhost:1", "127.0.0.1:1"),
            ("[::1]:0", "[::1]:0"), ("[::]:8000", "[::]:8000"),
        ])
    func addresses(text: String, expected: String) {
        #expect(ConfigurationCodec<PeerAddress>.address.parse(text)?.description == expected)
    }

    @Test("What is no address", arguments: ["", "8000", "127.0.0.1", "::1:80", "example.com:80", "1.2.3.4:99999"])
    func noAddresses(text: String) {
        #expect(ConfigurationCodec<PeerAddress>.address.parse(text) == nil)
    }

    @Test("Address blocks are written as they are read")
    func blocks() {
        let codec = ConfigurationCodec<CIDR>.addressBlock
        for text in ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"] {
            #expect(codec.parse(text).map(codec.render) == text)
        }
        #expect(codec.parse("10.0.0.0/33") == nil)
    }

    @Test("The nearest name")
    func nearest() {
        let known = ["listen.public", "listen.internal", "kafka.brokers", "limits.connections_max", "drain.window"]
        #expect(EditDistance.nearest(to: "listen.publik", among: known) == "listen.public")
        #expect(EditDistance.nearest(to: "kafka.broker", among: known) == "kafka.brokers")
        #expect(EditDistance.nearest(to: "connections_max", among: known) == "limits.connections_max")
        #expect(EditDistance.nearest(to: "server.connections_max", among: known) == "limits.connections_max")
        #expect(EditDistance.nearest(to: "entirely.different", among: known) == nil)
        #expect(EditDistance.between("ab", "ba") == 1)
        #expect(EditDistance.between("", "abc") == 3)
    }
}
