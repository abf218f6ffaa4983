// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// A file of the console or the demo, as it is served.
package struct ControlPage: Sendable {
    package let path: String
    package let contentType: String
    package let bytes: [UInt8]

    /// Pages may load from here alone, and connect anywhere, since the public listener is another origin.
    package static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src *; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    package static let console = [
        ControlPage("/", html: PackageResources.console_html),
        ControlPage("/console/console.css", css: PackageResources.console_css),
        ControlPage("/console/console.js", script: PackageResources.console_js),
        ControlPage("/console/theme.css", css: PackageResources.theme_css),
    ]

    package static let demo = [
        ControlPage("/demo/", html: PackageResources.demo_html),
        ControlPage("/demo/demo.css", css: PackageResources.demo_css),
        ControlPage("/demo/chat.css", css: PackageResources.chat_css),
        ControlPage("/demo/demo.js", script: PackageResources.demo_js),
        ControlPage("/demo/view.js", script: PackageResources.view_js),
        ControlPage("/demo/martlet.js", script: PackageResources.martlet_js),
        ControlPage("/demo/theme.css", css: PackageResources.theme_css),
    ]

    private init(_ path: String, html bytes: [UInt8]) {
        self.init(path: path, contentType: "text/html; charset=utf-8", bytes: bytes)
    }

    private init(_ path: String, css bytes: [UInt8]) {
        self.init(path: path, contentType: "text/css; charset=utf-8", bytes: bytes)
    }

    private init(_ path: String, script bytes: [UInt8]) {
        self.init(path: path, contentType: "text/javascript; charset=utf-8", bytes: bytes)
    }

    private init(path: String, contentType: String, bytes: [UInt8]) {
        self.path = path
        self.contentType = contentType
        self.bytes = bytes
    }

    var response: Response {
        var response = Response.bytes(.ok, self.bytes, contentType: self.contentType)
        response.headers[.contentSecurityPolicy] = Self.contentSecurityPolicy
        response.headers[.cacheControl] = "no-cache"
        return response
    }
}
