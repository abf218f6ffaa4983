// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The signature algorithms of RFC 7518 section 3.1 and RFC 8037 that a key may allow.
enum TokenAlgorithm: String, CaseIterable, Sendable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"
}
