// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MartletCore
import MartletInstruments
import MartletReactor
import Testing

/// What concerns all descriptors of a process runs in a process of its own, where no other test has any.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct DescriptorTests {
    @Test func stopFreesItsDescriptors() async {
        await #expect(processExitsWith: .success) {
            var before = 0
            for round in 0...rounds {
                // The first round also opens what the process keeps for itself.
                if round == 1 { before = openDescriptors() }
                let server = try TestServer()
                try server.start()
                let clients = try (0..<10).map { _ in try TestClient(server.address) }
                guard eventually({ server.opened.count == 10 }) else { exit(2) }
                server.stop()
                withExtendedLifetime(clients) {}
            }
            exit(eventually { openDescriptors() < before + rounds } ? EXIT_SUCCESS : EXIT_FAILURE)
        }
    }

    @Test func anUnusedListenerFreesItsDescriptors() async {
        await #expect(processExitsWith: .success) {
            let loopback = SocketAddress(PeerAddress(v4: 0x7F00_0001))
            _ = try Listener.bind(loopback, shards: 4)
            let before = openDescriptors()
            for _ in 0..<rounds { _ = try Listener.bind(loopback, shards: 4) }
            exit(eventually { openDescriptors() < before + rounds } ? EXIT_SUCCESS : EXIT_FAILURE)
        }
    }

    @Test func runsOutOfDescriptorsWithoutSpinning() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer()
            server.onReceived = { [unowned server] slot, bytes in
                server.reactor.send(bytes.span, to: slot)
                return bytes.count
            }
            try server.start()
            let client = try TestClient(server.address)
            guard eventually({ server.opened.count == 1 }) else { exit(2) }
            // The sockets are made while there are descriptors; then all that the limit allows are taken.
            // More sockets than must be turned away, for what else the process closes meanwhile makes room for some.
            let waiting = try (0..<16).map { _ in try UnconnectedSocket() }
            var limit = rlimit(rlim_cur: 256, rlim_max: 256)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var fillers: [Int32] = []
            while true {
                let filler = dup(client.descriptor)
                if filler < 0 { break }
                fillers.append(filler)
            }
            let spent = clock()
            for socket in waiting { socket.connect(to: server.address) }
            guard eventually({ server.shared.descriptorExhaustions.total >= 4 }) else { exit(3) }
            usleep(2_000_000)
            guard Double(clock() - spent) / Double(CLOCKS_PER_SEC) < 0.5 else { exit(4) }
            // Those that were connected are served, and so is who comes when there is room again.
            try client.send("here")
            guard try client.receiveText(count: 4) == "here" else { exit(5) }
            for filler in fillers { close(filler) }
            let late = try TestClient(server.address)
            try late.send("late")
            guard try late.receiveText(count: 4) == "late" else { exit(6) }
            server.stop()
            exit(EXIT_SUCCESS)
        }
    }
}

/// More than what the test's own process may open meanwhile, so that one descriptor leaked a round is told from that.
private let rounds = 12

private func openDescriptors() -> Int {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).count
}
