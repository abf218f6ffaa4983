// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import Testing

struct AdmissionTests {
    private static let one = PeerAddress(v4: 0xC000_0201)
    private static let two = PeerAddress(v4: 0xC000_0202)

    private static func admission(_ configuration: AdmissionConfiguration) -> Admission {
        var admission = Admission(configuration, now: 0)
        admission.enter(.ready, now: 0)
        return admission
    }

    private static func reason(_ verdict: AdmissionVerdict) -> AdmissionRefusal? {
        guard case .refuse(let refusal, _) = verdict else { return nil }
        return refusal
    }

    @Test func onlyAReadyNodeAdmits() {
        var admission = Admission(AdmissionConfiguration(connectionsMax: 10), now: 0)
        let starting = admission.admit(Self.one, now: 0)
        #expect(Self.reason(starting) == .notReady)
        admission.enter(.draining, now: 0)
        admission.enter(.ready, now: 0)
        let draining = admission.admit(Self.one, now: 0)
        #expect(Self.reason(draining) == .draining)
        admission.reopen(now: 0)
        let ready = admission.admit(Self.one, now: 0)
        #expect(ready == .admit && admission.connections == 1)
    }

    /// Or clients would be let in before it is known who is revoked.
    @Test func aDrainTakenBackBeforeReadinessDoesNotOpenTheDoors() {
        var admission = Admission(AdmissionConfiguration(connectionsMax: 9), now: 0)
        admission.enter(.draining, now: 0)
        admission.reopen(now: 0)
        let starting = admission.admit(Self.one, now: 0)
        #expect(Self.reason(starting) == .notReady)
        admission.enter(.ready, now: 0)
        let ready = admission.admit(Self.one, now: 0)
        #expect(ready == .admit)
    }

    @Test func capacityIsGivenBack() {
        var admission = Self.admission(AdmissionConfiguration(connectionsMax: 2))
        let verdicts = (0..<3).map { _ in Self.reason(admission.admit(Self.one, now: 0)) }
        #expect(verdicts == [nil, nil, .capacity])
        admission.released(Self.one, user: nil)
        let again = admission.admit(Self.two, now: 0)
        #expect(again == .admit)
        for _ in 0..<9 { admission.released(Self.one, user: "nobody") }
        #expect(admission.connections == 0)
    }

    @Test func addressesAreCountedBySite() throws {
        var admission = Self.admission(AdmissionConfiguration(connectionsMax: 10, connectionsPerAddressMax: 1))
        let site = try ["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"].map { try #require(PeerAddress(host: $0)) }
        let verdicts = ([Self.one, Self.one, Self.two] + site).map { Self.reason(admission.admit($0, now: 0)) }
        #expect(verdicts == [nil, .address, nil, nil, .address, nil])
        admission.released(Self.one, user: nil)
        let again = admission.admit(Self.one, now: 0)
        #expect(again == .admit)
        #expect(AdmissionRefusal.address.isOfClient && !AdmissionRefusal.capacity.isOfClient)
    }

    @Test func aTrustedProxyIsNotLimited() throws {
        let trusted = [try #require(CIDR("192.0.2.0/24"))]
        var admission = Self.admission(
            AdmissionConfiguration(connectionsMax: 10, connectionsPerAddressMax: 1, trustedProxies: trusted))
        let verdicts = (0..<3).map { _ in admission.admit(Self.one, now: 0) }
        #expect(verdicts == [.admit, .admit, .admit])
    }

    @Test func usersAreLimitedOnceKnown() {
        var admission = Self.admission(AdmissionConfiguration(connectionsMax: 10, connectionsPerUserMax: 2))
        let verdicts = ["u", "u", "u", "v", "", "", ""].map { Self.reason(admission.admit(user: $0)) }
        #expect(verdicts == [nil, nil, .user, nil, nil, nil, nil])
        admission.released(Self.one, user: "u")
        admission.released(user: "v")
        let again = ["u", "u"].map { Self.reason(admission.admit(user: $0)) }
        #expect(again == [nil, .user])
    }

    @Test func theRateIsLimitedAndOthersTakeNoToken() {
        var admission = Self.admission(
            AdmissionConfiguration(connectionsMax: 100, connectsPerSecond: 2, connectionsPerAddressMax: 1))
        let verdicts = [Self.one, Self.one, Self.one, Self.two].map { Self.reason(admission.admit($0, now: 0)) }
        #expect(verdicts == [nil, .address, .address, nil])
        let third = PeerAddress(v4: 3)
        let refused = admission.admit(third, now: 0)
        #expect(Self.reason(refused) == .rate)
        let later = admission.admit(third, now: 500_000_000)
        #expect(later == .admit)
    }

    @Test func whoWasLetInAndWaitedTakesNoSecondToken() {
        var admission = Self.admission(AdmissionConfiguration(connectionsMax: 2, connectsPerSecond: 2))
        let first = [Self.one, Self.two].map { Self.reason(admission.admit($0, now: 0)) }
        #expect(first == [nil, nil])
        for address in [Self.one, Self.two] { admission.released(address, user: nil) }
        let stranger = admission.admit(PeerAddress(v4: 3), now: 0)
        #expect(Self.reason(stranger) == .rate)
        let again = [Self.one, Self.two].map { Self.reason(admission.admit($0, now: 0, isLetIn: true)) }
        #expect(again == [nil, nil] && admission.connections == 2)
        // The other limits hold for it too.
        let third = admission.admit(Self.one, now: 0, isLetIn: true)
        #expect(Self.reason(third) == .capacity)
    }

    @Test func advicesAreSpread() {
        var admission = Self.admission(AdmissionConfiguration(connectionsMax: 0, retryAfter: .seconds(10)))
        let seconds = [0, 0.25, 0.5, 0.999].map { random in
            guard case .refuse(_, let retryAfter) = admission.admit(Self.one, now: 0, random: random) else { return 0 }
            return retryAfter
        }
        #expect(seconds == [5, 8, 10, 15])
    }

    @Test("Other limits hold for those who come, and counts stay true")
    func reconfigured() {
        var admission = Admission(AdmissionConfiguration(connectionsMax: 10), now: 0)
        admission.enter(.ready, now: 0)
        let address = PeerAddress(v4: 0x0A00_0001)
        #expect(admission.admit(address, now: 0) == .admit)
        admission.reconfigure(AdmissionConfiguration(connectionsMax: 10, connectionsPerAddressMax: 1), now: 0)
        #expect(admission.admit(address, now: 0) == .admit)
        guard case .refuse(.address, _) = admission.admit(address, now: 0) else {
            Issue.record("a second of one address came in")
            return
        }
        admission.reconfigure(AdmissionConfiguration(connectionsMax: 2), now: 0)
        guard case .refuse(.capacity, _) = admission.admit(address, now: 0) else {
            Issue.record("a third came in")
            return
        }
        // The one that was not counted by its address is given back without one.
        admission.released(PeerAddress(v4: 0), user: nil)
        admission.reconfigure(AdmissionConfiguration(connectionsMax: 10, connectionsPerAddressMax: 1), now: 0)
        guard case .refuse(.address, _) = admission.admit(address, now: 0) else {
            Issue.record("the one that is counted was forgotten")
            return
        }
        admission.released(address, user: nil)
        #expect(admission.admit(address, now: 0) == .admit)
    }
}
