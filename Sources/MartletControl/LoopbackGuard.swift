// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// The rules of development mode, where the API asks for no key: any web page can reach a developer's loopback ports,
/// so requests must name the host by a loopback name and come from a loopback page or from no page at all.
///
/// The API takes `application/json` alone, which a page of another origin cannot send without asking first, and
/// nothing here answers such a question. Tokens of identity providers come in forms of their own, and are signed.
struct LoopbackGuard<Context: RequestContext>: RouterMiddleware {
    @concurrent func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let host = request.head.authority, LoopbackName.matches(authority: host) else {
            return .refusal(.forbidden, "development mode answers to loopback hosts only")
        }
        let origins = request.headers[values: .origin]
        guard origins.allSatisfy(LoopbackName.matches(origin:)) else {
            return .refusal(.forbidden, "development mode answers to loopback origins only")
        }
        let isReceiver = [ReceiverRoutes.securityEventsPath, ReceiverRoutes.logoutPath].contains(request.uri.path)
        if request.method == .post, !isReceiver, !Self.isJSON(request.headers[.contentType]) {
            return .refusal(.unsupportedMediaType, "development mode takes application/json only")
        }
        return try await next(request, context)
    }

    private static func isJSON(_ contentType: String?) -> Bool {
        let essence = contentType?.prefix { $0 != ";" }.lowercased()
        return essence?.trimmingPrefix(" ").split(separator: " ").first == "application/json"
    }
}
