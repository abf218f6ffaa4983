// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Behind a proxy that speaks its protocol")
    struct ProxyTests {
        private static func proxied(_ options: inout EdgeRig.Options) {
            options.edge.requiresProxyProtocol = true
            options.edge.trustedProxies = [CIDR("127.0.0.1/32")].compactMap { $0 }
            options.admission.trustedProxies = options.edge.trustedProxies
            options.admission.connectionsPerAddressMax = 1
            options.edge.limits.connectionsPerAddressMax = 1
        }

        /// Version 2, over TCP and IPv4.
        private static func second(_ source: [UInt8]) -> [UInt8] {
            let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
            return signature + [0x21, 0x11, 0, 12] + source + [127, 0, 0, 1, 0x10, 0, 0x1F, 0x40]
        }

        private func open(_ rig: EdgeRig, _ header: [UInt8], from last: UInt8 = 1) throws -> (LoopbackClient, Int?) {
            let client = try LoopbackClient(port: rig.port, from: last)
            try client.send(header + Array(LoopbackClient.request("GET /ws", LoopbackClient.upgrade).utf8))
            return (client, try? HTTPAnswer(client).status)
        }

        @Test func theSourceOfEitherVersionCounts() throws {
            try EdgeRig.run(Self.proxied) { rig in
                let first = Array("PROXY TCP4 10.0.0.1 127.0.0.1 4096 8000\r\n".utf8)
                let held = try [first, Self.second([10, 0, 0, 2]), Self.second([10, 0, 0, 1]), first]
                    .map { try self.open(rig, $0) }
                #expect(held.map(\.1) == [101, 101, 429, 429])
                // A check of the proxy's own.
                let (_, status) = try self.open(rig, Array("PROXY UNKNOWN\r\n".utf8))
                #expect(status == 101)
            }
        }

        @Test func aHeaderMayComeByteByByte() throws {
            try EdgeRig.run(Self.proxied) { rig in
                let client = try LoopbackClient(port: rig.port)
                for byte in Self.second([10, 0, 0, 3]) + Array(LoopbackClient.request("GET /nowhere").utf8) {
                    try client.send([byte])
                }
                #expect(try HTTPAnswer(client).status == 404)
            }
        }

        @Test func anythingElseIsCut() throws {
            try EdgeRig.run(Self.proxied) { rig in
                let headers = [[], Array("PROXY nonsense\r\n".utf8), [0x0D, 0x0A, 0x0D, 0x0A, 1]]
                for header in headers {
                    let (_, status) = try self.open(rig, header)
                    #expect(status == nil)
                }
                // A header of a peer that is not trusted.
                let (_, status) = try self.open(rig, Self.second([10, 0, 0, 9]), from: 2)
                #expect(status == nil)
                #expect(rig.shared.metrics.refusedTotal == 4)
            }
        }
    }
}
