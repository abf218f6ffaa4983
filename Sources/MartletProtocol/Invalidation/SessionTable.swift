// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How to read a table of sessions: a topic whose records are keyed by session, and where a null value ends one.
package struct SessionTable: Hashable, Sendable {
    /// Where the state stands in a record's value; nil where only null values end sessions.
    package var field: JSONPath?
    /// The states in which a session has ended: a text as it is, a number, `true`, `false` or `null` as JSON has it.
    package var values: [String]
    /// Where the session stands in a record's key, for keys that are JSON; nil where the key is the session.
    package var keyField: JSONPath?

    package init(field: JSONPath? = nil, values: [String] = [], keyField: JSONPath? = nil) {
        self.field = field
        self.values = values
        self.keyField = keyField
    }
}
