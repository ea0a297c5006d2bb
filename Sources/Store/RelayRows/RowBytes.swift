// RowBytes: the record form of every row but payload chunks: one byte version, four bytes CRC-32C of version and fields, fields.
// The row border puts a check of the key before the fields (RowSeal.swift): the record is of version 2 then.
// Numbers are big-endian and variable (LEB128) in values, fixed in keys. A record that does not check is corrupt: reading it
// gives nil, and the caller sets it aside.

import CChecksum
import RelayModel

/// Writes the fields of one record. There is one of it, so that the record is the very place that was filled.
public struct RowWriter: ~Copyable {
    /// Filled up to `count`; what is behind that is room.
    private var place: [UInt8]
    private var count: Int

    /// Bytes before the fields: version and checksum.
    static let headBytes = 5
    /// The longest number.
    private static let numberBytes = 10

    public init(version: UInt8 = 1, capacity: Int = 256) {
        place = [UInt8](repeating: 0, count: max(capacity, 0) + Self.headBytes)
        place[0] = version
        count = Self.headBytes
    }

    /// What has been written.
    public var bytes: [UInt8] { Array(place[..<count]) }

    /// Room for so many bytes more.
    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if place.count - count < more { grow(more) }
    }

    private mutating func grow(_ more: Int) {
        place.append(contentsOf: repeatElement(0, count: max(more, place.count)))
    }

    public mutating func byte(_ value: UInt8) {
        reserve(1)
        place[count] = value
        count += 1
    }

    public mutating func number(_ value: UInt64) {
        reserve(Self.numberBytes)
        var rest = value
        var end = count
        place.withUnsafeMutableBufferPointer { place in
            while rest >= 0x80 {
                place[end] = UInt8(truncatingIfNeeded: rest) | 0x80
                end += 1
                rest >>= 7
            }
            place[end] = UInt8(truncatingIfNeeded: rest)
        }
        count = end + 1
    }

    public mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { run(UnsafeRawBufferPointer($0)) }
    }

    public mutating func blob(_ value: [UInt8]) { value.withUnsafeBytes { run($0) } }

    /// A length, and so many bytes.
    private mutating func run(_ value: UnsafeRawBufferPointer) {
        number(UInt64(value.count))
        fields(value.count) { $0.copyBytes(from: value) }
    }

    public mutating func digest(_ value: Digest) {
        for word in [value.words.0, value.words.1, value.words.2, value.words.3] {
            fields(8) { $0.storeBytes(of: word.bigEndian, as: UInt64.self) }
        }
    }

    /// Fields of one size each, written by `fill` into so many bytes.
    mutating func fields(_ length: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        if length == 0 { return }
        reserve(length)
        let start = count
        count += length
        place.withUnsafeMutableBytes { fill(UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + length])) }
    }

    public mutating func endpoint(_ value: EndpointID) {
        switch value {
        case .none: byte(0)
        case .dtn(let rest):
            byte(1)
            text(rest)
        case .ipn(let node, let service):
            byte(2)
            number(node)
            number(service)
        }
    }

    public mutating func node(_ value: NodeID?) { endpoint(value?.endpoint ?? .none) }

    /// Of the version and the fields.
    static func checksum(_ record: UnsafeRawBufferPointer) -> UInt32 {
        let version = cchecksum_crc32c(0, record.baseAddress!, 1)
        return cchecksum_crc32c(version, record.baseAddress! + headBytes, record.count - headBytes)
    }

    /// The finished record, checksum filled in.
    public consuming func record() -> [UInt8] {
        var record: [UInt8] = []
        swap(&record, &place)
        record.removeLast(record.count - count)
        record.withUnsafeMutableBytes { record in
            let sum = Self.checksum(UnsafeRawBufferPointer(record))
            record.storeBytes(of: sum.bigEndian, toByteOffset: 1, as: UInt32.self)
        }
        return record
    }
}

