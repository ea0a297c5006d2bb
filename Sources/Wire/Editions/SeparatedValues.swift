// SeparatedValues: records of a table in text, CSV [RFC 4180], as spreadsheets write it: comma, semicolon or tab, fields in quotes or not,
// lines ended by LF or CR LF, with a byte order mark or without. Streams over octets that are all there; holds one record. A record that
// is larger than the bounds is refused, so nothing grows with a quote that is never closed.

struct SeparatedValues {
    enum Trouble: Error, Hashable {
        /// Of the record that begins at a row, from 1.
        case tooLong(row: Int)
        case badUTF8(row: Int)
        case badQuote(row: Int)
    }

    static let fieldBytesMax = 4_096
    static let fieldsMax = 64

    private let bytes: [UInt8]
    private var at: Int
    private let separator: UInt8
    /// Records given so far.
    private(set) var row = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        at = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        let header = bytes[at...].prefix(65_536).prefix { $0 != UInt8(ascii: "\n") }
        let separators = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        separator =
            separators.max { left, right in header.count { $0 == left } < header.count { $0 == right } }
            ?? UInt8(ascii: ",")
    }

    /// The fields of the next record; nil behind the last. Empty lines are records without fields. After a trouble the next call goes
    /// on with the next line.
    mutating func next() throws(Trouble) -> [String]? {
        guard at < bytes.count else { return nil }
        row += 1
        var fields: [String] = []
        while true {
            let (field, isLast) = try self.field()
            if isLast, fields.isEmpty, field.isEmpty { return [] }
            guard fields.count < Self.fieldsMax else { throw skipping(.tooLong(row: row)) }
            fields.append(field)
            if isLast { return fields }
        }
    }

    private mutating func field() throws(Trouble) -> (text: String, isLast: Bool) {
        var octets: [UInt8] = []
        if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
            at += 1
            while true {
                guard at < bytes.count else { throw .badQuote(row: row) }
                let byte = bytes[at]
                at += 1
                if byte == UInt8(ascii: "\"") {
                    guard at < bytes.count, bytes[at] == byte else { break }
                    at += 1
                }
                guard octets.count < Self.fieldBytesMax else { throw skipping(.tooLong(row: row)) }
                octets.append(byte)
            }
            if at < bytes.count, bytes[at] == UInt8(ascii: "\r") { at += 1 }
            guard at == bytes.count || bytes[at] == separator || bytes[at] == UInt8(ascii: "\n") else {
                throw skipping(.badQuote(row: row))
            }
        } else {
            while at < bytes.count, bytes[at] != separator, bytes[at] != UInt8(ascii: "\n") {
                guard octets.count < Self.fieldBytesMax else { throw skipping(.tooLong(row: row)) }
                octets.append(bytes[at])
                at += 1
            }
            if octets.last == UInt8(ascii: "\r"), at == bytes.count || bytes[at] == UInt8(ascii: "\n") {
                octets.removeLast()
            }
        }
        let isLast = at == bytes.count || bytes[at] == UInt8(ascii: "\n")
        if at < bytes.count { at += 1 }
        guard let text = String(validating: octets, as: UTF8.self) else {
            throw isLast ? .badUTF8(row: row) : skipping(.badUTF8(row: row))
        }
        return (text, isLast)
    }

    /// Goes to the next line.
    private mutating func skipping(_ trouble: Trouble) -> Trouble {
        while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
        if at < bytes.count { at += 1 }
        return trouble
    }
}
