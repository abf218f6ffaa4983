// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

struct RFC3339Tests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:01z", 1), ("1970-01-01 00:00:01Z", 1),
        ("2026-01-01T00:00:00Z", 1_767_225_600), ("2026-01-01T01:30:00+01:30", 1_767_225_600),
        ("2025-12-31T18:00:00-06:00", 1_767_225_600), ("2026-01-01T00:00:00.25Z", 1_767_225_600.25),
        ("2026-01-01T00:00:00.123456789012345Z", 1_767_225_600.123456789), ("2000-02-29T12:00:00Z", 951_825_600),
        ("2016-12-31T23:59:60Z", 1_483_228_800), ("1969-12-31T23:59:59Z", -1),
        ("0000-01-01T00:00:00Z", -62_167_219_200),
        ("9999-12-31T23:59:59Z", 253_402_300_799), ("2026-01-01T00:00:00-00:00", 1_767_225_600),
    ])
    func reads(_ text: String, _ seconds: Double) {
        #expect(RFC3339.parse(text) == seconds)
    }

    @Test(arguments: [
        "", "2026", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00Z", "2026-1-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2025-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+01:0",
        "2026-01-01T00:00:00ZZ", "2026-01-01T00:00:00Z ", " 2026-01-01T00:00:00Z", "2026/01/01T00:00:00Z",
        "2026-01-01_00:00:00Z",
        "+026-01-01T00:00:00Z", "2026-01-01T00:00:00,5Z", "1767225600", "２026-01-01T00:00:00Z", "2026-01-01T00:00:00.5",
    ])
    func refuses(_ text: String) {
        #expect(RFC3339.parse(text) == nil)
    }

    @Test func writes() {
        #expect(RFC3339.string(0) == "1970-01-01T00:00:00Z")
        #expect(RFC3339.string(1_767_225_600.25) == "2026-01-01T00:00:00.250Z")
        #expect(RFC3339.string(-0.001) == "1969-12-31T23:59:59.999Z")
        #expect(RFC3339.string(-1) == "1969-12-31T23:59:59Z")
        #expect(RFC3339.string(0.9999) == "1970-01-01T00:00:01Z")
        #expect(RFC3339.string(.nan) == nil)
        #expect(RFC3339.string(.infinity) == nil)
        #expect(RFC3339.string(1e18) == nil)
        #expect(RFC3339.string(-1e18) == nil)
    }

    /// Every day of four centuries, and random milliseconds of ten thousand years.
    @Test func readsWhatItWrites() {
        for day in -40_000..<110_000 {
            let seconds = Double(day * 86_400 + 43_200)
            if RFC3339.string(seconds).flatMap(RFC3339.parse) != seconds { Issue.record("\(seconds)") }
        }
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let seconds = Double(Int64.random(in: -62_167_219_200_000...253_402_300_799_000, using: &generator)) / 1_000
            let read = RFC3339.string(seconds).flatMap(RFC3339.parse)
            if abs((read ?? .infinity) - seconds) > 0.000_1 { Issue.record("\(seconds)") }
        }
    }
}
