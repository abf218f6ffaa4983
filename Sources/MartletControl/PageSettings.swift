// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the pages must know before they can ask for anything.
struct PageSettings: Sendable, Encodable {
    let developmentMode: Bool
    let apiEnabled: Bool
    let demoEnabled: Bool
    let publicAddress: String
    let version: String

    init(_ configuration: ControlConfiguration) {
        self.developmentMode = configuration.developmentMode
        self.apiEnabled = configuration.apiEnabled
        self.demoEnabled = configuration.demoEnabled
        self.publicAddress = configuration.publicAddress
        self.version = configuration.version
    }
}
