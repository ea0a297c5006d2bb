// PayloadReader: a range of an extent's bytes into a buffer. It owns nothing; it runs wherever a view of the store
// does. Bytes are copied once, from the store's pages into the buffer. A row that is missing or damaged is an answer:
// the caller sets the envelope aside and names it.

import NIOCore
import RelayRows

public enum PayloadReader {
    public enum Outcome: Hashable, Sendable {
        /// All bytes of the range are in the buffer.
        case complete
        /// The extent has no such chunk, or the chunk ends before the range does. The buffer is as it was.
        case missing(chunk: UInt32)
        /// The chunk's bytes are not those that were written. The buffer is as it was.
        case damaged(chunk: UInt32)
    }

    /// Appends the bytes of `range` to `buffer`. Every chunk that the range touches is checked as a whole.
    public static func copy(
        _ range: Range<UInt64>, of extent: UInt64, from reader: some RowReader, into buffer: inout ByteBuffer,
        layout: ChunkLayout = .standard
    ) -> Outcome {
        if range.isEmpty { return .complete }
        let begin = buffer.writerIndex
        var walk = Walk(extent: extent, range: range, layout: layout)
        guard range.upperBound <= layout.maximumLength, let count = Int(exactly: range.upperBound - range.lowerBound)
        else { return .missing(chunk: layout.chunk(at: layout.maximumLength)) }
        buffer.reserveCapacity(minimumWritableBytes: count)
        walk.expected.withBytes { first in
            reader.scan(.chunk, from: first) { key, value in
                guard let bytes = walk.next(key, value) else { return false }
                buffer.writeBytes(bytes)
                return walk.outcome == nil
            }
        }
        let outcome = walk.outcome ?? .missing(chunk: walk.missing)
        if outcome != .complete { buffer.moveWriterIndex(to: begin) }
        return outcome
    }

    /// How many bytes an extent has by its rows, for checks: the last row tells, and the one before it.
    public static func length(
        of extent: UInt64, in reader: some RowReader, layout: ChunkLayout = .standard
    ) -> UInt64 {
        guard let last = lastChunk(before: ChunkKey(extent: extent, chunk: .max), in: reader) else { return 0 }
        let start = layout.start(of: last.key.chunk) + UInt64(last.key.part)
        guard last.key.part == 0, let other = lastChunk(before: last.key, in: reader) else { return start + last.bytes }
        // Up to version 0.3 the rest of an extent's end stood under the next chunk's key.
        let end = layout.start(of: other.key.chunk) + UInt64(other.key.part) + other.bytes
        return min(start, end) + last.bytes
    }

    private static func lastChunk(
        before key: ChunkKey, in reader: some RowReader
    ) -> (key: ChunkKey, bytes: UInt64)? {
        key.withBytes { after in
            guard let row = reader.row(.chunk, before: after), let found = ChunkKey(row.key),
                found.extent == key.extent, row.value.count >= ChunkLayout.checkBytes
            else { return nil }
            return (found, UInt64(row.value.count - ChunkLayout.checkBytes))
        }
    }

    /// The rows of a range, one after the other.
    private struct Walk {
        /// The row to begin with; later the last one that was read.
        var expected: ChunkKey
        /// Where the next row begins, and the next byte to copy.
        private var start: UInt64
        private var offset: UInt64
        private let end: UInt64
        private let layout: ChunkLayout
        private(set) var outcome: Outcome?
        /// `expected` is the row that was read last.
        private var hasBegun = false

        init(extent: UInt64, range: Range<UInt64>, layout: ChunkLayout) {
            expected = ChunkKey(extent: extent, chunk: layout.chunk(at: range.lowerBound))
            start = layout.start(of: expected.chunk)
            offset = range.lowerBound
            end = range.upperBound
            self.layout = layout
        }

        /// The part of a row that lies in the range, or nil once the outcome is bad.
        mutating func next(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
            guard let found = ChunkKey(key), follows(found, value.count) else {
                outcome = .missing(chunk: missing)
                return nil
            }
            expected = found
            let count = value.count - ChunkLayout.checkBytes
            guard count > 0, count <= layout.payloadBytes - Int(clamping: found.part) else {
                outcome = .damaged(chunk: expected.chunk)
                return nil
            }
            let payload = UnsafeRawBufferPointer(rebasing: value[..<count])
            let sum = UInt32(littleEndian: value.loadUnaligned(fromByteOffset: count, as: UInt32.self))
            guard sum == Checksum.crc32c(payload, after: Checksum.crc32c(key)) else {
                outcome = .damaged(chunk: expected.chunk)
                return nil
            }
            // A row that is not full is the extent's last, or a part: then the bytes go on in the next one.
            let rowEnd = start + UInt64(count)
            var part = 0..<0
            if offset < rowEnd {
                part = Int(offset - start)..<Int(min(end, rowEnd) - start)
                offset = min(end, rowEnd)
            }
            if offset == end {
                outcome = .complete
            } else {
                start = rowEnd
                hasBegun = true
            }
            return UnsafeRawBufferPointer(rebasing: payload[part])
        }

        /// The chunk that is not there.
        var missing: UInt32 { hasBegun ? layout.chunk(at: start) : expected.chunk }

        /// True when a row begins where the one before it ended.
        private func follows(_ found: ChunkKey, _ bytes: Int) -> Bool {
            if found.extent != expected.extent { return false }
            if !hasBegun { return found == expected }
            if found.chunk == expected.chunk {
                return layout.start(of: found.chunk) + UInt64(found.part) == start
            }
            guard found.part == 0, found.chunk > expected.chunk, found.chunk - expected.chunk == 1 else { return false }
            // Up to version 0.3 the rest of an extent's end stood under the next chunk's key.
            return layout.start(of: found.chunk) == start
                || expected.part == 0 && bytes <= ChunkLayout.shortRowBytes + ChunkLayout.checkBytes
        }
    }
}
