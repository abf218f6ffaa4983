// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import NIOCore

/// `/api`: Centrifugo's server API, as far as Martlet has it, and the requests of its own pages.
struct APIRoutes: Sendable {
    private let configuration: ControlConfiguration
    private let operations: any NodeOperations
    private let keys: APIKeys

    init(_ configuration: ControlConfiguration, _ operations: any NodeOperations) {
        self.configuration = configuration
        self.operations = operations
        self.keys = APIKeys(configuration.apiKeys)
    }

    func add(to router: Router<ControlRouter.Context>) {
        router.get("/api/overview") { request, _ in
            guard self.admits(request) else { return Self.unauthorized }
            return try Response.json(.ok, self.operations.overview())
        }
    }

    private func admits(_ request: Request) -> Bool {
        self.configuration.developmentMode || self.keys.admits(request)
    }

    private static var unauthorized: Response { .refusal(.unauthorized, "an API key is missing or wrong") }
}
