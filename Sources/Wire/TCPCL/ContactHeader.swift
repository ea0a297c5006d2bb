// ContactHeader: the six octets with which both sides of a connection begin (RFC 9174, 4.2).
// A value and its codec. Fails by `MessageError.badMagic`, as early as the first wrong octet.

import NIOCore

/// The contact header.
public struct ContactHeader: Hashable, Sendable {
    public var version: UInt8
    /// CAN_TLS: the sender has enabled TLS.
    public var canTLS: Bool

    public static let length = 6
    /// The version that this program speaks.
    public static let supportedVersion: UInt8 = 4

    private static let magic: [UInt8] = [0x64, 0x74, 0x6e, 0x21]
    private static let canTLSFlag: UInt8 = 0x01

    public init(version: UInt8 = supportedVersion, canTLS: Bool) {
        self.version = version
        self.canTLS = canTLS
    }

    /// Reads a header from `buffer`; nil, with nothing consumed, when it is not whole yet.
    public static func read(from buffer: inout ByteBuffer) throws(MessageError) -> ContactHeader? {
        let view = buffer.readableBytesView
        // RFC 9174, 4.3: without the magic string the connection is closed, so do not wait for more of something else.
        for (octet, expected) in zip(view, magic) where octet != expected {
            throw .badMagic
        }
        guard view.count >= length else { return nil }
        buffer.moveReaderIndex(forwardBy: magic.count)
        let version: UInt8 = buffer.readInteger()!
        // RFC 9174, 4.2: reserved flag bits are ignored by the receiver.
        let flags: UInt8 = buffer.readInteger()!
        return ContactHeader(version: version, canTLS: flags & canTLSFlag != 0)
    }

    public func write(to buffer: inout ByteBuffer) {
        buffer.writeBytes(Self.magic)
        buffer.writeInteger(version)
        buffer.writeInteger(canTLS ? Self.canTLSFlag : 0)
    }
}