/// Reads the fields of one record. Any field beyond the end makes the whole record unreadable (`isSound` false).
public struct RowCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    public let version: UInt8
    public private(set) var isSound: Bool

    /// Nil when the record is too short, of a newer version, or its checksum is wrong.
    public init?(_ bytes: UnsafeRawBufferPointer, newest: UInt8 = RowSeal.version) {
        guard bytes.count >= RowWriter.headBytes, bytes[0] >= 1, bytes[0] <= newest else { return nil }
        // From version 2 on the check of the key stands before the fields; the row border has compared it.
        let head = RowWriter.headBytes + (bytes[0] >= RowSeal.version ? RowSeal.checkBytes : 0)
        guard bytes.count >= head else { return nil }
        let stored =
            UInt32(bytes[1]) << 24 | UInt32(bytes[2]) << 16 | UInt32(bytes[3]) << 8 | UInt32(bytes[4])
        let sum = RowWriter.checksum(bytes)
        guard sum == stored else { return nil }
        self.bytes = bytes
        self.version = bytes[0]
        position = head
        isSound = true
    }

    /// Nothing is left: a record of an earlier version of the program ends before the fields that were added since.
    public var isAtEnd: Bool { position >= bytes.count }

    public mutating func byte() -> UInt8 {
        guard position < bytes.count else {
            isSound = false
            return 0
        }
        defer { position += 1 }
        return bytes[position]
    }

    public mutating func number() -> UInt64 {
        // Most are small.
        if position < bytes.count, bytes[position] < 0x80 {
            position += 1
            return UInt64(bytes[position - 1])
        }
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = byte()
            guard isSound, shift < 64 else {
                isSound = false
                return 0
            }
            result |= UInt64(next & 0x7f) << shift
            if next & 0x80 == 0 { return result }
            shift += 7
        }
    }

    /// A count of things that take at least one byte each; never more than bytes are left.
    public mutating func count() -> Int {
        let value = number()
        guard value <= UInt64(bytes.count - position) else {
            isSound = false
            return 0
        }
        return Int(value)
    }

    /// The bytes of a text or a blob where they lie; nil when the record ends before they do.
    mutating func run() -> UnsafeRawBufferPointer? {
        let length = count()
        guard isSound else { return nil }
        defer { position += length }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
    }

    public mutating func text() -> String {
        guard let run = run() else { return "" }
        return String(decoding: run, as: UTF8.self)
    }

    public mutating func blob() -> [UInt8] {
        guard let run = run() else { return [] }
        return [UInt8](run)
    }

    public mutating func digest() -> Digest { Digest(words: (fixed(), fixed(), fixed(), fixed())) }

    private mutating func fixed() -> UInt64 {
        guard position + 8 <= bytes.count else {
            isSound = false
            return 0
        }
        defer { position += 8 }
        return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    /// So many things of one size each, where they lie; nil when the record ends before they do.
    mutating func fields(_ count: Int, bytes size: Int) -> UnsafeRawBufferPointer? {
        let (length, isTooLong) = count.multipliedReportingOverflow(by: size)
        guard isSound, !isTooLong, length <= bytes.count - position else {
            isSound = false
            return nil
        }
        defer { position += length }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
    }

    public mutating func endpoint() -> EndpointID {
        switch byte() {
        case 0: return .none
        case 1: return .dtn(text())
        case 2: return .ipn(node: number(), service: number())
        default:
            isSound = false
            return .none
        }
    }

    public mutating func node() -> NodeID? { endpoint().node }

    mutating func passNumbers(_ count: Int) { for _ in 0..<count { _ = number() } }

    mutating func passRun() { _ = run() }

    mutating func pass(bytes count: Int) {
        guard position + count <= bytes.count else { return isSound = false }
        position += count
    }

    mutating func passEndpoint() {
        switch byte() {
        case 0: break
        case 1: passRun()
        case 2: passNumbers(2)
        default: isSound = false
        }
    }

    public mutating func agency() -> AgencyCode {
        guard let code = AgencyCode(text()) else {
            isSound = false
            return AgencyCode("0")!
        }
        return code
    }
}

/// Builds and takes apart keys: fixed big-endian numbers, and texts that end with a zero byte.
///
/// Every row that is touched has one made for it, so a key of usual length stands in the value itself and needs no memory of its own.
public struct RowKey: Hashable, Sendable, Comparable {
    private typealias Words = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    private static let shortMax = MemoryLayout<Words>.size

    /// The key, as far as it is not longer than this.
    private var short: Words = (0, 0, 0, 0, 0, 0, 0, 0)
    public private(set) var count = 0
    /// All of a longer one.
    private var long: [UInt8] = []

