// Message: all TCPCLv4 messages as values, and their codec (RFC 9174, 4.5 to 6.1).
// Pure functions over bytes. Fails by `MessageError`; every length from the wire is checked against its limit before
// anything is taken. The data of a segment is not part of the value: it follows the header in the stream.

import NIOCore

/// One message; a segment without its data.
public enum Message: Hashable, Sendable {
    case segment(SegmentHeader)
    case acknowledgement(flags: SegmentFlags, id: TransferID, length: UInt64)
    case refusal(reason: TransferRefusalReason, id: TransferID)
    case keepalive
    case termination(isReply: Bool, reason: TerminationReason)
    case rejection(reason: RejectionReason, type: UInt8)
    case initialization(SessionInitialization)

    /// What came of an attempt to decode.
    public enum Decoded: Hashable, Sendable {
        /// At least this many more octets are needed (never fewer than one, never more than the message has).
        case incomplete(missing: Int)
        /// A message that takes so many octets (a segment: its header only).
        case message(Message, length: Int)
    }

    /// Longer node IDs are not taken: RFC 9174 allows 65,535 octets, no node needs them.
    public static let nodeIDBytesMax = 1_024
    /// Longer lists of extension items are not taken: the RFC asks to avoid them, the only item defined has 13 octets.
    public static let extensionBytesMax = 4_096

    private static let replyFlag: UInt8 = 0x01

    public var type: MessageType {
        switch self {
        case .segment: .segment
        case .acknowledgement: .acknowledgement
        case .refusal: .refusal
        case .keepalive: .keepalive
        case .termination: .termination
        case .rejection: .rejection
        case .initialization: .initialization
        }
    }

    /// Decodes the message at the reader index of `buffer` without consuming it.
    ///
    /// - Parameter extensionLengthInEverySegment: expects an extension list in segments that are not START, too; for
    ///   peers that misread the RFC.
    public static func decode(
        _ buffer: ByteBuffer, extensionLengthInEverySegment: Bool = false
    ) throws(MessageError) -> Decoded {
        let at = buffer.readerIndex
        guard let octet: UInt8 = buffer.getInteger(at: at) else { return .incomplete(missing: 1) }
        guard let type = MessageType(rawValue: octet) else { throw .typeUnknown(octet) }
        switch type {
        case .segment:
            return try decodeSegment(buffer, extensionLengthInEverySegment)
        case .initialization:
            return try decodeInitialization(buffer)
        case .acknowledgement:
            return fixed(buffer, length: 18) {
                .acknowledgement(
                    flags: SegmentFlags(rawValue: buffer.getInteger(at: at + 1)!),
                    id: TransferID(buffer.getInteger(at: at + 2)!), length: buffer.getInteger(at: at + 10)!)
            }
        case .refusal:
            return fixed(buffer, length: 10) {
                .refusal(
                    reason: TransferRefusalReason(code: buffer.getInteger(at: at + 1)!),
                    id: TransferID(buffer.getInteger(at: at + 2)!))
            }
        case .keepalive:
            return .message(.keepalive, length: 1)
        case .termination:
            return fixed(buffer, length: 3) {
                let flags: UInt8 = buffer.getInteger(at: at + 1)!
                return .termination(
                    isReply: flags & replyFlag != 0, reason: TerminationReason(code: buffer.getInteger(at: at + 2)!))
            }
        case .rejection:
            return fixed(buffer, length: 3) {
                .rejection(
                    reason: RejectionReason(code: buffer.getInteger(at: at + 1)!), type: buffer.getInteger(at: at + 2)!)
            }
        }
    }

