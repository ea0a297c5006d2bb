// ChunkLayout: how payload bytes are cut into rows of the chunk table, and how those rows are keyed. Pure arithmetic.
//
// A row of the chunk table is payload bytes and then their checksum. LMDB puts a value of more than about 2,000 bytes on pages
// of its own, the first of which loses 16 bytes to a header: a full row takes its pages to the last byte.

public struct ChunkLayout: Hashable, Sendable {
    /// Pages of the store that a full row takes.
    public let pages: Int

    public init(pages: Int) {
        precondition(pages > 0 && pages <= 1024, "A chunk takes from 1 to 1024 pages.")
        self.pages = pages
    }

    /// The one layout of every store (docs/store-gate.md): with one page for each chunk there is no search for neighbouring
    /// free pages, which is what makes LMDB slow and its file grow once it has been filled and drained a few times.
    public static let standard = ChunkLayout(pages: 1)

    public static let pageBytes = 4096
    private static let pageHeaderBytes = 16
    /// CRC32C of the key and the payload bytes, at the end of each row.
    public static let checkBytes = 4
    /// Extent and chunk index, both big-endian.
    public static let keyBytes = 12

    /// Bytes of a full row.
    public var rowBytes: Int { pages * Self.pageBytes - Self.pageHeaderBytes }
    /// Payload bytes of a full row. All rows of an extent but its last are full.
    public var payloadBytes: Int { rowBytes - Self.checkBytes }

    /// The longest extent that chunk indexes can count.
    public var maximumLength: UInt64 { UInt64(payloadBytes) * UInt64(UInt32.max) }

    /// The chunk that holds the byte at `offset`.
    public func chunk(at offset: UInt64) -> UInt32 { UInt32(clamping: offset / UInt64(payloadBytes)) }

    /// The offset of a chunk's first byte.
    public func start(of chunk: UInt32) -> UInt64 { UInt64(chunk) * UInt64(payloadBytes) }

    /// How many rows an extent of `length` bytes takes.
    public func rowCount(length: UInt64) -> UInt64 {
        length / UInt64(payloadBytes) + (length % UInt64(payloadBytes) == 0 ? 0 : 1)
    }
}

/// The key of one chunk.
public struct ChunkKey: Hashable, Sendable, Comparable {
    public var extent: UInt64
    public var chunk: UInt32

    public init(extent: UInt64, chunk: UInt32) {
        self.extent = extent
        self.chunk = chunk
    }

    /// Nil when the bytes are not the key of a chunk.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == ChunkLayout.keyBytes else { return nil }
        extent = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        chunk = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    /// Lends the key's bytes; no allocation.
    @inlinable
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var bytes = (extent.bigEndian, chunk.bigEndian)
        return withUnsafeBytes(of: &bytes) { body(UnsafeRawBufferPointer(rebasing: $0[..<12])) }
    }

    public static func < (left: ChunkKey, right: ChunkKey) -> Bool {
        (left.extent, left.chunk) < (right.extent, right.chunk)
    }
}
