// OutgoingBytes: what a session wants written, as a list of buffers in order.
// Owns its buffers until they are taken. Small messages share a buffer; large payloads are handed on without a copy.
// Used by one session, on its thread. Cannot fail.

import NIOCore

/// Octets for the peer, to be written in order and without gaps.
public struct OutgoingBytes: Sendable {
    private var finished: [ByteBuffer] = []
    private var open = ByteBuffer()

    /// The octets that were ever appended, for those who want to know whether something was.
    public private(set) var appendedBytes: UInt64 = 0

    /// A payload up to this size is copied behind its header: cheaper than a buffer, a write and a TLS record of its own.
    public static let copiedPayloadBytesMax = 1_024
    /// A shared buffer is closed when it is as large as this.
    private static let openBytesMax = 64 * 1_024

    /// What passed in both directions, in order; nil when nobody watches.
    var watched: [WatchedMessage]?

    public init() {}

    public var isEmpty: Bool { finished.isEmpty && open.readableBytes == 0 }

    /// The octets that wait to be taken.
    public var readableBytes: Int { finished.reduce(open.readableBytes) { $0 + $1.readableBytes } }

    /// Hands over all buffers; the caller owns them.
    public mutating func take() -> [ByteBuffer] {
        closeOpen()
        let buffers = finished
        finished = []
        return buffers
    }

    mutating func append(_ message: Message) {
        watched?.append(.message(isSent: true, message))
        appendHeader { message.write(to: &$0) }
    }

    mutating func appendHeader(_ write: (inout ByteBuffer) -> Void) {
        let before = open.readableBytes
        write(&open)
        appendedBytes += UInt64(open.readableBytes - before)
        if open.readableBytes >= Self.openBytesMax {
            closeOpen()
        }
    }

    mutating func appendPayload(_ payload: ByteBuffer) {
        appendedBytes += UInt64(payload.readableBytes)
        if payload.readableBytes <= Self.copiedPayloadBytesMax {
            open.writeImmutableBuffer(payload)
        } else {
            closeOpen()
            finished.append(payload)
        }
    }

    private mutating func closeOpen() {
        guard open.readableBytes > 0 else { return }
        finished.append(open)
        open = ByteBuffer()
    }
}
