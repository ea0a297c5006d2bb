// ChunkLayout: how payload bytes are cut into rows of the chunk table, and how those rows are keyed. Pure arithmetic.
//
// A row of the chunk table is payload bytes and then their checksum. LMDB puts a value of more than about 2,000 bytes
// on pages of its own, the first of which loses 16 bytes to a header: a full row takes its pages to the last byte.
//
// Where no run of free pages is as long as that, the bytes of a full row stand in several shorter ones, its parts, down to a page each.
// Parts keep the row's place in the grid, so that any offset is found as before.

import Trap

public struct ChunkLayout: Hashable, Sendable {
    /// Pages of the store that a full row takes.
    public let pages: Int

    public init(pages: Int) {
        demand(pages > 0 && pages <= 1024, "A chunk takes from 1 to 1024 pages.")
        self.pages = pages
    }

    /// The one layout of every store (docs/chunk-layout.md). Chunks of one page end up scattered over the file page by
    /// page after a few fillings, and each is a write of its own; longer ones make LMDB search for neighbouring free
    /// pages and the file grow. At eight pages both are small.
    public static let standard = ChunkLayout(pages: 8)

    public static let pageBytes = 4096
    private static let pageHeaderBytes = 16
    /// CRC32C of the key and the payload bytes, at the end of each row.
    public static let checkBytes = 4
    /// Payload bytes of a row that LMDB surely keeps among others in a page: two such rows and their keys fit one.
    public static let shortRowBytes = 1900
    /// Extent and chunk index, both big-endian.
    public static let keyBytes = 12
    /// Extent, chunk index, and where in its chunk a later part begins.
    public static let partKeyBytes = 16

    /// Bytes of a full row.
    public var rowBytes: Int { pages * Self.pageBytes - Self.pageHeaderBytes }
    /// Payload bytes of a full row. All rows of an extent are full but its last, or its last two (`tail`).
    public var payloadBytes: Int { rowBytes - Self.checkBytes }

    /// The longest extent that chunk indexes can count.
    public var maximumLength: UInt64 { UInt64(payloadBytes) * UInt64(UInt32.max) }

    /// The chunk that holds the byte at `offset`, or, at the end of an extent, the one before it.
    public func chunk(at offset: UInt64) -> UInt32 { UInt32(clamping: offset / UInt64(payloadBytes)) }

    /// The offset of a chunk's first byte.
    public func start(of chunk: UInt32) -> UInt64 { UInt64(chunk) * UInt64(payloadBytes) }

    /// How the last `count` bytes of an extent, less than a full row, become one row or two: as many whole pages as
    /// they fill, and a rest that is short enough to stand among other rows. A letter of 4,096 bytes would take two
    /// pages otherwise.
    public func tail(_ count: Int) -> (first: Int, second: Int) {
        let lost = Self.pageHeaderBytes + Self.checkBytes
        let whole = (count + lost) / Self.pageBytes * Self.pageBytes - lost
        guard whole > 0, count > whole, count - whole <= Self.shortRowBytes else { return (count, 0) }
        return (whole, count - whole)
    }

    /// Bytes of the next row, when `count` bytes of one full row or of an extent's end are still to be written and a row may take
    /// `pages` pages at most. What is left over a whole number of pages stands among other rows when it is short enough.
    public func part(of count: Int, pages: Int) -> Int {
        let lost = Self.pageHeaderBytes + Self.checkBytes
        let most = max(pages, 1) * Self.pageBytes - lost
        if count >= most { return most }
        return tail(count).first
    }

    /// How many rows an extent of `length` bytes takes.
    public func rowCount(length: UInt64) -> UInt64 {
        let (rows, rest) = length.quotientAndRemainder(dividingBy: UInt64(payloadBytes))
        if rest == 0 { return rows }
        return rows + (tail(Int(rest)).second == 0 ? 1 : 2)
    }
}

/// The key of one chunk, or of a part of one.
public struct ChunkKey: Hashable, Sendable, Comparable {
    public var extent: UInt64
    public var chunk: UInt32
    /// Where in its chunk the row begins: 0 but for the second and later parts of a chunk that stands in several rows.
    public var part: UInt32

    public init(extent: UInt64, chunk: UInt32, part: UInt32 = 0) {
        self.extent = extent
        self.chunk = chunk
        self.part = part
    }

    /// Nil when the bytes are not the key of a chunk.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == ChunkLayout.keyBytes || bytes.count == ChunkLayout.partKeyBytes else { return nil }
        extent = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        chunk = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        part = 0
        guard bytes.count == ChunkLayout.partKeyBytes else { return }
        part = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        if part == 0 { return nil }
    }

    /// Lends the key's bytes; no allocation. A first part has the key of a whole chunk.
    @inlinable
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var bytes = (extent.bigEndian, chunk.bigEndian, part.bigEndian)
        let count = part == 0 ? ChunkLayout.keyBytes : ChunkLayout.partKeyBytes
        return withUnsafeBytes(of: &bytes) { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    public static func < (left: ChunkKey, right: ChunkKey) -> Bool {
        (left.extent, left.chunk, left.part) < (right.extent, right.chunk, right.part)
    }
}
