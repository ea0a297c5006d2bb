// EditionDifference: what is other in an edition than in the one before, row by row and field by field, for people. Values of fields are
// shown as they stand in the file.

import RelayModel

/// One field of a row in two editions; empty where the row has no such field.
public struct FieldChange: Hashable, Sendable {
    public var field: String
    public var before: String
    public var after: String

    public init(field: String, before: String, after: String) {
        self.field = field
        self.before = before
        self.after = after
    }
}

public struct RowDifference: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case added, removed, changed
    }

    public var key: EditionKey
    public var kind: Kind
    /// In the order of the format, without what is the same.
    public var fields: [FieldChange]

    public init(key: EditionKey, kind: Kind, fields: [FieldChange]) {
        self.key = key
        self.kind = kind
        self.fields = fields
    }

    /// Of one row; nil where it is the same in both.
    public init?(before: EditionRow?, after: EditionRow?) {
        guard before != after, let key = (after ?? before)?.key else { return nil }
        let kind: Kind = before == nil ? .added : after == nil ? .removed : .changed
        let old = before?.fields ?? []
        let new = after?.fields ?? []
        var fields: [FieldChange] = []
        for name in key.fieldNames {
            let was = old.first { $0.name == name }?.value ?? ""
            let becomes = new.first { $0.name == name }?.value ?? ""
            if was != becomes { fields.append(FieldChange(field: name, before: was, after: becomes)) }
        }
        self.init(key: key, kind: kind, fields: fields)
    }
}

/// One row of one edition's history.
public struct HistoryEntry: Hashable, Sendable {
    public var head: EditionHead
    public var difference: RowDifference

    public init(head: EditionHead, difference: RowDifference) {
        self.head = head
        self.difference = difference
    }
}

public enum EditionDifference {
    /// Of all rows, in the order of their keys.
    public static func between(_ before: [EditionRow], _ after: [EditionRow]) -> [RowDifference] {
        var result: [RowDifference] = []
        RowPairs.each(before, after) { old, new in
            if let difference = RowDifference(before: old, after: new) { result.append(difference) }
        }
        return result
    }

    /// What became of one row across editions, the oldest first: an entry for each edition that made it other.
    public static func history(of key: EditionKey, in editions: [Edition]) -> [HistoryEntry] {
        var result: [HistoryEntry] = []
        var before: EditionRow?
        for edition in editions {
            let row = edition.row(key)
            if let difference = RowDifference(before: before, after: row) {
                result.append(HistoryEntry(head: edition.head, difference: difference))
            }
            before = row
        }
        return result
    }
}

extension Edition {
    /// The row of a key.
    public func row(_ key: EditionKey) -> EditionRow? {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].key < key { low = middle + 1 } else { high = middle }
        }
        guard low < rows.count, rows[low].key == key else { return nil }
        return rows[low]
    }
}

extension EditionRow {
    /// The fields of the row as they stand in the file.
    public var fields: [(name: String, value: String)] {
        var line = LineWriter()
        line.change(.set(self))
        return line.fields.map { name, start, end in
            (name.description, String(decoding: line.bytes[start..<end], as: UTF8.self))
        }
    }

    /// The line of the row as it stands in the file.
    public var text: String {
        var line = LineWriter()
        line.change(.set(self))
        return String(decoding: line.bytes, as: UTF8.self)
    }
}

extension EditionKey {
    var fieldNames: [String] {
        let names =
            switch self {
            case .authority: Fields.authority
            case .node: Fields.node
            case .agency: Fields.agency
            }
        return names.map(\.description)
    }
}
