// PlainRows: the entries of a long section where they stand in the plain form that people and exports write: a key, and a map of texts and
// lists of texts, on one line or a line each. It gives the very tree that the YAML library gives, at a twentieth of the cost: a country's
// agencies are read at each start and reload. Whatever is not in that form (escapes, anchors, texts over several lines, keys twice, what is wrong) is
// nil, and the library reads it: this reader knows no errors. PlainRowsTests holds the two together, over random texts. Pure.

/// Reads the rows of one slice.
struct PlainRows {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0
    private var line: Int
    private var lineStart = 0
    /// Octets of this line so far that begin no character: columns count characters.
    private var continuations = 0

    private static let keyBytesMax = 128

    /// The entries of UTF-8 that begins with the first line of a slice; nil: not all of it is plain.
    static func entries(_ bytes: ArraySlice<UInt8>, firstLine: Int) -> [YAMLNode.Entry]? {
        bytes.withUnsafeBufferPointer { bytes in
            var rows = PlainRows(bytes: bytes, line: firstLine)
            return rows.all()
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, line: Int) {
        self.bytes = bytes
        self.line = line
    }

    private mutating func all() -> [YAMLNode.Entry]? {
        var result: [YAMLNode.Entry] = []
        result.reserveCapacity(YAMLText.sliceEntries)
        var keys: Set<String> = []
        keys.reserveCapacity(YAMLText.sliceEntries)
        guard toContent(), let indent = depth else { return nil }
        while place < bytes.count {
            guard depth == indent, let row = row(indent), keys.insert(row.key).inserted else { return nil }
            result.append(row)
        }
        return result
    }

    /// `KEY: {…}`, or `KEY:` and lines below it that are further in. Ends at the content of the next row.
    private mutating func row(_ indent: Int) -> YAMLNode.Entry? {
        let mark = mark
        guard let key = word(isInner: false), take(":") else { return nil }
        let spaces = skipSpaces()
        if spaces > 0, next == UInt8(ascii: "{") {
            guard let value = flowMap(), toLineEnd(), toContent() else { return nil }
            return YAMLNode.Entry(key: key, mark: mark, value: value)
        }
        guard toLineEnd(afterSpace: spaces > 0), toContent(), let inner = depth, inner > indent else { return nil }
        let start = self.mark
        var fields: [YAMLNode.Entry] = []
        while place < bytes.count, depth != indent {
            guard depth == inner, let field = blockField(inner), isNew(field, fields) else { return nil }
            fields.append(field)
        }
        return YAMLNode.Entry(key: key, mark: mark, value: YAMLNode(mark: start, value: .map(fields)))
    }

    private mutating func flowMap() -> YAMLNode? {
        let start = mark
        guard take("{") else { return nil }
        var fields: [YAMLNode.Entry] = []
        repeat {
            skipSpaces()
            guard let field = field(isFlow: true), isNew(field, fields) else { return nil }
            fields.append(field)
            skipSpaces()
        } while take(",")
        guard take("}") else { return nil }
        return YAMLNode(mark: start, value: .map(fields))
    }

    private func isNew(_ field: YAMLNode.Entry, _ fields: [YAMLNode.Entry]) -> Bool {
        !fields.contains { $0.key == field.key }
    }

    /// `key: text`, or `key: [text, text]`.
    private mutating func field(isFlow: Bool) -> YAMLNode.Entry? {
        let start = mark
        guard let key = word(isInner: true), take(":"), skipSpaces() > 0, let value = value(isFlow: isFlow)
        else { return nil }
        return YAMLNode.Entry(key: key, mark: start, value: value)
    }

    /// The same to the end of its line; or `key:` and a line `- text` for each of a list, as far in or further. Ends at the content behind.
    private mutating func blockField(_ inner: Int) -> YAMLNode.Entry? {
        let start = mark
        guard let key = word(isInner: true), take(":") else { return nil }
        let spaces = skipSpaces()
        if spaces > 0, let byte = next, !Self.endsPlain(byte, isFlow: false) {
            guard let value = value(isFlow: false), toLineEnd(), toContent() else { return nil }
            return YAMLNode.Entry(key: key, mark: start, value: value)
        }
        guard toLineEnd(afterSpace: spaces > 0), toContent(), let depth, depth >= inner else { return nil }
        let mark = mark
        var items: [YAMLNode] = []
        while self.depth == depth, take("-") {
            guard skipSpaces() > 0, let item = text(isFlow: false), toLineEnd(), toContent() else { return nil }
            items.append(item)
        }
        guard !items.isEmpty else { return nil }
        return YAMLNode.Entry(key: key, mark: start, value: YAMLNode(mark: mark, value: .list(items)))
    }

    private mutating func value(isFlow: Bool) -> YAMLNode? {
        let mark = mark
        guard take("[") else { return text(isFlow: isFlow) }
        var items: [YAMLNode] = []
        skipSpaces()
        if !take("]") {
            repeat {
                skipSpaces()
                guard let item = text(isFlow: true) else { return nil }
                items.append(item)
                skipSpaces()
            } while take(",")
            guard take("]") else { return nil }
        }
        return YAMLNode(mark: mark, value: .list(items))
    }
}

// Words and texts.
extension PlainRows {
    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }
    private var mark: ConfigurationMark {
        ConfigurationMark(line: line, column: place - lineStart - continuations + 1)
    }
    /// How far in the content is that is reached now.
    private var depth: Int? { place < bytes.count ? place - lineStart : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    @discardableResult
    private mutating func skipSpaces() -> Int {
        let start = place
        while next == UInt8(ascii: " ") { place += 1 }
        return place - start
    }

    private func string(_ range: Range<Int>) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    /// A key without quotes; digits and dots in that of a row only.
    private mutating func word(isInner: Bool) -> String? {
        let start = place
        while let byte = next {
            let isLetter = (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            let isDigit = (0x30...0x39).contains(byte)
            let isMark = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            guard isLetter || (isDigit && (!isInner || place > start)) || (isMark && place > start) else { break }
            place += 1
        }
        guard place > start, place - start <= Self.keyBytesMax else { return nil }
        return string(start..<place)
    }

    /// A text in one line, in quotes without escapes, or without quotes.
    private mutating func text(isFlow: Bool) -> YAMLNode? {
        let start = mark
        guard let first = next else { return nil }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            place += 1
            let begin = place
            while let byte = next, byte != first {
                guard byte != UInt8(ascii: "\\") || first == UInt8(ascii: "'"), step(byte) else { return nil }
            }
            let end = place
            guard next == first else { return nil }
            place += 1
            // Twice, it would be one of the text.
            guard next != first else { return nil }
            return YAMLNode(mark: start, value: .scalar(string(begin..<end), isPlain: false))
        }
        let begin = place
        var end = place
        while let byte = next, !Self.endsPlain(byte, isFlow: isFlow) {
            guard end > begin || Self.beginsPlain(byte), Self.isInPlain(byte) else { return nil }
            guard step(byte) else { return nil }
            if byte != UInt8(ascii: " ") { end = place }
        }
        // `a#b` is a text, and `a #b` one with a comment.
        guard end > begin, next != UInt8(ascii: "#") || place > end else { return nil }
        // The space before a comment is looked for.
        place = end
        return YAMLNode(mark: start, value: .scalar(string(begin..<end), isPlain: true))
    }

    private static func endsPlain(_ byte: UInt8, isFlow: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "#"): true
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): isFlow
        default: false
        }
    }

    private static func beginsPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x80...0xff, UInt8(ascii: "("): true
        default: false
        }
    }

    /// Nothing that means anything to YAML.
    private static func isInPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x80...0xff: true
        case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "\""),
            UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: ","):
            true
        default: false
        }
    }

    /// Over one character; false for one that is a control, a line break of some kind, or may be.
    private mutating func step(_ byte: UInt8) -> Bool {
        if byte < 0x80 {
            guard (0x20...0x7e).contains(byte) else { return false }
            place += 1
            return true
        }
        let length: Int
        switch byte {
        case 0xc2...0xdf: length = 2
        case 0xe0...0xe2: length = 3
        default: return false
        }
        guard place + length <= bytes.count else { return false }
        // U+0080 to U+009F, and of U+2000 and on only dashes, quotes and the like: the others break lines or are not seen.
        if byte == 0xc2, bytes[place + 1] < 0xa0 { return false }
        if byte == 0xe2 {
            guard bytes[place + 1] == 0x80, (0x90...0xa7).contains(bytes[place + 2]) else { return false }
        }
        place += length
        continuations += length - 1
        return true
    }
}

// Lines.
extension PlainRows {
    /// Over spaces, a comment and the break. `afterSpace`: a space has been passed already.
    private mutating func toLineEnd(afterSpace: Bool = false) -> Bool {
        let spaces = skipSpaces()
        if next == UInt8(ascii: "#") {
            guard afterSpace || spaces > 0, passComment() else { return false }
        }
        return passBreak()
    }

    private mutating func passComment() -> Bool {
        while let byte = next, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
            guard step(byte) else { return false }
        }
        return true
    }

    private mutating func passBreak() -> Bool {
        guard place < bytes.count else { return true }
        if bytes[place] == UInt8(ascii: "\r") { place += 1 }
        guard take("\n") else { return false }
        line += 1
        lineStart = place
        continuations = 0
        return true
    }

    /// Over blank lines and comments to the first content of a line, or to the end.
    private mutating func toContent() -> Bool {
        while place < bytes.count {
            skipSpaces()
            switch next {
            case nil: return true
            case UInt8(ascii: "#"): guard passComment(), passBreak() else { return false }
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): guard passBreak() else { return false }
            default: return true
            }
        }
        return true
    }
}
