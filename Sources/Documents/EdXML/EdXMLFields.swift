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

    /// Absent and empty mean normal. The receivers read any other text as normal, silently; they take `01` for 1.
    static func priority(_ text: String, _ notes: inout [EdXMLNote]) throws(EdXMLFault) -> UInt8 {
        if text.isEmpty { return 0 }
        let digits = Array(text.utf8)
        let isPadded = digits.count == 2 && digits[0] == 0x30
        guard digits.count == 1 || isPadded, let digit = digits.last, digit >= 0x30, digit <= 0x34 else {
            throw EdXMLFault(.badPriority, "Priority is \(quoted(text)); it must be 0, 1, 2, 3 or 4.")
        }
        if isPadded {
            notes.append(
                EdXMLNote(
                    code: .priorityPadded, element: "Priority",
                    sentence: "Priority is \(quoted(text)), read as \(digit - 0x30)."))
        }
        return digit - 0x30
    }

    /// Two digits, text: receivers pass `3` on as it is, and it then matches no status.
    static func statusCode(_ text: String) throws(EdXMLFault) -> String {
        guard text.utf8.count == 2, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), text != "00" else {
            throw EdXMLFault(.badStatusCode, "StatusCode is \(quoted(text)); it must be two digits such as 03.")
        }
        return text
    }

    /// `yyyy/MM/dd`; month and day may lack their zero, and a time behind it is passed over. The receivers read dd/MM/yyyy as a
    /// year below 100, and ISO dates as no date at all: those stay refused. Nil when empty.
    static func day(_ text: String, of element: String, _ notes: inout [EdXMLNote]) throws(EdXMLFault) -> EdXMLDate? {
        if text.isEmpty { return nil }
        guard let read = moment(text) else {
            throw EdXMLFault(
                .badDate, "\(element) is \(quoted(text)); it must be yyyy/MM/dd, such as 2026/03/09.")
        }
        if read.time != nil {
            notes.append(
                EdXMLNote(
                    code: .timeIgnored, element: element,
                    sentence: "\(element) is \(quoted(text)), read as \(read.date): a date has no time."))
        } else {
            noteUnpadded(text, read.date, of: element, &notes)
        }
        return read.date
    }

    /// A date as above; the due hour of a document that is to be there at a set time is kept.
    static func due(_ text: String, _ notes: inout [EdXMLNote]) throws(EdXMLFault) -> EdXMLDue? {
        if text.isEmpty { return nil }
        guard let read = moment(text) else {
            throw EdXMLFault(.badDate, "DueDate is \(quoted(text)); it must be yyyy/MM/dd, such as 2026/03/09.")
        }
        let due = EdXMLDue(date: read.date, hour: read.time?.hour, minute: read.time?.minute)
        if read.time != nil {
            notes.append(
                EdXMLNote(
                    code: .dueTime, element: "DueDate", sentence: "DueDate is \(quoted(text)), read as \(due)."))
        } else {
            noteUnpadded(text, read.date, of: "DueDate", &notes)
        }
        return due
    }

    private static func noteUnpadded(
        _ text: String, _ date: EdXMLDate, of element: String, _ notes: inout [EdXMLNote]
    ) {
        guard text.utf8.count != 10 else { return }
        notes.append(
            EdXMLNote(
                code: .dateUnpadded, element: element,
                sentence: "\(element) is \(quoted(text)), read as \(date): month and day have two digits."))
    }

    /// `yyyy/MM/dd HH:mm:ss`, or the date alone.
    static func checkTimestamp(_ text: String) throws(EdXMLFault) {
        guard text.isEmpty || isTimestamp(text) else {
            throw EdXMLFault(.badDate, "Timestamp is \(quoted(text)); it must be yyyy/MM/dd HH:mm:ss.")
        }
    }

    /// A trace header is written by hubs, which write what they like; no value of it is a reason to refuse.
    static func noteTraceTimestamp(_ text: String, _ notes: inout [EdXMLNote]) {
        guard !text.isEmpty, !isTimestamp(text) else { return }
        notes.append(
            EdXMLNote(
                code: .traceTimestamp, element: "TraceHeader/Timestamp",
                sentence: "TraceHeader/Timestamp is \(quoted(text)); it should be yyyy/MM/dd HH:mm:ss."))
    }

    private static func isTimestamp(_ text: String) -> Bool {
        guard let read = moment(text) else { return false }
        return text.utf8.count == (read.time == nil ? 10 : 19)
    }

    /// A date, and the time behind it: HH:mm, HH:mm:ss or with a fraction, after a blank.
    private static func moment(_ text: String) -> (date: EdXMLDate, time: (hour: Int, minute: Int)?)? {
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        let fields = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0].utf8.count == 4, let year = number(fields[0], 4),
            let month = number(fields[1], 2), let day = number(fields[2], 2),
            let date = EdXMLDate(year: year, month: month, day: day)
        else { return nil }
        guard parts.count == 2 else { return (date, nil) }
        guard let time = time(parts[1]) else { return nil }
        return (date, time)
    }

    private static func time(_ text: Substring) -> (hour: Int, minute: Int)? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count == 2 || fields.count == 3, fields[1].utf8.count == 2, let hour = number(fields[0], 2),
            hour < 24, let minute = number(fields[1], 2), minute < 60
        else { return nil }
        if fields.count == 3 {
            let second = fields[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard second[0].utf8.count == 2, let whole = number(second[0], 2), whole < 60,
                second.count == 1 || number(second[1], 9) != nil
            else { return nil }
        }
        return (hour, minute)
    }

    /// Digits only, at least one and at most `most`.
    private static func number(_ digits: Substring, _ most: Int) -> Int? {
        guard (1...most).contains(digits.utf8.count) else { return nil }
        var result = 0
        for byte in digits.utf8 {
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

/// The moment until which a document wants its answer, in the time of Vietnam (+07:00).
public struct EdXMLDue: Hashable, Sendable, CustomStringConvertible {
    public var date: EdXMLDate
    /// Nil: the whole day.
    public var hour: Int?
    public var minute: Int?

    public init(date: EdXMLDate, hour: Int? = nil, minute: Int? = nil) {
        self.date = date
        self.hour = hour
        self.minute = minute
    }

    /// `yyyy/MM/dd`, or `yyyy/MM/dd HH:mm (+07:00)`.
    public var description: String {
        guard let hour, let minute else { return date.description }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(date) \(two(hour)):\(two(minute)) (+07:00)"
    }
}
