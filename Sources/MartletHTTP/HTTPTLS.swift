// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// Whom an HTTPS server must be certified by, and how the node shows who it is.
package struct HTTPTLS: Sendable {
    /// Says which file is of no use, and why.
    package struct Unusable: Error, CustomStringConvertible {
        package let path: String
        package let why: String

        package var description: String { "\(self.path): \(self.why)" }
    }

    let configuration: TLSConfiguration

    /// - Parameters:
    ///   - authorities: A PEM file of the certificates that are trusted; nil for those of the system.
    ///   - certificate: A PEM file of the node's own certificate, with those that lead to its authority.
    ///   - key: A PEM file of its private key.
    package init(authorities: String?, certificate: String?, key: String?) throws(Unusable) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authorities {
            configuration.trustRoots = .certificates(try Self.certificates(authorities))
        }
        if let certificate, let key {
            configuration.certificateChain = try Self.certificates(certificate).map { .certificate($0) }
            do { configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)) } catch {
                throw Unusable(path: key, why: "no private key in PEM that can be read")
            }
        }
        self.configuration = configuration
    }

    private static func certificates(_ path: String) throws(Unusable) -> [NIOSSLCertificate] {
        guard let found = try? NIOSSLCertificate.fromPEMFile(path), !found.isEmpty else {
            throw Unusable(path: path, why: "no certificate in PEM that can be read")
        }
        return found
    }
}
