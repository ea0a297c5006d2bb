// LineReader: reads one line of an edition octet by octet, in the one way in which it may be written: fields in their order, no white
// space, no escape but those that must be. It holds nothing but its place; what is wrong is an EditionFault with the field at hand.

import RelayModel

struct LineReader {
    let bytes: UnsafeRawBufferPointer
    private var at = 0
    /// The field that is being read.
    var field: StaticString = ""

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { at == bytes.count }

    /// Goes on behind the text if it stands here.
    mutating func skip(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - at >= count else { return false }
        let start = text.utf8Start
        for index in 0..<count where bytes[at + index] != start[index] { return false }
        at += count
        return true
    }

    private mutating func skip(_ byte: Unicode.Scalar) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: byte) else { return false }
        at += 1
        return true
    }

    mutating func expect(_ text: StaticString) throws(EditionFault) {
        guard skip(text) else { throw unexpected() }
    }

    /// What to say where something else was to come.
    func unexpected() -> EditionFault {
        guard at < bytes.count else { return fault(.unexpected, "the line ends too early") }
        // A comma belongs to the field behind it.
        let isBehindComma = bytes[at] == UInt8(ascii: ",") && at + 1 < bytes.count
        switch bytes[isBehindComma ? at + 1 : at] {
        case 0x20, 0x09: return fault(.whiteSpace, "white space stands where none may be")
        case 0x00..<0x20, 0x7f: return fault(.controlCharacter, "a control character stands in the line")
        default: return fault(.unexpected, "octet \(at + 1) of the line is not what comes here")
        }
    }

    func fault(_ code: EditionError.Code, _ sentence: String) -> EditionFault { EditionFault(code, field, sentence) }

    // MARK: Fields

    /// True where the next field is this one; its value comes next.
    mutating func has(_ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        guard bytes.count - at >= count + 4, bytes[at] == UInt8(ascii: ","), bytes[at + 1] == UInt8(ascii: "\""),
            bytes[at + count + 2] == UInt8(ascii: "\""), bytes[at + count + 3] == UInt8(ascii: ":")
        else { return false }
        let start = name.utf8Start
        for index in 0..<count where bytes[at + 2 + index] != start[index] { return false }
        at += count + 4
        field = name
        return true
    }

    /// The next field must be this one. `known` are all fields of the object in their order.
    mutating func require(_ name: StaticString, of known: [StaticString]) throws(EditionFault) {
        guard !has(name) else { return }
        guard let found = nextName() else {
            if at < bytes.count, bytes[at] == UInt8(ascii: "}") { throw missing(name) }
            throw unexpected()
        }
        throw misplaced(found, known: known, expected: name)
    }

    /// The object ends here.
    mutating func close(known: [StaticString]) throws(EditionFault) {
        guard !skip("}" as Unicode.Scalar) else { return }
        guard let found = nextName() else { throw unexpected() }
        throw misplaced(found, known: known, expected: nil)
    }

    private func missing(_ name: StaticString) -> EditionFault {
        EditionFault(.missingField, name, "the field is missing")
    }

    private func misplaced(_ found: String, known: [StaticString], expected: StaticString?) -> EditionFault {
        guard let place = known.firstIndex(where: { $0.description == found }) else {
            return EditionFault(.unknownField, "", "there is no field \(quoted(found)) here")
        }
        if let expected, known.firstIndex(where: { $0.description == expected.description }).map({ $0 < place }) == true
        {
            return missing(expected)
        }
        return EditionFault(.fieldOrder, known[place], "the field stands twice, or not in its place")
    }

    /// The name of the field that comes next, whatever it is; nil where none comes.
    private func nextName() -> String? {
        var here = at
        if here < bytes.count, bytes[here] == UInt8(ascii: ",") { here += 1 }
        guard here < bytes.count, bytes[here] == UInt8(ascii: "\"") else { return nil }
        let rest = bytes[(here + 1)...]
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        return String(decoding: UnsafeRawBufferPointer(rebasing: rest[..<end].prefix(64)), as: UTF8.self)
    }

    // MARK: Lists

    /// A list begins; it has at least one element.
    mutating func open() throws(EditionFault) {
        guard skip("[" as Unicode.Scalar) else { throw unexpected() }
        if at < bytes.count, bytes[at] == UInt8(ascii: "]") { throw fault(.emptyValue, "an empty list is left out") }
    }

    /// True where another element comes after the `count` that there are; false behind the end of the list.
    mutating func more(after count: Int, max: Int) throws(EditionFault) -> Bool {
        if skip("," as Unicode.Scalar) {
            guard count < max else { throw fault(.listTooLong, "the list has more than \(max) elements") }
            return true
        }
        guard skip("]" as Unicode.Scalar) else { throw unexpected() }
        return false
    }

    func listOrder() -> EditionFault {
        fault(.listOrder, "the elements of the list are not in ascending order, each once")
    }

    // MARK: Values

    /// A text of 1 to so many octets, as it is meant.
    mutating func text(max: Int) throws(EditionFault) -> String {
        let (start, end, escapes) = try span(max: max)
        let octets = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        if escapes == 0 { return String(decoding: octets, as: UTF8.self) }
        var plain: [UInt8] = []
        plain.reserveCapacity(end - start - escapes)
        var isEscaped = false
        for byte in octets {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
            } else {
                plain.append(byte)
                isEscaped = false
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// A text of people: it does not begin or end with a space.
    mutating func name(max: Int) throws(EditionFault) -> String {
        let text = try text(max: max)
        if text.utf8.first == 0x20 || text.utf8.last == 0x20 {
            throw fault(.edgeSpace, "the text begins or ends with a space")
        }
        return text
    }

    /// The place of a text's octets between its quotes, judged; its escapes counted.
    private mutating func span(max: Int) throws(EditionFault) -> (start: Int, end: Int, escapes: Int) {
        guard skip("\"" as Unicode.Scalar) else { throw unexpected() }
        let start = at
        var index = at
        var escapes = 0
        while true {
            guard index < bytes.count else { throw fault(.unexpected, "a text does not end in its line") }
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                at = index + 1
                if index == start { throw fault(.emptyValue, "an empty text is left out") }
                if index - start - escapes > max {
                    throw fault(.textTooLong, "the text is longer than \(max) octets")
                }
                return (start, index, escapes)
            case UInt8(ascii: "\\"):
                guard index + 1 < bytes.count, bytes[index + 1] == byte || bytes[index + 1] == UInt8(ascii: "\"") else {
                    throw fault(.needlessEscape, "only the quote and the backslash are escaped")
                }
                escapes += 1
                index += 2
            case 0x00..<0x20, 0x7f: throw fault(.controlCharacter, "a control character stands in the line")
            case 0x20..<0x80: index += 1
            default: index += try scalar(at: index)
            }
        }
    }

    /// The octets of one scalar beyond ASCII, in the one form that UTF-8 has for it.
    private func scalar(at index: Int) throws(EditionFault) -> Int {
        let (count, value) = UTF8Scalar.decoded(bytes, at: index)
        guard count > 0 else { throw fault(.badUTF8, "octet \(index + 1) of the line is not UTF-8") }
        switch TextCharacter(value) {
        case .plain: return count
        case .control: throw fault(.controlCharacter, "a control character stands in the line")
        case .hidden:
            throw fault(.hiddenCharacter, "the character U+\(hexadecimal(value)) is not seen, or looks like another")
        case .combining:
            throw fault(
                .notComposed, "the mark U+\(hexadecimal(value)) stands apart from its letter; write it composed, NFC")
        }
    }

    private func hexadecimal(_ value: UInt32) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: Swift.max(0, 4 - text.utf8.count)) + text
    }

    mutating func number(max: UInt64) throws(EditionFault) -> UInt64 {
        let start = at
        var value: UInt64 = 0
        while at < bytes.count, (0x30...0x39).contains(bytes[at]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[at] - 0x30))
            guard !overflow, !carry, sum <= max else { throw fault(.numberTooLarge, "the number is above \(max)") }
            value = sum
            at += 1
        }
        let isWhole = at < bytes.count && (bytes[at] == UInt8(ascii: ",") || bytes[at] == UInt8(ascii: "}"))
        guard at > start, isWhole, at - start == 1 || bytes[start] != 0x30 else {
            throw fault(.badNumber, "not a number in plain digits")
        }
        return value
    }

    mutating func code() throws(EditionFault) -> AgencyCode {
        guard let code = AgencyCode(try text(max: EditionBounds.lineBytesMax)) else {
            throw fault(
                .badCode,
                "not a code: 1 to \(AgencyCode.textBytesMax) of A–Z, a–z, 0–9, - and _ in groups parted by dots"
            )
        }
        return code
    }

    mutating func node() throws(EditionFault) -> NodeID {
        let text = try text(max: EditionBounds.lineBytesMax)
        guard let node = NodeID(shortName: text), node.name == text else {
            throw fault(.badNode, "not the short name of a node")
        }
        return node
    }

    mutating func subtree() throws(EditionFault) -> Subtree {
        guard let subtree = Subtree(try text(max: EditionBounds.lineBytesMax)) else {
            throw fault(.badSubtree, "not a subtree such as H29.*")
        }
        return subtree
    }

    mutating func feature() throws(EditionFault) -> Feature {
        guard let feature = Feature(try text(max: EditionBounds.lineBytesMax)) else {
            throw fault(.badFeature, "not the name of a feature")
        }
        return feature
    }

    mutating func moment() throws(EditionFault) -> Moment {
        let (start, end, _) = try span(max: EditionBounds.lineBytesMax)
        guard let moment = Moment.parsed(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else {
            throw fault(
                .badMoment, "not a moment: a day such as 2026-07-01, or 2026-07-01T12:00:00+07:00 within a day")
        }
        return moment
    }

    /// One of the words of a kind.
    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ kind: Word.Type
    ) throws(EditionFault) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: try text(max: EditionBounds.lineBytesMax)) else {
            throw fault(.badWord, "not one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    mutating func digest() throws(EditionFault) -> Digest {
        let (start, end, _) = try span(max: EditionBounds.lineBytesMax)
        var words: [UInt64] = [0, 0, 0, 0]
        guard end - start == 64 else { throw badFingerprint() }
        for index in 0..<64 {
            let byte = bytes[start + index]
            let value: UInt8
            switch byte {
            case 0x30...0x39: value = byte - 0x30
            case 0x61...0x66: value = byte - 0x61 + 10
            default: throw badFingerprint()
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(value)
        }
        return Digest(words: (words[0], words[1], words[2], words[3]))
    }

    private func badFingerprint() -> EditionFault { fault(.badFingerprint, "not 64 hexadecimal digits in lower case") }

    mutating func der() throws(EditionFault) -> [UInt8] {
        let (start, end, _) = try span(max: EditionBounds.derBytesMax / 3 * 4 + 4)
        guard let der = Base64.decoded(UnsafeRawBufferPointer(rebasing: bytes[start..<end])),
            der.count <= EditionBounds.derBytesMax
        else {
            throw fault(.badCertificate, "not a certificate in base64 of up to \(EditionBounds.derBytesMax) octets")
        }
        return der
    }
}
