// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MartletProtocol
import NIOCore

/// Where identity providers deliver tokens that say that a session has ended: security event tokens by push (RFC 8935),
/// and the logout tokens of OpenID Connect Back-Channel Logout 1.0. Each is answered as its specification says.
struct ReceiverRoutes: Sendable {
    static let securityEventsPath = "/security-events"
    static let logoutPath = "/backchannel-logout"
    /// Bytes of a body; a token has a few hundred.
    private static let bodyBytesMax = 131_072

    private let receivers: ControlConfiguration.Receivers
    private let operations: any NodeOperations

    init(_ receivers: ControlConfiguration.Receivers, _ operations: any NodeOperations) {
        self.receivers = receivers
        self.operations = operations
    }

    func add(to router: Router<ControlRouter.Context>) {
        if self.receivers.kinds.contains(.securityEvent) {
            router.post(RouterPath(Self.securityEventsPath)) { request, _ in try await self.securityEvent(request) }
        }
        if self.receivers.kinds.contains(.logout) {
            router.post(RouterPath(Self.logoutPath)) { request, _ in try await self.logout(request) }
        }
    }

    // MARK: - RFC 8935

    private func securityEvent(_ request: Request) async throws -> Response {
        if self.receivers.asksForBearer, !self.receivers.bearers.admits(bearerOf: request) {
            var response = Self.failure("authentication_failed", "a bearer token is missing or wrong")
            response.status = .unauthorized
            response.headers[.wwwAuthenticate] = "Bearer"
            return response
        }
        guard Self.mediaType(of: request) == "application/secevent+jwt" else {
            return Self.failure("invalid_request", "the content type must be application/secevent+jwt")
        }
        guard let token = try await Self.body(of: request) else {
            return Self.failure("invalid_request", "the body is too long, or not text")
        }
        switch await self.operations.take(token, .securityEvent) {
        case .accepted, .ignored: return Response(status: .accepted, headers: [.cacheControl: "no-store"])
        case .refused(let reason): return Self.failure(Self.code(reason), Self.text(reason))
        case .failed(let why): return Self.unavailable(why)
        }
    }

    /// Section 2.4 of RFC 8935.
    private static func code(_ reason: BadRecordReason) -> String {
        switch reason {
        case .wrongIssuer: "invalid_issuer"
        case .wrongAudience: "invalid_audience"
        case .unknownKey, .keysUnavailable, .unsupportedAlgorithm: "invalid_key"
        case .badSignature: "authentication_failed"
        default: "invalid_request"
        }
    }

    private static func failure(_ code: String, _ description: String) -> Response {
        Self.answer(.badRequest, [("err", code), ("description", description)])
    }

    // MARK: - OpenID Connect Back-Channel Logout

    private struct LogoutRequest: Decodable {
        let token: String

        private enum CodingKeys: String, CodingKey {
            case token = "logout_token"
        }
    }

    private func logout(_ request: Request) async throws -> Response {
        guard Self.mediaType(of: request) == "application/x-www-form-urlencoded" else {
            return Self.logoutFailure("the content type must be application/x-www-form-urlencoded")
        }
        guard let body = try await Self.body(of: request) else {
            return Self.logoutFailure("the body is too long, or not text")
        }
        guard let form = try? URLEncodedFormDecoder().decode(LogoutRequest.self, from: body) else {
            return Self.logoutFailure("logout_token is missing")
        }
        switch await self.operations.take(form.token, .logout) {
        case .accepted, .ignored: return Response(status: .ok, headers: [.cacheControl: "no-store"])
        case .refused(let reason): return Self.logoutFailure(Self.text(reason))
        // Section 2.8 has 400 for every failure.
        case .failed(let why): return Self.logoutFailure(why, code: "temporarily_unavailable")
        }
    }

    private static func logoutFailure(_ description: String, code: String = "invalid_request") -> Response {
        Self.answer(.badRequest, [("error", code), ("error_description", description)])
    }

    // MARK: - Both

    private static func answer(_ status: HTTPResponse.Status, _ members: [(String, String)]) -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in members { writer.member(name, value) }
        writer.endObject()
        return .bytes(status, writer.bytes, contentType: "application/json")
    }

    /// Not the transmitter's fault: it keeps the token and delivers it again.
    private static func unavailable(_ why: String) -> Response {
        var response = Response.refusal(.serviceUnavailable, why)
        response.headers[.retryAfter] = "5"
        return response
    }

    private static func text(_ reason: BadRecordReason) -> String {
        "the token was not taken: \(reason.rawValue.split(separator: "_").joined(separator: " "))"
    }

    /// Without parameters, in lower case.
    private static func mediaType(of request: Request) -> String? {
        request.headers[.contentType]?.prefix { $0 != ";" && $0 != " " }.lowercased()
    }

    /// Nil where it is too long, or not UTF-8.
    private static func body(of request: Request) async throws -> String? {
        do {
            let body = try await request.body.collect(upTo: Self.bodyBytesMax)
            return String(validating: body.readableBytesView, as: UTF8.self)
        } catch is NIOTooManyBytesError {
            return nil
        }
    }
}
