// StoreSample: a look into every table of a store that nobody writes: the first rows, the last ones, and some between, each by its own
// checksum. Quick however large the store is; it finds a copy that is cut off or mixed up, not every single bad byte.

import RelayRows

public struct StoreSample: Sendable, Hashable {
    /// Rows looked at.
    public private(set) var rows: UInt64 = 0
    /// The first thing that is wrong; nil when nothing is.
    public private(set) var problem: String?

    private static let rowsAtEachEnd = 256
    private static let placesBetween: UInt64 = 64

    public init(_ store: StillStore) throws(StoreFailure) {
        self = try store.read { rows in
            var sample = StoreSample()
            for table in Table.allCases { sample.look(table, rows) }
            return sample
        }
    }

    private init() {}

    private mutating func look(_ table: Table, _ reader: any RowReader) {
        var left = Self.rowsAtEachEnd
        reader.scan(table, prefix: RowKey()) { key, value in
            note(table, key, value)
            left -= 1
            return left > 0
        }
        var end = RowKey()
        for _ in 0..<32 { end.append(UInt64.max) }
        left = Self.rowsAtEachEnd
        while left > 0, let found = reader.row(table, before: end) {
            note(table, found.key, found.value)
            end = RowKey(copying: found.key)
            left -= 1
        }
        // Tables whose keys begin with a number are looked at in between as well.
        guard let first = reader.row(table, atOrAfter: RowKey()), first.key.count >= 8,
            let last = reader.row(table, before: RowKey(UInt64.max)), last.key.count >= 8
        else { return }
        let (low, high) = (first.key.number(at: 0), last.key.number(at: 0))
        guard high > low else { return }
        for place in 1..<Self.placesBetween {
            let number = low + (high - low) / Self.placesBetween * place
            if let found = reader.row(table, atOrAfter: RowKey(number)) { note(table, found.key, found.value) }
        }
    }

    private mutating func note(_ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        rows += 1
        guard problem == nil, !Self.isSound(table, key, value) else { return }
        let name = key.prefix(24).map { String($0, radix: 16) }.joined(separator: " ")
        problem = "a record of table \(table.name) does not check, key \(name)"
    }

    static func isSound(
        _ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> Bool {
        switch table {
        // What was found unreadable stands here as it was.
        case .corrupt: return true
        case .chunk:
            let count = value.count - ChunkLayout.checkBytes
            guard count > 0 else { return false }
            let payload = UnsafeRawBufferPointer(rebasing: value[..<count])
            let sum = UInt32(littleEndian: value.loadUnaligned(fromByteOffset: count, as: UInt32.self))
            return sum == Checksum.crc32c(payload, after: Checksum.crc32c(key))
        default: return RowSeal.isSound(table, key, value)
        }
    }
}
