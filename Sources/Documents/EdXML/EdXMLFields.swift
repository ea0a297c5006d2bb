// The rules of single fields: codes, priority, status code, dates. Pure functions; each throws the fault of its field.

import RelayModel

extension EdXMLGrammar {
    /// The text without the white space that pretty-printers put around it.
    static func trimmed(_ bytes: [UInt8]) -> String {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    /// A code with a harmless spelling; hubs are known to write nothing or the word null.
    static func organID(_ text: String, of parent: String) throws(EdXMLFault) -> String {
        guard !text.isEmpty else { throw EdXMLFault(.badOrganID, "\(parent)/OrganId is empty.") }
        guard text.lowercased() != "null" else {
            throw EdXMLFault(.badOrganID, "\(parent)/OrganId is the word \"null\", not a code.")
        }
        guard AgencyCode(text) != nil else {
            throw EdXMLFault(
                .badOrganID,
                "\(parent)/OrganId is \(quoted(text)); a code is at most \(AgencyCode.textBytesMax) letters, digits, "
                    + "\"-\" and \"_\" in groups parted by dots.")
        }
        return text
    }

    /// Absent and empty mean normal. The receivers read any other text as normal, silently.
    static func priority(_ text: String) throws(EdXMLFault) -> UInt8 {
        if text.isEmpty { return 0 }
        guard text.utf8.count == 1, let digit = UInt8(text), digit <= 4 else {
            throw EdXMLFault(.badPriority, "Priority is \(quoted(text)); it must be 0, 1, 2, 3 or 4.")
        }
        return digit
    }

    /// Two digits, text: receivers pass `3` on as it is, and it then matches no status.
    static func statusCode(_ text: String) throws(EdXMLFault) -> String {
        guard text.utf8.count == 2, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), text != "00" else {
            throw EdXMLFault(.badStatusCode, "StatusCode is \(quoted(text)); it must be two digits such as 03.")
        }
        return text
    }

    /// `yyyy/MM/dd`. The receivers read dd/MM/yyyy as a year below 100, and ISO dates as no date at all.
    static func checkDate(_ text: String) throws(EdXMLFault) {
        guard text.isEmpty || isDate(Array(text.utf8)) else {
            throw EdXMLFault(.badDate, "The date is \(quoted(text)); it must be yyyy/MM/dd, such as 2026/03/09.")
        }
    }

    /// `yyyy/MM/dd HH:mm:ss`, or the date alone.
    static func checkTimestamp(_ text: String) throws(EdXMLFault) {
        let bytes = Array(text.utf8)
        guard bytes.isEmpty || isDate(bytes) || isTimestamp(bytes) else {
            throw EdXMLFault(.badDate, "The time is \(quoted(text)); it must be yyyy/MM/dd HH:mm:ss.")
        }
    }

    private static func isTimestamp(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 19, bytes[10] == 0x20, bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19])
        else { return false }
        return isDate(Array(bytes[0..<10])) && hour < 24 && minute < 60 && second < 60
    }

    private static func isDate(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "/"), bytes[7] == UInt8(ascii: "/"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10])
        else { return false }
        return EdXMLDate(year: year, month: month, day: day) != nil
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var result = 0
        for byte in digits {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            result = result * 10 + Int(byte - 0x30)
        }
        return result
    }
}

/// A day as packages write it.
public struct EdXMLDate: Hashable, Sendable, CustomStringConvertible {
    public let year: Int
    public let month: Int
    public let day: Int

    /// Nil unless the day exists and the year is 1900...2999.
    public init?(year: Int, month: Int, day: Int) {
        guard (1900...2999).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= days[month - 1] else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// `yyyy/MM/dd`.
    public var description: String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)/\(two(month))/\(two(day))"
    }
}
