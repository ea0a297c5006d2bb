// EditionReader: reads an edition as its octets come, in either form, and gives each row when its line is whole. It holds one line and the
// last key, whatever the size of the edition. The first EditionError ends it; what was given before is not to be believed until `finish`.

import RelayModel

public struct EditionReader {
    private enum Place {
        case head, form, rows, behind
    }

    public let bounds: EditionBounds
    /// Known behind the first line.
    public private(set) var sealed: SealedHead?
    /// Known behind the second.
    public private(set) var form: EditionForm?
    /// The line at hand, from 1.
    public private(set) var line = 1

    private let function: HashFunction
    private var place = Place.head
    private var rest: [UInt8] = []
    private var bytesTaken = 0
    private var rows: RowsHash
    private var lastKey: EditionKey?
    /// A comma stood behind the row before.
    private var isMoreAnnounced = true
    private var failure: EditionError?

    public init(bounds: EditionBounds = .national, hash function: HashFunction) {
        self.bounds = bounds
        self.function = function
        rows = RowsHash(function)
    }

    /// Takes the next octets, and gives what lines they complete.
    public mutating func feed(
        _ bytes: UnsafeRawBufferPointer, _ each: (EditionChange) -> Void
    ) throws(EditionError) {
        if let failure { throw failure }
        do {
            try take(bytes, each)
        } catch {
            failure = error
            throw error
        }
    }

    /// The same of an array.
    public mutating func feed(_ bytes: [UInt8], _ each: (EditionChange) -> Void) throws(EditionError) {
        try bytes.withUnsafeBufferPointer { octets throws(EditionError) in
            try feed(UnsafeRawBufferPointer(octets), each)
        }
    }

    /// The edition has ended; it is what its head says. A whole is proved by it; changes are proved by what they make of the
    /// edition before.
    public mutating func finish() throws(EditionError) -> SealedHead {
        if let failure { throw failure }
        guard place == .behind, rest.isEmpty, let sealed else {
            throw EditionError(code: .cutOff, line: line, sentence: "the edition ends before its end")
        }
        guard form == .whole else { return sealed }
        try rows.prove(sealed.head)
        return sealed
    }

    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ each: (EditionChange) -> Void
    ) throws(EditionError) {
        let (sum, overflow) = bytesTaken.addingReportingOverflow(bytes.count)
        guard !overflow, sum <= bounds.bytesMax else {
            throw EditionError(
                code: .tooLarge, line: line, sentence: "the edition is larger than \(bounds.bytesMax) octets")
        }
        bytesTaken = sum
        var start = 0
        while let end = Self.lineEnd(bytes, from: start) {
            if rest.isEmpty {
                try lineEnded(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), each)
            } else {
                try keep(bytes[start..<end])
                let whole = rest
                rest.removeAll(keepingCapacity: true)
                try whole.withUnsafeBufferPointer { octets throws(EditionError) in
                    try lineEnded(UnsafeRawBufferPointer(octets), each)
                }
            }
            line += 1
            start = end + 1
        }
        try keep(bytes[start...])
    }

    /// A line that is not whole yet; its length is judged before it is kept.
    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) throws(EditionError) {
        guard rest.count + bytes.count <= EditionBounds.lineBytesMax else { throw lineTooLong() }
        if !bytes.isEmpty { rest.append(contentsOf: bytes) }
    }

    private func lineTooLong() -> EditionError {
        EditionError(
            code: .lineTooLong, line: line, sentence: "the line is longer than \(EditionBounds.lineBytesMax) octets")
    }

    private static func lineEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        return nil
    }

    /// One line without its LF.
    private mutating func lineEnded(
        _ octets: UnsafeRawBufferPointer, _ each: (EditionChange) -> Void
    ) throws(EditionError) {
        guard octets.count <= EditionBounds.lineBytesMax else { throw lineTooLong() }
        do throws(EditionFault) {
            switch place {
            case .head: try headEnded(octets)
            case .form: try formEnded(octets)
            case .rows: try rowEnded(octets, each)
            case .behind: throw EditionFault(.afterTheEnd, "", "something stands behind the end")
            }
        } catch {
            throw error.at(line: line)
        }
    }

    private mutating func headEnded(_ octets: UnsafeRawBufferPointer) throws(EditionFault) {
        var reader = LineReader(octets)
        let head = try reader.head(bounds: bounds)
        guard reader.isAtEnd else { throw reader.unexpected() }
        let running = function.begin()
        running.update(octets)
        withUnsafeBytes(of: UInt8(ascii: "\n")) { running.update($0) }
        sealed = SealedHead(head: head, hash: running.finish())
        place = .form
    }

    private mutating func formEnded(_ octets: UnsafeRawBufferPointer) throws(EditionFault) {
        var reader = LineReader(octets)
        form = reader.skip("\"whole\":[") ? .whole : reader.skip("\"changes\":[") ? .changes : nil
        guard form != nil, reader.isAtEnd else { throw reader.unexpected() }
        place = .rows
    }

    private mutating func rowEnded(
        _ octets: UnsafeRawBufferPointer, _ each: (EditionChange) -> Void
    ) throws(EditionFault) {
        var reader = LineReader(octets)
        if reader.skip("]}"), reader.isAtEnd {
            guard rows.count == 0 || !isMoreAnnounced else {
                throw EditionFault(.unexpected, "", "a comma stands behind the last row")
            }
            place = .behind
            return
        }
        guard isMoreAnnounced else {
            throw EditionFault(.unexpected, "", "no comma stands behind the row before")
        }
        let change = try reader.change()
        reader.field = ""
        isMoreAnnounced = reader.skip(",")
        guard reader.isAtEnd else { throw reader.unexpected() }
        try judge(change)
        rows.add(UnsafeRawBufferPointer(rebasing: octets.dropLast(isMoreAnnounced ? 1 : 0)))
        each(change)
    }

    /// What is wrong with a row where it stands.
    private mutating func judge(_ change: EditionChange) throws(EditionFault) {
        let key = change.key
        if form == .whole, case .remove = change {
            throw EditionFault(.notOfTheWhole, "remove", "a whole removes nothing")
        }
        if case .authority = key, sealed?.head.isRoot == false {
            throw EditionFault(.notTheRoot, "authority", "only the root's editions name authorities")
        }
        if let lastKey {
            guard lastKey != key else { throw EditionFault(.rowTwice, "", "the row stands twice: \(key)") }
            guard lastKey < key else {
                throw EditionFault(
                    .rowOrder, "", "the rows are not in the order of their keys: \(key) after \(lastKey)")
            }
        }
        lastKey = key
        let max = form == .whole ? sealed?.head.count ?? 0 : bounds.rowsMax
        guard rows.count < max else {
            if form == .changes { throw EditionFault(.tooManyRows, "", "more than \(max) rows") }
            throw EditionFault(.wrongCount, "", "more rows than the \(max) of the head")
        }
    }
}

