// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

struct ValidationTests {
    @Test func request() {
        let request = ValidationRequest(sessions: [
            .init(session: "s", user: "u", token: "t", issuedAt: 5), .init(session: "\"", user: ""),
        ])
        #expect(
            text(request.json)
                == #"{"sessions":[{"session":"s","user":"u","token":"t","issued_at":5},{"session":"\"","user":""}]}"#)
        #expect(text(ValidationRequest(sessions: []).json) == #"{"sessions":[]}"#)
    }

    @Test func answer() throws {
        let answer = try ValidationAnswer(
            bytes(#"{"invalid":[{"session":"a","reason":"logout"},"b",{"session":"c","reason":null}],"more":1}"#).span)
        #expect(answer.invalid == [.init(session: "a", reason: "logout"), .init(session: "b"), .init(session: "c")])
        #expect(try ValidationAnswer(answer.json.span) == answer)
        #expect(try ValidationAnswer(bytes(#"{"invalid":[]}"#).span).invalid.isEmpty)
    }

    /// None of these may pass for an answer that says all are valid.
    @Test(arguments: [
        "", "null", "[]", "{}", "<html>", #"{"invalid":null}"#, #"{"invalid":{}}"#, #"{"invalid":"a"}"#,
        #"{"invalid":[1]}"#,
        #"{"invalid":[null]}"#, #"{"invalid":[""]}"#, #"{"invalid":[{}]}"#, #"{"invalid":[{"session":""}]}"#,
        #"{"invalid":[{"session":1}]}"#, #"{"invalid":[{"session":"a","reason":1}]}"#, #"{"invalid":[["a"]]}"#,
        #"{"invalid":["a"],"invalid":[]}"#, #"{"invalid":["\ud800"]}"#, #"{"invalid":[]"#, #"{"error":"x"}"#,
        #"{"Invalid":[]}"#,
    ])
    func unreadableAnswers(_ json: String) {
        #expect(throws: ValidationAnswer.Malformed.self) { try ValidationAnswer(bytes(json).span) }
    }

    @Test func truncatedAtEveryByte() {
        let answer = ValidationAnswer(invalid: [.init(session: "é", reason: "r"), .init(session: "b")]).json
        for length in 0..<answer.count {
            #expect(throws: ValidationAnswer.Malformed.self) {
                try ValidationAnswer(answer.span.extracting(first: length))
            }
        }
    }
}
