// EditionMerge: the whole of an edition from its changes and the whole before it, row by row. It holds the changes, and none of the rows.
// An EditionError says what the changes cannot be of; that the result is the edition is proved by `finish`.

import RelayModel

public struct EditionMerge {
    private let changes: [EditionChange]
    private let head: EditionHead
    private var next = 0
    private var reckoning: RowsReckoning

    public init(_ changes: EditionChanges, hash: HashFunction) {
        self.changes = changes.changes
        head = changes.sealed.head
        reckoning = RowsReckoning(hash: hash)
    }

    /// Takes the rows before, in their order, and gives those after.
    public mutating func take(
        _ row: EditionRow, _ each: (EditionRow) -> Void
    ) throws(EditionError) {
        let key = row.key
        while next < changes.count, changes[next].key < key { try set(changes[next], each) }
        guard next < changes.count, changes[next].key == key else {
            give(row, each)
            return
        }
        if case .set(let changed) = changes[next] {
            guard changed != row else {
                throw EditionError(
                    code: .changesNothing, line: 0, sentence: "the changes set \(key) to what it is already")
            }
            give(changed, each)
        }
        next += 1
    }

    /// Gives what comes behind the last row before, and proves the whole against the head.
    public mutating func finish(_ each: (EditionRow) -> Void) throws(EditionError) {
        while next < changes.count { try set(changes[next], each) }
        try reckoning.prove(head)
    }

    private mutating func set(_ change: EditionChange, _ each: (EditionRow) -> Void) throws(EditionError) {
        guard case .set(let row) = change else {
            throw EditionError(
                code: .removesNothing, line: 0, sentence: "the changes remove \(change.key), which is not there")
        }
        give(row, each)
        next += 1
    }

    private mutating func give(_ row: EditionRow, _ each: (EditionRow) -> Void) {
        reckoning.add(row)
        each(row)
    }
}

extension EditionChanges {
    /// The whole that these changes make of the edition before.
    public func applied(to before: Edition, hash: HashFunction) throws(EditionError) -> Edition {
        var merge = EditionMerge(self, hash: hash)
        var rows: [EditionRow] = []
        rows.reserveCapacity(sealed.head.count)
        for row in before.rows { try merge.take(row) { rows.append($0) } }
        try merge.finish { rows.append($0) }
        return Edition(sealed: sealed, rows: rows)
    }

    /// The one set of changes that makes an edition of the one before.
    public init(from before: Edition, to after: Edition) {
        var changes: [EditionChange] = []
        RowPairs.each(before.rows, after.rows) { old, new in
            if let new {
                if old != new { changes.append(.set(new)) }
            } else if let old {
                changes.append(.remove(old.key))
            }
        }
        self.init(sealed: after.sealed, changes: changes)
    }
}

/// Rows of two editions side by side.
enum RowPairs {
    /// Both in the order of their keys.
    static func each(
        _ before: [EditionRow], _ after: [EditionRow], _ body: (_ before: EditionRow?, _ after: EditionRow?) -> Void
    ) {
        var left = 0
        var right = 0
        while left < before.count || right < after.count {
            guard left < before.count else {
                body(nil, after[right])
                right += 1
                continue
            }
            guard right < after.count else {
                body(before[left], nil)
                left += 1
                continue
            }
            let (old, new) = (before[left].key, after[right].key)
            if old == new {
                body(before[left], after[right])
                left += 1
                right += 1
            } else if old < new {
                body(before[left], nil)
                left += 1
            } else {
                body(nil, after[right])
                right += 1
            }
        }
    }
}
