// BulkFrames: the bytes of the submission connection (docs/protocol.md, "Bulk submission"). Big-endian numbers, length-prefixed
// texts, no negotiation; one connection carries many envelopes, each answered after its commit.

import NIOCore
import RelayModel

/// What a document system says before the payload of one envelope.
public struct BulkRequest: Sendable, Hashable {
    /// The caller's own number, given back in the answer.
    public var token: UInt64
    public var sender: String
    public var recipients: [String]
    public var urgency: Urgency
    public var documentID: String
    /// Zero: the node's default.
    public var lifetime: Milliseconds
    public var payloadLength: UInt64

    public init(
        token: UInt64, sender: String, recipients: [String], urgency: Urgency, documentID: String,
        lifetime: Milliseconds, payloadLength: UInt64
    ) {
        self.token = token
        self.sender = sender
        self.recipients = recipients
        self.urgency = urgency
        self.documentID = documentID
        self.lifetime = lifetime
        self.payloadLength = payloadLength
    }

    /// `EDS1`
    static let magic: UInt32 = 0x4544_5331
    /// Octets of the fixed part: magic, length of the head, token, urgency, lifetime, payload length.
    static let fixedBytes = 4 + 4 + 8 + 1 + 8 + 8
    /// The longest head: 1,000 recipients fit.
    static let headBytesMax = 64 * 1_024

    public enum Fault: String, Error, Sendable {
        case badMagic = "the frame does not begin with EDS1"
        case badLength = "the head's length is out of range"
        case badText = "a text reaches beyond the head or is not UTF-8"
        case badUrgency = "the urgency is not 0 to 4"
    }

    public func write(to buffer: inout ByteBuffer) {
        var head = ByteBuffer()
        head.writeInteger(token)
        head.writeInteger(urgency.rawValue)
        head.writeInteger(lifetime.count)
        head.writeInteger(payloadLength)
        head.writeText(sender)
        head.writeText(documentID)
        head.writeInteger(UInt16(clamping: recipients.count))
        for recipient in recipients { head.writeText(recipient) }
        buffer.writeInteger(Self.magic)
        buffer.writeInteger(UInt32(head.readableBytes))
        buffer.writeBuffer(&head)
    }

    /// Reads one head; nil when more octets are needed. The payload stays in the buffer.
    public static func read(from buffer: inout ByteBuffer) throws(Fault) -> BulkRequest? {
        guard let magic = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard magic == Self.magic else { throw .badMagic }
        guard let length = buffer.getInteger(at: buffer.readerIndex + 4, as: UInt32.self) else { return nil }
        guard length >= Self.fixedBytes - 8, length <= Self.headBytesMax else { throw .badLength }
        guard buffer.readableBytes >= 8 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 8)
        guard var head = buffer.readSlice(length: Int(length)) else { return nil }
        guard let token = head.readInteger(as: UInt64.self), let urgencyByte = head.readInteger(as: UInt8.self),
            let lifetime = head.readInteger(as: UInt64.self), let payload = head.readInteger(as: UInt64.self)
        else { throw .badLength }
        guard let urgency = Urgency(rawValue: urgencyByte) else { throw .badUrgency }
        guard let sender = head.readText(), let documentID = head.readText(),
            let count = head.readInteger(as: UInt16.self)
        else { throw .badText }
        var recipients: [String] = []
        for _ in 0..<count {
            guard let recipient = head.readText() else { throw .badText }
            recipients.append(recipient)
        }
        return BulkRequest(
            token: token, sender: sender, recipients: recipients, urgency: urgency, documentID: documentID,
            lifetime: Milliseconds(lifetime), payloadLength: payload)
    }
}

/// The node's answer to one envelope.
public enum BulkAnswer: Sendable, Hashable {
    case accepted(token: UInt64, envelope: String)
    /// The cause in a word, then one problem a line.
    case refused(token: UInt64, text: String)

    public func write(to buffer: inout ByteBuffer) {
        switch self {
        case .accepted(let token, let envelope): Self.write(token, 0, envelope, to: &buffer)
        case .refused(let token, let text): Self.write(token, 1, text, to: &buffer)
        }
    }

    private static func write(_ token: UInt64, _ status: UInt8, _ text: String, to buffer: inout ByteBuffer) {
        buffer.writeInteger(token)
        buffer.writeInteger(status)
        buffer.writeText(String(text.prefix(8_192)))
    }

    public static func read(from buffer: inout ByteBuffer) -> BulkAnswer? {
        let start = buffer.readerIndex
        guard let token = buffer.readInteger(as: UInt64.self), let status = buffer.readInteger(as: UInt8.self),
            let text = buffer.readText()
        else {
            buffer.moveReaderIndex(to: start)
            return nil
        }
        return status == 0 ? .accepted(token: token, envelope: text) : .refused(token: token, text: text)
    }
}

extension ByteBuffer {
    fileprivate mutating func writeText(_ text: String) {
        writeInteger(UInt16(clamping: text.utf8.count))
        writeBytes(text.utf8.prefix(Int(UInt16.max)))
    }
    fileprivate mutating func readText() -> String? {
        guard let length = getInteger(at: readerIndex, as: UInt16.self), readableBytes >= 2 + Int(length) else {
            return nil
        }
        moveReaderIndex(forwardBy: 2)
        return readString(length: Int(length))
    }
}
