// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MartletCore
import NIOCore
import NIOHTTP1

/// A call to an HTTP server that this node trusts but does not rely on: bounded in time and in what comes back.
struct HTTPCall: Sendable {
    /// The server answered, but not with 200 and a body that can be used.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    let url: String
    let timeout: Duration
    let answerBytesMax: Int
    /// For `Authorization: Bearer`.
    var bearer: String?

    func get() async throws -> [UInt8] { try await self.send(self.request(.GET)) }

    func post(_ json: [UInt8]) async throws -> [UInt8] {
        var request = self.request(.POST)
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(json)
        return try await self.send(request)
    }

    private func request(_ method: HTTPMethod) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: self.url)
        request.method = method
        request.headers.add(name: "Accept", value: "application/json")
        if let bearer = self.bearer { request.headers.add(name: "Authorization", value: "Bearer \(bearer)") }
        return request
    }

    private func send(_ request: HTTPClientRequest) async throws -> [UInt8] {
        let timeout = TimeAmount.nanoseconds(self.timeout.nanoseconds)
        let response = try await HTTPClient.shared.execute(request, timeout: timeout)
        guard response.status == .ok else { throw Refusal(description: "HTTP status \(response.status.code)") }
        return Array(try await response.body.collect(upTo: self.answerBytesMax).readableBytesView)
    }
}
