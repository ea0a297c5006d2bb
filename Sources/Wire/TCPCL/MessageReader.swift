// MessageReader: cuts the stream of octets into messages and segment data, however the octets arrive.
// Owns the octets of an unfinished message header, bounded by the limits in Message; segment data is handed on as slices
// of what was fed. Used by one session, on its thread. Fails by `MessageError`; after an error it must not be used again.

import NIOCore

/// The reading end of a session's stream, after the contact header.
struct MessageReader {
    /// One piece of the stream.
    enum Piece: Hashable {
        /// A message; after a segment its data follows in `.data` pieces, unless its length is zero.
        case message(Message)
        /// Some data of the last segment; `isLast` when no more of it follows.
        case data(ByteBuffer, isLast: Bool)
    }

    private let extensionLengthInEverySegment: Bool
    private var header = ByteBuffer()
    private var dataRemaining: UInt64 = 0

    init(extensionLengthInEverySegment: Bool) {
        self.extensionLengthInEverySegment = extensionLengthInEverySegment
    }

    /// True when the stream stands between two messages, where it may end without loss.
    var isBetweenMessages: Bool { header.readableBytes == 0 && dataRemaining == 0 }

    /// The next piece, or nil when all of `input` is consumed and more is needed.
    mutating func next(_ input: inout ByteBuffer) throws(MessageError) -> Piece? {
        if dataRemaining > 0 {
            return readData(&input)
        }
        if header.readableBytes == 0 {
            switch try decode(input) {
            case .message(let message, let length):
                input.moveReaderIndex(forwardBy: length)
                return accept(message)
            case .incomplete:
                header.writeBuffer(&input)
                return nil
            }
        }
        while true {
            switch try decode(header) {
            case .message(let message, _):
                header.clear()
                return accept(message)
            case .incomplete(let missing):
                // Exactly what is missing, so that no octet of segment data is ever copied.
                guard var more = input.readSlice(length: min(missing, input.readableBytes)), more.readableBytes > 0
                else { return nil }
                header.writeBuffer(&more)
            }
        }
    }

    private func decode(_ buffer: ByteBuffer) throws(MessageError) -> Message.Decoded {
        try Message.decode(buffer, extensionLengthInEverySegment: extensionLengthInEverySegment)
    }

    private mutating func accept(_ message: Message) -> Piece {
        if case .segment(let segment) = message {
            dataRemaining = segment.dataLength
        }
        return .message(message)
    }

    private mutating func readData(_ input: inout ByteBuffer) -> Piece? {
        let length = Int(min(dataRemaining, UInt64(input.readableBytes)))
        guard length > 0, let slice = input.readSlice(length: length) else { return nil }
        dataRemaining -= UInt64(length)
        return .data(slice, isLast: dataRemaining == 0)
    }
}
