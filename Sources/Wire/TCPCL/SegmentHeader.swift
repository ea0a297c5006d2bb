// SegmentHeader: an XFER_SEGMENT without its data (RFC 9174, 5.2.2). The data is streamed, never collected.
// A value and its encoder; it is decoded in Message. Fails never: a broken extension list is a state of the value,
// because it refuses one transfer and leaves the session alone.

import NIOCore

/// What stands before the data of a segment.
public struct SegmentHeader: Hashable, Sendable {
    /// What the extension items of a START segment say.
    public enum Extensions: Hashable, Sendable {
        /// All items are known or may be skipped; the total length if the sender told it.
        case understood(transferLength: UInt64?)
        /// A broken list, an unknown critical item, or a Transfer Length that is malformed or stands there twice.
        case failed
    }

    public var flags: SegmentFlags
    public var id: TransferID
    /// Of a START segment; `.understood(nil)` in all others.
    public var extensions: Extensions
    public var dataLength: UInt64

    public init(
        flags: SegmentFlags, id: TransferID, extensions: Extensions = .understood(transferLength: nil),
        dataLength: UInt64
    ) {
        self.flags = flags
        self.id = id
        self.extensions = extensions
        self.dataLength = dataLength
    }

    private static let transferLengthItemLength: UInt32 = 13

    /// Writes the header, with a Transfer Length item if the extensions name one and the segment is a START.
    ///
    /// - Parameter lengthInEverySegment: writes an empty extension list into segments that are not START, for peers
    ///   that misread the RFC.
    public func write(to buffer: inout ByteBuffer, extensionLengthInEverySegment: Bool = false) {
        buffer.writeInteger(MessageType.segment.rawValue)
        buffer.writeInteger(flags.rawValue)
        buffer.writeInteger(id.rawValue)
        // RFC 9174, 5.2.2: the extension fields are present only when the START flag is set.
        if flags.contains(.start), case .understood(let length?) = extensions {
            buffer.writeInteger(Self.transferLengthItemLength)
            buffer.writeInteger(UInt8(0))
            buffer.writeInteger(ExtensionItem.transferLengthType)
            buffer.writeInteger(UInt16(MemoryLayout<UInt64>.size))
            buffer.writeInteger(length)
        } else if flags.contains(.start) || extensionLengthInEverySegment {
            buffer.writeInteger(UInt32(0))
        }
        buffer.writeInteger(dataLength)
    }

    /// Judges a list of transfer extension items.
    static func judge(_ list: ByteBuffer) -> Extensions {
        guard list.readableBytes > 0 else { return .understood(transferLength: nil) }
        guard let items = ExtensionItem.readList(list) else { return .failed }
        var transferLength: UInt64?
        for item in items {
            if item.type == ExtensionItem.transferLengthType {
                // RFC 9174, 5.2.5.1: a 64-bit number, not more than once in a transfer.
                guard transferLength == nil, item.value.readableBytes == MemoryLayout<UInt64>.size else {
                    return .failed
                }
                transferLength = item.value.getInteger(at: item.value.readerIndex)
            } else if item.isCritical {
                // RFC 9174, 5.2.5: an unknown critical item refuses the transfer, any other unknown item is skipped.
                return .failed
            }
        }
        return .understood(transferLength: transferLength)
    }
}
