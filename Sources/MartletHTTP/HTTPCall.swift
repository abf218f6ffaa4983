// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MartletCore
import NIOCore
import NIOHTTP1

/// A call to an HTTP server that this node trusts but does not rely on: bounded in time and in what comes back.
package struct HTTPCall: Sendable {
    /// The server answered, but not with 200.
    package struct Refusal: Error, CustomStringConvertible {
        package let status: UInt

        package var description: String { "HTTP status \(self.status)" }
    }

    package let url: String
    package let timeout: Duration
    package let answerBytesMax: Int
    /// For `Authorization: Bearer`.
    package var bearer: String?
    /// Lines of the head beside those that every call has; each replaces one of those.
    package var headers: [(name: String, value: String)] = []
    /// Whose connections are used; nil for those that all calls of the process share.
    package var pool: HTTPPool?

    package init(url: String, timeout: Duration, answerBytesMax: Int, bearer: String? = nil) {
        self.url = url
        self.timeout = timeout
        self.answerBytesMax = answerBytesMax
        self.bearer = bearer
    }

    package func get() async throws -> [UInt8] { try await self.send(self.request(.GET)) }

    package func post(_ body: [UInt8], type: String = "application/json") async throws -> [UInt8] {
        var request = self.request(.POST)
        request.headers.replaceOrAdd(name: "Content-Type", value: type)
        request.body = .bytes(body)
        return try await self.send(request)
    }

    /// Whether an error that a call threw says that its time was over.
    package static func isTimeout(_ error: any Error) -> Bool {
        guard let error = error as? HTTPClientError else { return error is CancellationError }
        return error == .deadlineExceeded || error == .readTimeout || error == .connectTimeout
    }

    /// Whether it says that the answer was longer than it may be.
    package static func isTooLong(_ error: any Error) -> Bool { error is NIOTooManyBytesError }

    private func request(_ method: HTTPMethod) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: self.url)
        request.method = method
        for (name, value) in self.headers { request.headers.replaceOrAdd(name: name, value: value) }
        request.headers.replaceOrAdd(name: "Accept", value: "application/json")
        if let bearer = self.bearer { request.headers.add(name: "Authorization", value: "Bearer \(bearer)") }
        return request
    }

    private func send(_ request: HTTPClientRequest) async throws -> [UInt8] {
        let deadline = ContinuousClock.now + self.timeout
        let client = try self.pool?.client() ?? .shared
        let response = try await client.execute(
            request, timeout: TimeAmount.nanoseconds(max(1, self.timeout.nanoseconds)))
        // Also of an answer that is not wanted, or its connection could not be used again.
        let body = try await self.body(of: response, until: deadline)
        guard response.status == .ok else { throw Refusal(status: response.status.code) }
        return body
    }

    /// The client's own time-out ends with the head: a server that trickles its body must not hold the call for ever.
    private func body(
        of response: HTTPClientResponse, until deadline: ContinuousClock.Instant
    ) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { [bytesMax = self.answerBytesMax] in
                Array(try await response.body.collect(upTo: bytesMax).readableBytesView)
            }
            group.addTask {
                try await Task.sleep(until: deadline, clock: .continuous)
                throw HTTPClientError.readTimeout
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }
}
