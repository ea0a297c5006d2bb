// MessageType: the first octet of every TCPCLv4 message (RFC 9174, 4.5). A value; cannot fail.

/// The message types that this program knows. Unknown octets stay a `UInt8` in the errors and events that name them.
public enum MessageType: UInt8, Sendable, CaseIterable {
    case segment = 0x01
    case acknowledgement = 0x02
    case refusal = 0x03
    case keepalive = 0x04
    case termination = 0x05
    case rejection = 0x06
    case initialization = 0x07
}
