// MemoryTable: one sorted table in memory, for MemoryStore. It owns its rows; one thread; it cannot fail. Rows stand in
// leaves of bounded size, so that an insertion moves few of them however long the table is.

/// Bytes at an address that stays, so that a view can lend them out.
final class StableBytes {
    let bytes: UnsafeRawBufferPointer

    init(_ source: UnsafeRawBufferPointer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 8)
        copy.copyMemory(from: source)
        bytes = UnsafeRawBufferPointer(copy)
    }

    init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
        room.initializeMemory(as: UInt8.self, repeating: 0)
        fill(room)
        bytes = UnsafeRawBufferPointer(room)
    }

    deinit { bytes.deallocate() }
}

struct MemoryTable {
    struct Row {
        var key: StableBytes
        var value: StableBytes
    }

    /// Where a row is, or would be.
    struct Position: Equatable {
        var leaf: Int
        var index: Int
    }

    private static let leafRows = 256
    /// Never an empty leaf, but for the only leaf of an empty table.
    private var leaves: [[Row]] = [[]]
    private(set) var count: UInt64 = 0

    /// The first position whose key is `key` or greater; nil at the end of the table.
    func position(atOrAfter key: UnsafeRawBufferPointer) -> Position? {
        normal(lowerBound(key))
    }

    /// The position before another one, or before the end (nil).
    func position(before position: Position?) -> Position? {
        guard let position else {
            return count == 0 ? nil : Position(leaf: leaves.count - 1, index: leaves[leaves.count - 1].count - 1)
        }
        if position.index > 0 { return Position(leaf: position.leaf, index: position.index - 1) }
        return position.leaf > 0
            ? Position(leaf: position.leaf - 1, index: leaves[position.leaf - 1].count - 1) : nil
    }

    func position(after position: Position) -> Position? {
        normal(Position(leaf: position.leaf, index: position.index + 1))
    }

    subscript(position: Position) -> Row { leaves[position.leaf][position.index] }

    func row(_ key: UnsafeRawBufferPointer) -> Row? {
        guard let position = position(atOrAfter: key) else { return nil }
        let row = self[position]
        return compare(row.key.bytes, key) == 0 ? row : nil
    }

    /// Writes a row and answers the one that it replaces.
    mutating func put(_ row: Row) -> Row? {
        let position = lowerBound(row.key.bytes)
        if let there = normal(position), compare(self[there].key.bytes, row.key.bytes) == 0 {
            let old = self[there]
            leaves[there.leaf][there.index] = row
            return old
        }
        leaves[position.leaf].insert(row, at: position.index)
        count += 1
        if leaves[position.leaf].count > Self.leafRows {
            let half = Self.leafRows / 2
            let tail = Array(leaves[position.leaf][half...])
            leaves[position.leaf].removeSubrange(half...)
            leaves.insert(tail, at: position.leaf + 1)
        }
        return nil
    }

    /// Removes a row and answers it.
    mutating func remove(_ key: UnsafeRawBufferPointer) -> Row? {
        guard let position = position(atOrAfter: key), compare(self[position].key.bytes, key) == 0 else { return nil }
        let old = leaves[position.leaf].remove(at: position.index)
        count -= 1
        if leaves[position.leaf].isEmpty, leaves.count > 1 { leaves.remove(at: position.leaf) }
        return old
    }

    /// In the last leaf that begins before `key`; may be that leaf's end.
    private func lowerBound(_ key: UnsafeRawBufferPointer) -> Position {
        var low = 0
        var high = leaves.count
        while low < high {
            let middle = (low + high) / 2
            if let first = leaves[middle].first, compare(first.key.bytes, key) < 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let leaf = max(low - 1, 0)
        low = 0
        high = leaves[leaf].count
        while low < high {
            let middle = (low + high) / 2
            if compare(leaves[leaf][middle].key.bytes, key) < 0 { low = middle + 1 } else { high = middle }
        }
        return Position(leaf: leaf, index: low)
    }

    private func normal(_ position: Position) -> Position? {
        if position.index < leaves[position.leaf].count { return position }
        return position.leaf + 1 < leaves.count ? Position(leaf: position.leaf + 1, index: 0) : nil
    }
}

/// Byte by byte, the shorter first: LMDB's order.
private func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    for (a, b) in zip(left, right) where a != b { return a < b ? -1 : 1 }
    return left.count - right.count
}
