// ExtentCursor: where the writing of one extent stands. A small value that lives between batches; it holds at most one
// chunk less a byte. It cannot fail.

import RelayRows
import Trap

/// The end of an extent that is being written.
///
/// It runs ahead of the store inside a batch: when the batch is not durable, the cursor is void, and so is the extent.
public struct ExtentCursor: Sendable {
    public let extent: UInt64
    public let layout: ChunkLayout
    /// Bytes appended so far, those in `carry` included.
    public private(set) var length: UInt64 = 0
    /// Bytes after the last full chunk.
    private(set) var carry: [UInt8] = []
    private(set) var nextChunk: UInt32 = 0

    public init(extent: UInt64, layout: ChunkLayout = .standard) {
        self.extent = extent
        self.layout = layout
    }

    /// Bytes that the chunk being filled still takes.
    var room: Int { layout.payloadBytes - carry.count }

    mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        // What comes in one portion, as most documents do, takes no more than it has.
        if carry.capacity - carry.count < bytes.count {
            carry.reserveCapacity(carry.isEmpty ? bytes.count : layout.payloadBytes)
        }
        carry.append(contentsOf: bytes)
        length += UInt64(bytes.count)
    }

    /// The carry and `count` bytes after it have become a row.
    mutating func advance(by count: Int) {
        demand(nextChunk < .max, "An extent grew beyond the number of chunks that a key can count.")
        carry.removeAll(keepingCapacity: true)
        length += UInt64(count)
        nextChunk += 1
    }
}
