// RowSeal: what ties a stored value to its place. The checksum of a record does not cover the key it stands under: a bit that
// changes in a key, or a page that comes back in another's place, made a sound record of the wrong thing. So each value is
// written with a check of table and key (schema 2), which the record's own checksum covers, and which every body of the row
// border verifies at each read. It owns nothing. What does not fit is answered as unreadable; it never fails otherwise.
//
// Records of schema 1 have no such check. They stay readable as they are, and get one when they are written the next time.

import CChecksum

/// Tables that hold damage; a set of bits by table number.
public struct TableSet: Sendable, Hashable {
    private var bits: UInt64 = 0

    public init() {}
    public var isEmpty: Bool { bits == 0 }
    public mutating func insert(_ table: Table) { bits |= 1 << UInt64(table.rawValue) }
    public mutating func formUnion(_ other: TableSet) { bits |= other.bits }
    public func contains(_ table: Table) -> Bool { bits & (1 << UInt64(table.rawValue)) != 0 }
    public var tables: [Table] { Table.allCases.filter(contains) }
}

public enum RowSeal {
    /// The version of records that carry a check of their key.
    public static let version: UInt8 = 2
    public static let checkBytes = 4

    /// What a stored value is worth under the key that it was found under.
    public enum Opened {
        case sound(UnsafeRawBufferPointer)
        /// It was not written under this key. Of a record the bytes that no reader takes for one; of a marker nothing is left.
        case misplaced(UnsafeRawBufferPointer)
    }

    /// The key in the meta table under which the schema stands. Its record is the one without a check of its key: a program of schema 1,
    /// which knows no such check, has to read there that the store is not for it.
    public static let schemaKey = RowKey(text: "schema")

    /// A check of the place: table and key.
    @inline(__always)
    public static func check(_ table: Table, _ key: UnsafeRawBufferPointer) -> UInt32 {
        var number = table.rawValue
        return cchecksum_crc32c(cchecksum_crc32c(0, &number, 1), key.baseAddress, key.count)
    }

    /// A value as it is to be stored: how long it will be, and what writes it in its place.
    public struct Sealed {
        public let count: Int
        fileprivate let check: UInt32
        /// What stands behind the head of a record; of a marker all of it.
        fileprivate let rest: UnsafeRawBufferPointer
        fileprivate let isRecord: Bool

        /// Writes all `count` bytes.
        public func write(to place: UnsafeMutableRawBufferPointer) {
            guard isRecord else {
                place.copyBytes(from: rest)
                return place.set(check, at: rest.count)
            }
            place[0] = RowSeal.version
            place.set(check, at: RowWriter.headBytes)
            UnsafeMutableRawBufferPointer(rebasing: place[(RowWriter.headBytes + checkBytes)...]).copyBytes(from: rest)
            place.set(RowWriter.checksum(UnsafeRawBufferPointer(place)), at: 1)
        }
    }

    /// The value as it is stored; nil when it is stored as it is: chunks have a checksum of their own that covers their key, what was
    /// set aside is kept as it was found, and the schema is for everybody.
    public static func sealed(
        _ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> Sealed? {
        switch table.form {
        case .bytes: return nil
        case .marker:
            return Sealed(count: value.count + checkBytes, check: check(table, key), rest: value, isRecord: false)
        case .record:
            if table == .meta, key.elementsEqual(schemaKey.bytes) { return nil }
            guard let fields = fields(value) else { return nil }
            return Sealed(
                count: RowWriter.headBytes + checkBytes + fields.count, check: check(table, key), rest: fields,
                isRecord: true)
        }
    }

    /// A stored value at its reading. The record's own checksum is left to whoever reads its fields.
    @inline(__always)
    public static func opened(
        _ table: Table, _ key: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer
    ) -> Opened {
        switch table.form {
        case .bytes: return .sound(stored)
        case .marker:
            // Of schema 1: nothing, or one byte.
            guard stored.count >= checkBytes else { return .sound(stored) }
            let value = UnsafeRawBufferPointer(rebasing: stored[..<(stored.count - checkBytes)])
            guard stored.check(at: value.count) == check(table, key) else {
                return .misplaced(UnsafeRawBufferPointer(rebasing: stored[..<0]))
            }
            return .sound(value)
        case .record:
            guard stored.count >= RowWriter.headBytes + checkBytes, stored[0] == version,
                stored.check(at: RowWriter.headBytes) != check(table, key)
            else { return .sound(stored) }
            // Without its version it is no record to anybody.
            return .misplaced(UnsafeRawBufferPointer(rebasing: stored[1...]))
        }
    }

    /// True when the value is what was written under this key: its check, and the checksum of a record. Values that are neither
    /// (the place of a sweep) are taken as they are.
    public static func isSound(
        _ table: Table, _ key: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer
    ) -> Bool {
        guard case .sound(let value) = opened(table, key, stored) else { return false }
        switch table.form {
        case .bytes, .marker: return true
        case .record:
            if table == .meta, key.starts(with: "seenSweep".utf8) { return true }
            return value.isEmpty || RowCursor(value, newest: .max) != nil
        }
    }

    /// The fields of a record that checks, of either version; nil when it is none.
    private static func fields(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard value.count >= RowWriter.headBytes, value[0] == 1 || value[0] == version else { return nil }
        let head = value[0] == 1 ? RowWriter.headBytes : RowWriter.headBytes + checkBytes
        guard value.count >= head, value.check(at: 1) == RowWriter.checksum(value) else { return nil }
        return UnsafeRawBufferPointer(rebasing: value[head...])
    }
}

extension Table {
    /// What the values of a table are.
    public enum Form: Sendable {
        /// Bytes with a checksum of their own, or without any.
        case bytes
        /// Next to nothing: the key says all.
        case marker
        case record
    }

    @inline(__always)
    public var form: Form {
        switch self {
        case .chunk, .corrupt: .bytes
        case .queue, .bundle, .deadline, .inbox, .lookup, .staging: .marker
        default: .record
        }
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    fileprivate func check(at offset: Int) -> UInt32 {
        UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func set(_ check: UInt32, at offset: Int) {
        storeBytes(of: check.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
}