extension RowsHash {
    /// The rows are those of the head.
    func prove(_ head: EditionHead) throws(EditionError) {
        guard count == head.count else {
            throw EditionError(
                code: .wrongCount, line: 0, sentence: "the head says \(head.count) rows, and there are \(count)")
        }
        guard finish() == head.rows else {
            throw EditionError(code: .wrongRows, line: 0, sentence: "the hash of the rows is not that of the head")
        }
    }
}

/// An edition that is held whole.
public struct Edition: Hashable, Sendable {
    public var sealed: SealedHead
    public var rows: [EditionRow]

    public init(sealed: SealedHead, rows: [EditionRow]) {
        self.sealed = sealed
        self.rows = rows
    }

    public var head: EditionHead { sealed.head }

    /// Reads a whole.
    public init(
        reading bytes: some Collection<UInt8>, bounds: EditionBounds = .national, hash: HashFunction
    ) throws(EditionError) {
        var rows: [EditionRow] = []
        let (sealed, form) = try EditionReader.read(bytes, bounds: bounds, hash: hash) { change in
            if case .set(let row) = change { rows.append(row) }
        }
        guard form == .whole else { throw EditionReader.otherForm(form) }
        self.init(sealed: sealed, rows: rows)
    }
}

/// The changes of an edition against the one before, held whole.
public struct EditionChanges: Hashable, Sendable {
    public var sealed: SealedHead
    public var changes: [EditionChange]

    public init(sealed: SealedHead, changes: [EditionChange]) {
        self.sealed = sealed
        self.changes = changes
    }

    /// Reads changes.
    public init(
        reading bytes: some Collection<UInt8>, bounds: EditionBounds = .national, hash: HashFunction
    ) throws(EditionError) {
        var changes: [EditionChange] = []
        let (sealed, form) = try EditionReader.read(bytes, bounds: bounds, hash: hash) { changes.append($0) }
        guard form == .changes else { throw EditionReader.otherForm(form) }
        self.init(sealed: sealed, changes: changes)
    }
}

extension EditionReader {
    fileprivate static func read(
        _ bytes: some Collection<UInt8>, bounds: EditionBounds, hash: HashFunction, _ each: (EditionChange) -> Void
    ) throws(EditionError) -> (SealedHead, EditionForm) {
        var reader = EditionReader(bounds: bounds, hash: hash)
        try reader.feed(Array(bytes), each)
        let sealed = try reader.finish()
        return (sealed, reader.form ?? .whole)
    }

    fileprivate static func otherForm(_ form: EditionForm) -> EditionError {
        EditionError(
            code: .unexpected, line: 2, sentence: "this is the form \(form.rawValue), and the other was wanted")
    }
}