    /// LMDB's limit on a key.
    public static let bytesMax = 511

    public init() {}

    public init(_ number: UInt64) { append(number) }

    public init(text: String) { append(text: text) }

    public init(copying raw: UnsafeRawBufferPointer) { append(bytes: raw) }

    public var bytes: [UInt8] { withBytes { [UInt8]($0) } }

    private mutating func append(bytes raw: UnsafeRawBufferPointer) {
        let end = count + raw.count
        if end > Self.shortMax {
            if count <= Self.shortMax { long = bytes }
            long.append(contentsOf: raw)
        } else if !raw.isEmpty {
            withUnsafeMutableBytes(of: &short) { short in
                UnsafeMutableRawBufferPointer(rebasing: short[count..<end]).copyMemory(from: raw)
            }
        }
        count = end
    }

    public mutating func append(_ number: UInt64) { withUnsafeBytes(of: number.bigEndian) { append(bytes: $0) } }
    public mutating func append(_ number: UInt32) { withUnsafeBytes(of: number.bigEndian) { append(bytes: $0) } }
    public mutating func append(_ byte: UInt8) { withUnsafeBytes(of: byte) { append(bytes: $0) } }
    /// The text, then a zero byte, so that no text is the beginning of another's key.
    public mutating func append(text: String) {
        append(unended: text)
        append(UInt8(0))
    }
    /// What keys of all texts begin with that begin so.
    public mutating func append(unended text: String) {
        var text = text
        text.withUTF8 { append(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// The key with a number behind it.
    public consuming func adding(_ number: UInt64) -> RowKey {
        append(number)
        return self
    }
    public consuming func adding(_ number: UInt32) -> RowKey {
        append(number)
        return self
    }

    /// True when a key in the store begins with these bytes.
    public func isPrefix(of raw: UnsafeRawBufferPointer) -> Bool {
        guard raw.count >= count else { return false }
        return withBytes { $0.elementsEqual(UnsafeRawBufferPointer(rebasing: raw[..<count])) }
    }

    @inline(__always)
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        if count > Self.shortMax { return try long.withUnsafeBytes(body) }
        return try withUnsafeBytes(of: short) { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    public func hash(into hasher: inout Hasher) { withBytes { hasher.combine(bytes: $0) } }

    public static func == (left: RowKey, right: RowKey) -> Bool {
        left.count == right.count && left.isPrefix(of: right)
    }
    private func isPrefix(of other: RowKey) -> Bool { other.withBytes { isPrefix(of: $0) } }

    public static func < (left: RowKey, right: RowKey) -> Bool {
        left.withBytes { left in right.withBytes { left.lexicographicallyPrecedes($0) } }
    }
}

extension UnsafeRawBufferPointer {
    /// A big-endian number at an offset of a key; the caller knows the key's shape. Zero where the key is shorter than that: it is
    /// damaged, and names nothing (envelopes count from 1).
    public func number(at offset: Int) -> UInt64 {
        guard offset >= 0, offset <= count - 8 else { return 0 }
        return UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    public func number32(at offset: Int) -> UInt32 {
        guard offset >= 0, offset <= count - 4 else { return 0 }
        return UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

extension RowReader {
    public func value(_ table: Table, _ key: RowKey) -> UnsafeRawBufferPointer? {
        key.withBytes { value(table, $0) }
    }
    public func row(_ table: Table, atOrAfter key: RowKey) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? {
        key.withBytes { row(table, atOrAfter: $0) }
    }
    public func row(_ table: Table, before key: RowKey) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? {
        key.withBytes { row(table, before: $0) }
    }
    /// Rows whose key begins with a prefix.
    public func scan(
        _ table: Table, prefix: RowKey, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) {
        prefix.withBytes { raw in
            scan(table, from: raw) { key, value in prefix.isPrefix(of: key) && body(key, value) }
        }
    }
}

extension RowTransaction {
    public func put(_ table: Table, _ key: RowKey, _ value: [UInt8]) {
        key.withBytes { rawKey in value.withUnsafeBytes { put(table, rawKey, $0) } }
    }
    public func put(_ table: Table, _ key: RowKey) {
        key.withBytes { put(table, $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
    }
    @discardableResult
    public func delete(_ table: Table, _ key: RowKey) -> Bool { key.withBytes { delete(table, $0) } }
}
