// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MartletInstruments

/// What the internal listener answers to, by configuration.
enum ControlRouter {
    typealias Context = BasicRequestContext

    static func make(
        _ configuration: ControlConfiguration, _ operations: any NodeOperations
    ) -> Router<Context> {
        let router = Router(context: Context.self)
        let receivers = ReceiverRoutes(configuration.receivers, operations)
        if configuration.receivers.areAlone {
            receivers.add(to: router)
            return router
        }
        if configuration.developmentMode { router.add(middleware: LoopbackGuard()) }
        receivers.add(to: router)
        Self.addHealth(to: router, operations)
        if configuration.apiEnabled { APIRoutes(configuration, operations).add(to: router) }
        let console = configuration.consoleEnabled && configuration.apiEnabled
        if console { Self.add(ControlPage.console, to: router) }
        if configuration.demoEnabled { Self.add(ControlPage.demo, to: router) }
        if console || configuration.demoEnabled {
            let settings = PageSettings(configuration)
            router.get("/settings.json") { _, _ in try Response.json(.ok, settings) }
        }
        return router
    }

    private static func addHealth(to router: Router<Context>, _ operations: any NodeOperations) {
        router.get("/healthz") { _, _ in Response.text(.ok, "ok\n", contentType: "text/plain; charset=utf-8") }
        router.get("/readyz") { _, _ in
            let readiness = operations.readiness()
            return try Response.json(readiness.isReady ? .ok : .serviceUnavailable, readiness)
        }
        router.get("/metrics") { _, _ in
            Response.text(
                .ok, operations.metrics.exposition(), contentType: "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    private static func add(_ pages: [ControlPage], to router: Router<Context>) {
        for page in pages {
            router.get(RouterPath(page.path)) { request, _ in
                // The router takes `/demo` for `/demo/`, from where the page's relative links would lead astray.
                guard !page.path.hasSuffix("/") || request.uri.path.hasSuffix("/") else {
                    let last = page.path.split(separator: "/").last ?? ""
                    return Response.redirect(to: "\(last)/", type: .temporary)
                }
                return page.response
            }
        }
    }
}
