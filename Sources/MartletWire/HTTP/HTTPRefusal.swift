// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a request is answered with an error, and what goes with the answer.
package struct HTTPRefusal: Error, Hashable, Sendable {
    package var status: HTTPStatus
    /// One sentence for the body of the answer.
    package var text: String
    /// What a client needs to know in order to do better, such as `Allow` or `Retry-After`.
    package var fields: [HTTPField]

    package init(_ status: HTTPStatus, _ text: String, fields: [HTTPField] = []) {
        self.status = status
        self.text = text
        self.fields = fields
    }
}
