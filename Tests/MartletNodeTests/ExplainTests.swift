// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

@testable import MartletNode

@Suite("Why a session is let in or not")
struct ExplainTests {
    private static func judge(
        _ request: APIRequest.Explain, remembered: Int = 1, _ change: (inout SessionExplanation.Node) -> Void = { _ in }
    ) -> (verdict: SessionExplanation.Verdict, because: String) {
        var node = SessionExplanation.Node(node: "n", name: "n")
        change(&node)
        return NodeRuntime.judge(node, request, remembered: remembered)
    }

    private static func revocation(
        _ target: String, _ value: String, before: Int64? = nil
    ) -> SessionExplanation.Revocation {
        .init(target: target, value: value, before: before, closeReason: "", secondsLeft: 1)
    }

    @Test(arguments: APIRequest.Explain.Subject.allCases)
    func withoutAConnectionItsOtherNamesAreNotKnown(subject: APIRequest.Explain.Subject) {
        let unknown = Self.judge(.init(subject, "x"))
        #expect(unknown.verdict == .depends)
        #expect(unknown.because.contains("names the \(subject.rawValue), but its "))
        #expect(unknown.because.contains("not known here"))
        // None of nothing names it, whatever it is.
        #expect(Self.judge(.init(subject, "x"), remembered: 0).verdict == .admitted)
        // What a connection is known by was looked for.
        #expect(Self.judge(.init(subject, "x")) { $0.connectionCount = 1 }.verdict == .admitted)
    }

    @Test func whatNamesItDecides() {
        let own = Self.judge(.init(.session, "x")) { $0.revocations = [Self.revocation("session", "x")] }
        #expect(own.verdict == .refused)
        // Of the same name, but something else.
        let other = Self.judge(.init(.session, "x")) { node in
            node.connectionCount = 1
            node.revocations = [Self.revocation("claim", "org=x", before: 0)]
        }
        #expect(other.verdict == .depends && other.because == "the claim org=x of a connection is revoked")
        let user = Self.judge(.init(.user, "x")) { $0.revocations = [Self.revocation("user", "x", before: 0)] }
        #expect(user.verdict == .depends && user.because.contains("1970-01-01T00:00:00Z are revoked"))
        let floor = Self.judge(.init(.session, "x")) { $0.floor = 0 }
        #expect(floor.verdict == .depends && floor.because.contains("need a validation"))
    }
}