    /// Writes the message; of a segment the header only.
    public func write(to buffer: inout ByteBuffer) {
        switch self {
        case .segment(let header):
            header.write(to: &buffer)
        case .acknowledgement(let flags, let id, let length):
            buffer.writeMultipleIntegers(
                MessageType.acknowledgement.rawValue, flags.rawValue, id.rawValue, length)
        case .refusal(let reason, let id):
            buffer.writeMultipleIntegers(MessageType.refusal.rawValue, reason.code, id.rawValue)
        case .keepalive:
            buffer.writeInteger(MessageType.keepalive.rawValue)
        case .termination(let isReply, let reason):
            buffer.writeMultipleIntegers(
                MessageType.termination.rawValue, isReply ? Self.replyFlag : 0, reason.code)
        case .rejection(let reason, let type):
            // RFC 9174, 5.1.2: the reason first, then the header of the message rejected.
            buffer.writeMultipleIntegers(MessageType.rejection.rawValue, reason.code, type)
        case .initialization(let initialization):
            initialization.write(to: &buffer)
        }
    }

    private static func fixed(_ buffer: ByteBuffer, length: Int, _ make: () -> Message) -> Decoded {
        let missing = length - buffer.readableBytes
        return missing > 0 ? .incomplete(missing: missing) : .message(make(), length: length)
    }

    private static func decodeSegment(
        _ buffer: ByteBuffer, _ extensionLengthInEverySegment: Bool
    ) throws(MessageError) -> Decoded {
        let at = buffer.readerIndex
        guard let flagBits: UInt8 = buffer.getInteger(at: at + 1) else { return .incomplete(missing: 1) }
        let flags = SegmentFlags(rawValue: flagBits)
        let hasExtensions = flags.contains(.start) || extensionLengthInEverySegment
        var list = ByteBuffer()
        var length = 10
        if hasExtensions {
            guard let listLength: UInt32 = buffer.getInteger(at: at + 10) else {
                return .incomplete(missing: 14 - buffer.readableBytes)
            }
            guard listLength <= UInt32(extensionBytesMax) else {
                throw .extensionsTooLong(.segment, Int(listLength))
            }
            length = 14 + Int(listLength)
        }
        length += 8
        guard buffer.readableBytes >= length else { return .incomplete(missing: length - buffer.readableBytes) }
        if hasExtensions {
            list = buffer.getSlice(at: at + 14, length: length - 22)!
        }
        let header = SegmentHeader(
            flags: flags, id: TransferID(buffer.getInteger(at: at + 2)!), extensions: SegmentHeader.judge(list),
            dataLength: buffer.getInteger(at: at + length - 8)!)
        return .message(.segment(header), length: length)
    }

    private static func decodeInitialization(_ buffer: ByteBuffer) throws(MessageError) -> Decoded {
        let at = buffer.readerIndex
        guard let nodeIDLength: UInt16 = buffer.getInteger(at: at + 19) else {
            return .incomplete(missing: 21 - buffer.readableBytes)
        }
        let nodeIDBytes = Int(nodeIDLength)
        guard nodeIDBytes <= nodeIDBytesMax else { throw .nodeIDTooLong(nodeIDBytes) }
        guard let listLength: UInt32 = buffer.getInteger(at: at + 21 + nodeIDBytes) else {
            return .incomplete(missing: 25 + nodeIDBytes - buffer.readableBytes)
        }
        guard listLength <= UInt32(extensionBytesMax) else {
            throw .extensionsTooLong(.initialization, Int(listLength))
        }
        let length = 25 + nodeIDBytes + Int(listLength)
        guard let list = buffer.getSlice(at: at + 25 + nodeIDBytes, length: Int(listLength)) else {
            return .incomplete(missing: length - buffer.readableBytes)
        }
        let nodeIDView = buffer.viewBytes(at: at + 21, length: nodeIDBytes)!
        guard let nodeID = String(validating: nodeIDView, as: UTF8.self) else { throw .nodeIDNotText }
        let initialization = SessionInitialization(
            keepaliveSeconds: buffer.getInteger(at: at + 1)!, segmentMRU: buffer.getInteger(at: at + 3)!,
            transferMRU: buffer.getInteger(at: at + 11)!, nodeID: nodeID,
            extensionItems: ExtensionItem.readList(list))
        return .message(.initialization(initialization), length: length)
    }
}
