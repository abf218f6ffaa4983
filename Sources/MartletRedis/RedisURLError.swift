// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What is wrong with the text of a `RedisURL`. It never carries the text, which may hold a password.
package enum RedisURLError: Error, Hashable, Sendable, CustomStringConvertible {
    case scheme, credentials, host, port, database, path

    package var description: String {
        switch self {
        case .scheme: "a Redis URL begins with redis:// or unix://"
        case .credentials: "what precedes the @ of a Redis URL is user:password, percent-encoded where needed"
        case .host: "a Redis URL needs a host (an IPv6 address in brackets)"
        case .port: "the port of a Redis URL is a number from 1 to 65535"
        case .database: "the database of a Redis URL is a number"
        case .path: "the path of a Redis socket begins with / and has at most 107 bytes"
        }
    }
}
