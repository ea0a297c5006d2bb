// EditionWriter: writes an edition line by line, in either form. What it writes it reads again, so it writes nothing that a reader refuses:
// the EditionError is the reader's, and names the line. Holds one line.

import RelayModel

/// What a head says before its rows are counted.
public struct EditionDraft: Hashable, Sendable {
    public var authority: AgencyCode
    public var number: UInt64
    public var before: Digest?
    public var from: Moment
    public var until: Moment

    public init(authority: AgencyCode, number: UInt64, before: Digest?, from: Moment, until: Moment) {
        self.authority = authority
        self.number = number
        self.before = before
        self.from = from
        self.until = until
    }
}

/// Counts and hashes rows in the order of their keys, for the head that is written before them.
public struct RowsReckoning {
    private var rows: RowsHash
    private var line = LineWriter()

    public init(hash: HashFunction) { rows = RowsHash(hash) }

    public mutating func add(_ row: EditionRow) {
        line.removeAll()
        line.change(.set(row))
        line.bytes.withUnsafeBytes { rows.add($0) }
    }

    /// The head of a draft over the rows added. To be called once.
    public func head(of draft: EditionDraft) -> EditionHead {
        EditionHead(
            authority: draft.authority, number: draft.number, before: draft.before, from: draft.from,
            until: draft.until, count: rows.count, rows: rows.finish())
    }

    /// The rows added are those of a head. To be called once.
    public func prove(_ head: EditionHead) throws(EditionError) { try rows.prove(head) }
}

public struct EditionWriter {
    private var line = LineWriter()
    private var reader: EditionReader
    private var isFirst = true

    public init(bounds: EditionBounds = .national, hash: HashFunction) {
        reader = EditionReader(bounds: bounds, hash: hash)
    }

    /// The octets of the head and of the line that names the form.
    public mutating func begin(_ head: EditionHead, form: EditionForm) throws(EditionError) -> [UInt8] {
        line.removeAll()
        line.head(head)
        switch form {
        case .whole: line.put("\n\"whole\":[\n")
        case .changes: line.put("\n\"changes\":[\n")
        }
        return try read(line.bytes)
    }

    /// The octets of one more line, with what parts it from the one before.
    public mutating func add(_ change: EditionChange) throws(EditionError) -> [UInt8] {
        line.removeAll()
        if !isFirst { line.put(",\n") }
        isFirst = false
        line.change(change)
        return try read(line.bytes)
    }

    /// The octets of the end, with the edition that was written.
    public mutating func end() throws(EditionError) -> (bytes: [UInt8], sealed: SealedHead) {
        let bytes = try read(Array((isFirst ? "]}\n" : "\n]}\n").utf8))
        return (bytes, try reader.finish())
    }

    private mutating func read(_ bytes: [UInt8]) throws(EditionError) -> [UInt8] {
        try reader.feed(bytes) { _ in }
        return bytes
    }
}

extension Edition {
    /// An edition of rows in any order.
    public init(
        _ draft: EditionDraft, rows: [EditionRow], bounds: EditionBounds = .national, hash: HashFunction
    ) throws(EditionError) {
        let sorted = rows.sorted { $0.key < $1.key }
        var reckoning = RowsReckoning(hash: hash)
        for row in sorted { reckoning.add(row) }
        let head = reckoning.head(of: draft)
        var writer = EditionWriter(bounds: bounds, hash: hash)
        _ = try writer.begin(head, form: .whole)
        for row in sorted { _ = try writer.add(.set(row)) }
        self.init(sealed: try writer.end().sealed, rows: sorted)
    }

    /// The whole, as it is published.
    public func written(bounds: EditionBounds = .national, hash: HashFunction) throws(EditionError) -> [UInt8] {
        var writer = EditionWriter(bounds: bounds, hash: hash)
        var result = try writer.begin(head, form: .whole)
        for row in rows { result += try writer.add(.set(row)) }
        return result + (try writer.end().bytes)
    }
}

extension EditionChanges {
    /// The changes, as they are published.
    public func written(bounds: EditionBounds = .national, hash: HashFunction) throws(EditionError) -> [UInt8] {
        var writer = EditionWriter(bounds: bounds, hash: hash)
        var result = try writer.begin(sealed.head, form: .changes)
        for change in changes { result += try writer.add(change) }
        return result + (try writer.end().bytes)
    }
}

extension EditionHead {
    /// The head with its hash.
    public func sealed(hash: HashFunction) -> SealedHead {
        var line = LineWriter()
        line.head(self)
        line.put("\n")
        return SealedHead(head: self, hash: line.bytes.withUnsafeBytes { hash.hash($0) })
    }
}
