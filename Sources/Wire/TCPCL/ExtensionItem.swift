// ExtensionItem: one type-length-value item of SESS_INIT (RFC 9174, 4.8) or of a START segment (RFC 9174, 5.2.5).
// A value and the codec of item lists; a broken list gives nil, its fate depends on the message that carries it.

import NIOCore
import Trap

/// One extension item; the value is a slice of the buffer that it was read from.
public struct ExtensionItem: Hashable, Sendable {
    /// The receiver must know the type, or give up the session or the transfer.
    public var isCritical: Bool
    public var type: UInt16
    public var value: ByteBuffer

    /// The transfer extension Transfer Length (RFC 9174, 5.2.5.1).
    public static let transferLengthType: UInt16 = 0x0001

    static let headerLength = 5
    private static let criticalFlag: UInt8 = 0x01

    public init(isCritical: Bool, type: UInt16, value: ByteBuffer) {
        self.isCritical = isCritical
        self.type = type
        self.value = value
    }

    /// The octets that the item takes on the wire.
    public var length: Int { Self.headerLength + value.readableBytes }

    /// Reads items until `list` is empty; nil when the last item claims more octets than there are.
    static func readList(_ list: ByteBuffer) -> [ExtensionItem]? {
        var list = list
        var items: [ExtensionItem] = []
        while list.readableBytes > 0 {
            guard let flags: UInt8 = list.readInteger(), let type: UInt16 = list.readInteger(),
                let length: UInt16 = list.readInteger(), let value = list.readSlice(length: Int(length))
            else { return nil }
            items.append(ExtensionItem(isCritical: flags & criticalFlag != 0, type: type, value: value))
        }
        return items
    }

    func write(to buffer: inout ByteBuffer) {
        demand(value.readableBytes <= Int(UInt16.max), "An extension item's value is at most 65,535 octets long.")
        buffer.writeInteger(isCritical ? Self.criticalFlag : 0)
        buffer.writeInteger(type)
        buffer.writeInteger(UInt16(value.readableBytes))
        buffer.writeImmutableBuffer(value)
    }
}
