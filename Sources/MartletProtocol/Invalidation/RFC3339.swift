// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Times as RFC 3339 writes them, in seconds since 1970, without a calendar library.
package enum RFC3339 {
    /// Nil where the text is no such time. A leap second counts as the first second of the next minute.
    package static func parse(_ text: String) -> Double? {
        let bytes = text.utf8.span
        guard bytes.count >= 20, bytes.count <= 64 else { return nil }
        guard let year = self.number(bytes, 0..<4), bytes[4] == UInt8(ascii: "-"),
            let month = self.number(bytes, 5..<7), bytes[7] == UInt8(ascii: "-"),
            let day = self.number(bytes, 8..<10), self.isSeparator(bytes[10]),
            let hour = self.number(bytes, 11..<13), bytes[13] == UInt8(ascii: ":"),
            let minute = self.number(bytes, 14..<16), bytes[16] == UInt8(ascii: ":"),
            let second = self.number(bytes, 17..<19)
        else { return nil }
        guard 1...12 ~= month, 1...self.days(inMonth: month, year: year) ~= day, hour < 24, minute < 60, second <= 60
        else { return nil }
        var position = 19
        var fraction = 0.0
        if bytes[position] == UInt8(ascii: ".") {
            guard let digits = self.fraction(bytes, &position) else { return nil }
            fraction = digits
        }
        guard let offset = self.offset(bytes, position) else { return nil }
        let days = self.days(year: year, month: month, day: day)
        return Double(days * 86_400 + hour * 3_600 + minute * 60 + second - offset) + fraction
    }

    /// In UTC, to the millisecond where there is a fraction; nil for what lies outside the years 0 to 9999.
    package static func string(_ seconds: Double) -> String? {
        guard seconds >= -62_167_219_200, seconds < 253_402_300_799.5 else { return nil }
        let milliseconds = Int64((seconds * 1_000).rounded())
        let whole = milliseconds >= 0 ? milliseconds / 1_000 : (milliseconds - 999) / 1_000
        let fraction = Int(milliseconds - whole * 1_000)
        let days = whole >= 0 ? whole / 86_400 : (whole - 86_399) / 86_400
        let rest = Int(whole - days * 86_400)
        let (year, month, day) = self.date(days: Int(days))
        let date = "\(self.padded(year, 4))-\(self.padded(month, 2))-\(self.padded(day, 2))"
        let time = "\(self.padded(rest / 3_600, 2)):\(self.padded(rest / 60 % 60, 2)):\(self.padded(rest % 60, 2))"
        return fraction == 0 ? "\(date)T\(time)Z" : "\(date)T\(time).\(self.padded(fraction, 3))Z"
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte | 0x20 == UInt8(ascii: "t") || byte == UInt8(ascii: " ")
    }

    private static func number(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        guard range.upperBound <= bytes.count else { return nil }
        var value = 0
        for index in range {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }

    /// `.` and at least one digit; `position` moves behind them.
    private static func fraction(_ bytes: Span<UInt8>, _ position: inout Int) -> Double? {
        let first = position + 1
        position = first
        var value = 0.0
        var scale = 1.0
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") <= 9 {
            // Beyond a nanosecond digits change nothing that a Double could hold.
            if position - first < 9 {
                scale *= 10
                value = value * 10 + Double(bytes[position] - UInt8(ascii: "0"))
            }
            position += 1
        }
        return position > first ? value / scale : nil
    }

    /// Seconds east of Greenwich, of `Z` or `+hh:mm`, which end the text.
    private static func offset(_ bytes: Span<UInt8>, _ position: Int) -> Int? {
        guard position < bytes.count else { return nil }
        if bytes[position] | 0x20 == UInt8(ascii: "z") { return position + 1 == bytes.count ? 0 : nil }
        let sign: Int
        switch bytes[position] {
        case UInt8(ascii: "+"): sign = 1
        case UInt8(ascii: "-"): sign = -1
        default: return nil
        }
        guard position + 6 == bytes.count, bytes[position + 3] == UInt8(ascii: ":"),
            let hours = self.number(bytes, (position + 1)..<(position + 3)), hours < 24,
            let minutes = self.number(bytes, (position + 4)..<(position + 6)), minutes < 60
        else { return nil }
        return sign * (hours * 3_600 + minutes * 60)
    }

    private static func days(inMonth month: Int, year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        default: 31
        }
    }

    /// Days since 1970 of a date of the proleptic Gregorian calendar: years begin in March, so that the leap day ends
    /// them, and 400 of them have 146,097 days.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = year - (month <= 2 ? 1 : 0)
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
