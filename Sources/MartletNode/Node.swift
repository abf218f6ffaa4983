// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Logging

/// One node, from its configuration to its end.
package struct Node {
    package static func serve(_ configuration: NodeConfiguration, logger: Logger) async throws {}
}
