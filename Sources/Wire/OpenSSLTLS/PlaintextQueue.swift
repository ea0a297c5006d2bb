// PlaintextQueue: what the next handler has written and what is flushed of it, in order, with the promises. A value
// of its handler, on its event loop. Bounded by the handler: by the channel's writability after the handshake, by a
// limit before.

import NIOCore

struct PlaintextQueue {
    struct Entry {
        let buffer: ByteBuffer
        let promise: EventLoopPromise<Void>?
    }

    private var entries = MarkedCircularBuffer<Entry>(initialCapacity: 16)
    /// All bytes in the queue.
    private(set) var bytes = 0
    /// The bytes that are flushed.
    private(set) var flushedBytes = 0

    mutating func append(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>?) {
        bytes += buffer.readableBytes
        entries.append(Entry(buffer: buffer, promise: promise))
    }

    mutating func markFlushed() {
        entries.mark()
        flushedBytes = bytes
    }

    var hasFlushed: Bool { entries.hasMark }

    /// Takes the oldest entry if it is flushed.
    mutating func takeFlushed() -> Entry? {
        guard entries.hasMark, let entry = entries.popFirst() else { return nil }
        bytes -= entry.buffer.readableBytes
        flushedBytes -= entry.buffer.readableBytes
        return entry
    }

    /// Empties the queue; the caller fails the promises that it gets.
    mutating func removeAll() -> [EventLoopPromise<Void>] {
        var promises: [EventLoopPromise<Void>] = []
        while let entry = entries.popFirst() {
            if let promise = entry.promise { promises.append(promise) }
        }
        bytes = 0
        flushedBytes = 0
        return promises
    }
}
