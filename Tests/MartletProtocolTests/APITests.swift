// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct APITests {
    private func publish(_ json: String) throws -> APIRequest.Publish { try APIRequest.Publish(bytes(json).span) }
    private func revoke(_ json: String) throws -> APIRequest.Revoke { try APIRequest.Revoke(bytes(json).span) }

    private func message(_ body: () throws -> Void) -> String? {
        do { try body() } catch let error as APIError { return error.code == 107 ? error.message : nil } catch {
            return nil
        }
        return nil
    }

    @Test func publish() throws {
        let expected = APIRequest.Publish(channel: "c", message: .init(data: bytes(#"{"a":1}"#)))
        #expect(try self.publish("{\"channel\":\"c\",\"data\":{\"a\":\n1}}") == expected)
        let encoded = try self.publish(#"{"channel":"c","b64data":"eyJhIjoxfQ==","data":0,"later":[]}"#).message
        #expect(try encoded.payload(for: .json) == expected.message.payload(for: .json))
        #expect(
            try self.publish(#"{"channel":"c","b64data":"aGk="}"#).message.payload(for: .json).bytes == bytes(#""hi""#))
        #expect(
            try self.publish(#"{"channel":"c","data":null,"b64data":""}"#).message.payload(for: .json).bytes
                == bytes("null"))
        let message = try self.publish(
            #"{"channel":"c","data":1,"skip_history":true,"tags":{"k": "v"},"idempotency_key":"i","delta":true,"#
                + #""version":18446744073709551615,"version_epoch":"e"}"#
        ).message
        #expect(message.skipsHistory && message.idempotencyKey == "i")
        #expect(message.tags == bytes(#"{"k": "v"}"#))
        #expect(message.version == .max && message.versionEpoch == "e")
        let least = try self.publish(
            #"{"channel":"c","data":1,"skip_history":null,"tags":{},"idempotency_key":"","version":null}"#)
        #expect(least == APIRequest.Publish(channel: "c", message: .init(data: bytes("1"))))
    }

    @Test(arguments: [
        ("", "bad request: the body is not JSON"), ("{", "bad request: the body is not JSON"),
        ("[]", "bad request: the body is not an object"), ("{}", "bad request: channel is missing"),
        (#"{"channel":"","data":1}"#, "bad request: channel is missing"),
        (#"{"channel":1,"data":1}"#, "bad request: channel is not a string"),
        (#"{"channel":"c"}"#, "bad request: data is missing"),
        (#"{"channel":"c","b64data":"x"}"#, "bad request: b64data is not base64"),
        (#"{"channel":"c","data":1,"skip_history":1}"#, "bad request: skip_history is neither true nor false"),
        (#"{"channel":"c","data":1,"tags":[]}"#, "bad request: tags is not an object"),
        (#"{"channel":"c","data":1,"tags":{"k":1}}"#, "bad request: tags holds what is not a string"),
        (#"{"channel":"c","data":1,"version":-1}"#, "bad request: version is not a whole number from 0 up"),
        (#"{"channel":"c","data":1,"version":1.5}"#, "bad request: version is not a whole number from 0 up"),
        (#"{"channel":"c","data":1,"idempotency_key":1}"#, "bad request: idempotency_key is not a string"),
    ])
    func badPublish(_ json: String, _ message: String) {
        #expect(self.message { _ = try self.publish(json) } == message)
    }

    @Test func bytesAreForChannelsThatTakeThem() throws {
        let message = try self.publish(#"{"channel":"c","b64data":"/wA="}"#).message
        #expect(
            self.message { _ = try message.payload(for: .json) } == "bad request: b64data is neither JSON nor UTF-8")
        let payload = try message.payload(for: .binary)
        #expect(payload.bytes == [0xFF, 0] && payload.isBinary)
        // JSON is the bytes that it is written in.
        let json = try self.publish(#"{"channel":"c","data":{"a":1}}"#).message.payload(for: .binary)
        #expect(json.bytes == bytes(#"{"a":1}"#) && json.isBinary)
    }

    @Test func broadcast() throws {
        let request = try APIRequest.Broadcast(bytes(#"{"channels":["a","b"],"data":[1]}"#).span)
        #expect(request.channels == ["a", "b"])
        #expect(try request.message.payload(for: .json).bytes == bytes("[1]"))
        let many = Array(repeating: #""c""#, count: APIRequest.channelsMax + 1).joined(separator: ",")
        for json in [
            #"{"data":1}"#, #"{"channels":[],"data":1}"#, #"{"channels":"a","data":1}"#, #"{"channels":[1],"data":1}"#,
            #"{"channels":["a",""],"data":1}"#, #"{"channels":["a"]}"#, #"{"channels":[\#(many)],"data":1}"#,
        ] {
            #expect(self.message { _ = try APIRequest.Broadcast(bytes(json).span) } != nil)
        }
    }

    @Test func revoke() throws {
        #expect(
            try self.revoke(#"{"session":"s","reason":"r","id":"i"}"#)
                == .init(target: .session("s"), reason: "r", id: "i"))
        #expect(try self.revoke(#"{"token":"t","user":null}"#) == .init(target: .token("t")))
        #expect(try self.revoke(#"{"user":"u","before":5}"#) == .init(target: .user("u"), before: 5))
        let claim = APIRequest.Revoke(target: .claim(name: "n", value: "v"), before: 1_767_225_600)
        #expect(try self.revoke(#"{"claim":{"name":"n","value":"v"},"before":"2026-01-01T00:00:00Z"}"#) == claim)
        for request in [
            claim, .init(target: .session("s"), reason: "r", id: "i"), .init(target: .user("u")),
            .init(target: .token("t")),
        ] {
            #expect(try self.revoke(text(request.json)) == request)
        }
    }

    @Test(arguments: [
        "{}", #"{"session":""}"#, #"{"session":"s","user":"u"}"#, #"{"user":1}"#,
        #"{"user":"u","before":1767225600000}"#,
        #"{"user":"u","before":"now"}"#, #"{"session":"s","before":5}"#, #"{"token":"t","before":5}"#,
        #"{"claim":"n"}"#,
        #"{"claim":{"name":"n"}}"#, #"{"claim":{"name":"n","value":""}}"#, #"{"user":"u","id":""}"#,
        #"{"user":"u","reason":1}"#,
    ])
    func badRevoke(_ json: String) {
        #expect(self.message { _ = try self.revoke(json) } != nil)
    }

    @Test func revocationIsOfNow() {
        let user = APIRequest.Revoke(target: .user("u")).invalidation(id: "made", at: 1_000.75)
        #expect(
            user.invalidation
                == Invalidation(id: "made", target: .user("u", before: 1_000), at: 1_000.75, source: .api))
        #expect(!user.isClamped)
        let late = APIRequest.Revoke(target: .claim(name: "n", value: "v"), before: 9_999, reason: "r", id: "own")
            .invalidation(id: "made", at: 1_000.75)
        #expect(
            late.invalidation
                == Invalidation(
                    id: "own", target: .claim(name: "n", value: "v", before: 1_000), at: 1_000.75, reason: "r",
                    source: .api))
        #expect(late.isClamped)
    }

    @Test func answersAreRead() {
        func read(_ json: String) -> Result<[UInt8], APIError>? { APIAnswer.decode(bytes(json).span) }
        #expect(read(#"{"result":{"id":"i"}}"#) == .success(bytes(#"{"id":"i"}"#)))
        #expect(read(#"{"error":null,"result":{}}"#) == .success(bytes("{}")))
        #expect(read(#"{"error":{"code":102,"message":"m"}}"#) == .failure(APIError(code: 102, message: "m")))
        #expect(read(#"{"error":{}}"#) == .failure(APIError(.internalError)))
        for json in ["", "{}", "[]", #"{"result":null}"#, #"{"error":1}"#, "<html>"] { #expect(read(json) == nil) }
    }

    @Test func base64() {
        #expect(Base64.decode("") == [])
        #expect(Base64.decode("AA==") == [0])
        #expect(Base64.decode("AAE=") == [0, 1])
        #expect(Base64.decode("+/8A") == [0xFB, 0xFF, 0])
        for text in ["A", "AA", "AAA", "A===", "====", "AA=A", "=AAA", "AA==AAAA", "AA-_", "AA\n=", "AAAAé="] {
            #expect(Base64.decode(text) == nil)
        }
    }
}
