// CBORWriter: writes the part of CBOR that bundles use into a ByteBuffer, always in the one deterministic form that
// RFC 9171, 4.1 demands (RFC 8949, 4.2.1). Cannot fail.

import NIOCore
import RelayModel

extension ByteBuffer {
    /// The break that ends an array of indefinite length.
    static let cborBreak: UInt8 = 0xff
    /// The head of an array of indefinite length.
    static let cborIndefiniteArray: UInt8 = 0x9f

    /// The number of octets of a head with this argument.
    static func cborHeadLength(_ argument: UInt64) -> Int {
        switch argument {
        case 0..<24: 1
        case 24..<(1 << 8): 2
        case (1 << 8)..<(1 << 16): 3
        case (1 << 16)..<(1 << 32): 5
        default: 9
        }
    }

    mutating func writeCBOR(unsigned value: UInt64) { writeCBORHead(major: 0, value) }

    mutating func writeCBOR(bytesHead length: UInt64) { writeCBORHead(major: 2, length) }

    mutating func writeCBOR(bytes: ByteBuffer) {
        writeCBORHead(major: 2, UInt64(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }

    mutating func writeCBOR(bytes: [UInt8]) {
        writeCBORHead(major: 2, UInt64(bytes.count))
        writeBytes(bytes)
    }

    mutating func writeCBOR(text: String) {
        writeCBORHead(major: 3, UInt64(text.utf8.count))
        writeString(text)
    }

    mutating func writeCBOR(arrayOf count: Int) { writeCBORHead(major: 4, UInt64(count)) }

    mutating func writeCBOR(bool: Bool) { writeInteger(bool ? 0xf5 : 0xf4, as: UInt8.self) }

    private mutating func writeCBORHead(major: UInt8, _ argument: UInt64) {
        let type = major << 5
        switch Self.cborHeadLength(argument) {
        case 1: writeInteger(type | UInt8(truncatingIfNeeded: argument))
        case 2:
            writeInteger(type | 24)
            writeInteger(UInt8(truncatingIfNeeded: argument))
        case 3:
            writeInteger(type | 25)
            writeInteger(UInt16(truncatingIfNeeded: argument))
        case 5:
            writeInteger(type | 26)
            writeInteger(UInt32(truncatingIfNeeded: argument))
        default:
            writeInteger(type | 27)
            writeInteger(argument)
        }
    }
}
