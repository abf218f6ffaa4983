// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletHub

/// What is spoken on a connection once its request has been answered.
enum EdgeProtocol: UInt8, CaseIterable {
    case centrifuge, jsonRPC, events

    var transport: Transport { self == .events ? .eventStream : .webSocket }

    /// The label `protocol` of `martlet_connections`.
    var label: String {
        switch self {
        case .centrifuge: "centrifuge_json"
        case .jsonRPC: "jsonrpc"
        case .events: "events"
        }
    }
}
