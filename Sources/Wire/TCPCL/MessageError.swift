// MessageError: what can be wrong with octets from a peer before they are a message. Values with a sentence each.

/// Octets from which no message can be read. After any of these the place of the next message is unknown or not worth
/// finding, so the session ends.
public enum MessageError: Error, Hashable, Sendable {
    case badMagic
    case typeUnknown(UInt8)
    case nodeIDTooLong(Int)
    case nodeIDNotText
    case extensionsTooLong(MessageType, Int)
}

extension MessageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badMagic:
            "The connection does not begin with \"dtn!\", so the other side does not speak TCPCL."
        case .typeUnknown(let type):
            "The peer sent a message of type \(type), which no version-4 peer may send."
        case .nodeIDTooLong(let length):
            "The peer's node ID is \(length) octets long; at most \(Message.nodeIDBytesMax) are taken."
        case .nodeIDNotText:
            "The peer's node ID is not UTF-8 text."
        case .extensionsTooLong(let type, let length):
            "The extension items of the peer's \(type) message are \(length) octets long; "
                + "at most \(Message.extensionBytesMax) are taken."
        }
    }
}
