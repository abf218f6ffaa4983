// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct DigestTests {
    /// RFC 3174 section 7.3, and the empty message.
    @Test(arguments: [
        ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
        ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        (
            "0123456701234567012345670123456701234567012345670123456701234567", 10,
            "dea356a2cddd90c7a7ecedc5ebb563934f460452"
        ),
        ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ])
    func sha1(_ text: String, times: Int, digest: String) {
        let message = Array(String(repeating: text, count: times).utf8)
        let result = SHA1.digest(message.span)
        #expect((0..<20).map { result[$0] }.hex == digest)
    }

    /// RFC 4648 section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func base64(_ text: String, encoded: String) {
        let (bytes, characters) = (Array(text.utf8), Array(encoded.utf8))
        #expect(Base64.encode(bytes.span).text == encoded)
        #expect(Base64.decodedCount(characters.span) == bytes.count)
    }

    @Test func base64UsesItsWholeAlphabet() {
        let bytes = [UInt8](
            hex: "00108310518720928b30d38f41149351559761969b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3dfbf")
        let text = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        #expect(Base64.encode(bytes.span).text == text)
        let characters = Array(text.utf8)
        #expect(Base64.decodedCount(characters.span) == 48)
    }

    @Test(arguments: ["a", "ab", "abc", "ab=c", "a===", "====", "ab-d", "abc\u{0}", "Zh==", "Zm9="])
    func whatIsNotBase64HasNoLength(_ text: String) {
        let characters = Array(text.utf8)
        #expect(Base64.decodedCount(characters.span) == nil)
    }
}
