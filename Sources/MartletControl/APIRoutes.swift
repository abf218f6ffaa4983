// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
import MartletProtocol
import NIOCore

/// `/api`: Centrifugo's server API, as far as Martlet has it, and the requests of its own pages.
struct APIRoutes: Sendable {
    private let configuration: ControlConfiguration
    private let operations: any NodeOperations
    private let handler: APIHandler
    private let keys: APIKeys

    init(_ configuration: ControlConfiguration, _ operations: any NodeOperations) {
        self.configuration = configuration
        self.operations = operations
        self.handler = APIHandler(operations: operations)
        self.keys = configuration.apiKeys
    }

    func add(to router: Router<ControlRouter.Context>) {
        router.post("/api") { request, _ in
            try await self.answer(request) { body throws(APIError) in try await self.handler.perform(old: body) }
        }
        router.post("/api/:method") { request, context in
            let method = context.parameters.get("method").flatMap(APIMethod.init(rawValue:))
            return try await self.answer(request, isKnown: method != nil) { body throws(APIError) in
                guard let method else { throw APIError(.methodNotFound) }
                return try await self.handler.perform(method, body)
            }
        }
        // The same methods for whoever has but an address. The first is named once more, because the router does not
        // look among the methods for what begins like a path of its own.
        router.post("/api/revocations") { request, _ in
            try await self.answer(request) { body throws(APIError) in
                try await self.handler.perform(.revocations, body)
            }
        }
        router.get("/api/revocations/:id") { request, context in
            let id = APIRequest.Revocations(id: Self.parameter("id", context)).json
            return try await self.answer(request) { _ throws(APIError) in
                try await self.handler.perform(.revocations, id)
            }
        }
        router.get("/api/sessions/:id") { request, context in
            let session = APIRequest.Explain(.session, Self.parameter("id", context)).json
            return try await self.answer(request) { _ throws(APIError) in
                try await self.handler.perform(.explain, session)
            }
        }
        router.get("/api/overview") { request, _ in
            guard self.admits(request) else { return Self.unauthorized }
            return try Response.json(.ok, self.operations.overview())
        }
        router.get("/api/nodes") { request, _ in
            guard self.admits(request) else { return Self.unauthorized }
            return try Response.json(.ok, ["result": self.operations.nodes()])
        }
        // No secret: what the API is, not what it holds.
        router.get("/openapi.yaml") { _, _ in
            Response.bytes(.ok, PackageResources.openapi_yaml, contentType: "application/yaml")
        }
        if self.configuration.developmentMode {
            router.post("/api/demo_token") { request, _ in
                try await self.answer(request) { body throws(APIError) in try self.handler.demoToken(body) }
            }
        }
    }

    /// - Parameter isKnown: Whether the path leads to a method; an unknown one is 404 whatever the error mode.
    private func answer(
        _ request: Request, isKnown: Bool = true, _ perform: ([UInt8]) async throws(APIError) -> APIReply
    ) async throws -> Response {
        guard self.admits(request) else { return Self.unauthorized }
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: self.configuration.bodyBytesMax)
        } catch is NIOTooManyBytesError {
            let bound = "a body has at most \(self.configuration.bodyBytesMax) bytes"
            return .refusal(.contentTooLarge, bound)
        }
        let reply: APIReply
        do throws(APIError) {
            reply = try await perform(Array(body.readableBytesView))
        } catch {
            reply = APIReply(body: APIAnswer.error(error), error: error)
        }
        let isTransport = request.headers.contains {
            $0.name.canonicalName == "x-centrifugo-error-mode" && $0.value.lowercased() == "transport"
        }
        let status = isTransport ? reply.error.map(Self.status) : nil
        return .bytes(isKnown ? status ?? .ok : .notFound, reply.body, contentType: "application/json")
    }

    /// A part of the path, without its percent signs.
    private static func parameter(_ name: Substring, _ context: ControlRouter.Context) -> String {
        let part = context.parameters.get(String(name)) ?? ""
        return part.removingPercentEncoding ?? part
    }

    private func admits(_ request: Request) -> Bool {
        self.configuration.developmentMode || self.keys.admits(request)
    }

    private static var unauthorized: Response { .refusal(.unauthorized, "an API key is missing or wrong") }

    /// How `X-Centrifugo-Error-Mode: transport` says an error.
    private static func status(of error: APIError) -> HTTPResponse.Status {
        switch CentrifugeError(rawValue: error.code) {
        case .unknownChannel, .methodNotFound: .notFound
        case .badRequest, .notAvailable: .badRequest
        case .unrecoverablePosition: .rangeNotSatisfiable
        case .concurrentPagination: .conflict
        default: .internalServerError
        }
    }
}
