// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation
import MartletCore
import MartletNode
import MartletProtocol
import NIOCore
import NIOHTTP1

/// Calls the API of a node: that of `--server`, else the one that the configuration describes.
struct APIOptions: ParsableArguments {
    @OptionGroup var source: ConfigurationOptions

    @Option(
        help: ArgumentHelp("The node's internal listener; else listen.internal on this machine.", valueName: "url"))
    var server: String?

    private static let timeout = TimeAmount.seconds(10)
    private static let answerBytesMax = 1_048_576

    /// - Returns: The result, JSON on one line.
    func call(_ method: String, _ body: [UInt8]) async throws -> [UInt8] { try await self.call(.POST, method, body) }

    /// What the node tells without being asked to do anything.
    ///
    /// - Returns: The result, JSON on one line.
    func get(_ name: String) async throws -> [UInt8] { try await self.call(.GET, name, nil) }

    private func call(_ verb: HTTPMethod, _ method: String, _ body: [UInt8]?) async throws -> [UInt8] {
        let configuration = try self.source.read(forNode: false)
        let url = "\(self.address(configuration))/api/\(method)"
        var request = HTTPClientRequest(url: url)
        request.method = verb
        if body != nil { request.headers.add(name: "Content-Type", value: "application/json") }
        if let key = configuration.api.keys.first { request.headers.add(name: "X-API-Key", value: key) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let answer: [UInt8]
        let status: UInt
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
            status = response.status.code
            answer = Array(buffer: try await response.body.collect(upTo: Self.answerBytesMax))
        } catch {
            throw Failure(
                .unavailable, "no answer from \(url): \(Self.text(error))",
                advice: "Is a node running there? Name another with --server or listen.internal.")
        }
        return try Self.result(status: status, answer, url: url)
    }

    private func address(_ configuration: NodeConfiguration) -> String {
        if let server = self.server {
            let url = server.contains("://") ? server : "http://\(server)"
            return url.hasSuffix("/") ? String(url.dropLast()) : url
        }
        var address = configuration.listen.internalAddress
        // Where a node listens on every interface, this machine's loopback is one of them.
        if ["0.0.0.0", "::"].contains(address.host) { address = PeerAddress(v4: 0x7F00_0001, port: address.port) }
        return "http://\(address)"
    }

    /// What went wrong, without the names of functions.
    private static func text(_ error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == ECONNREFUSED: "connection refused"
        case let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout: "timed out"
        case let error as HTTPClientError where error == .invalidURL || error == .emptyHost: "this is no URL"
        default: "\(error)"
        }
    }

    private static func result(status: UInt, _ answer: [UInt8], url: String) throws -> [UInt8] {
        switch (status, APIAnswer.decode(answer.span)) {
        case (401, _), (403, _):
            throw Failure(
                .permission, "\(url) refused the API key",
                advice: "Set api.keys as the node has it, for example as MARTLET_API_KEYS.")
        case (_, .success(let result)): return result
        case (_, .failure(let error)):
            throw Failure(
                error.code == CentrifugeError.internalError.code ? .unavailable : .data,
                "the node refused: \(error.message) (\(error.code))")
        default:
            throw Failure(
                .unavailable, "\(url) answered \(status), not as a node does",
                advice: "Is it the internal listener of a node, and is api.enabled true there?")
        }
    }
}
