// CBORWriter: writes the part of CBOR that bundles use, always in the one deterministic form that RFC 9171, 4.1 demands (RFC 8949, 4.2.1).
// Cannot fail. What a node writes for every bundle goes into an array, which is cheaper to fill octet by octet than a buffer.

import NIOCore
import RelayModel

/// Octets that grow at their end.
protocol CBOROutput {
    mutating func append(octet: UInt8)
    mutating func append(octets: UnsafeRawBufferPointer)
    /// Octets written so far.
    var octetCount: Int { get }
    /// Lends the octets from one written earlier up to the end.
    func withOctets<Result>(from start: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result
}

extension [UInt8]: CBOROutput {
    mutating func append(octet: UInt8) { append(octet) }
    mutating func append(octets: UnsafeRawBufferPointer) { append(contentsOf: octets) }
    var octetCount: Int { count }
    func withOctets<Result>(from start: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }
}

extension ByteBuffer: CBOROutput {
    mutating func append(octet: UInt8) { writeInteger(octet) }
    mutating func append(octets: UnsafeRawBufferPointer) { writeBytes(octets) }
    var octetCount: Int { readableBytes }
    func withOctets<Result>(from start: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }
}

enum CBOR {
    /// The break that ends an array of indefinite length.
    static let `break`: UInt8 = 0xff
    /// The head of an array of indefinite length.
    static let indefiniteArray: UInt8 = 0x9f

    /// The number of octets of a head with this argument.
    static func headLength(_ argument: UInt64) -> Int {
        switch argument {
        case 0..<24: 1
        case 24..<(1 << 8): 2
        case (1 << 8)..<(1 << 16): 3
        case (1 << 16)..<(1 << 32): 5
        default: 9
        }
    }
}

extension CBOROutput {
    mutating func writeCBOR(unsigned value: UInt64) { writeHead(major: 0, value) }

    mutating func writeCBOR(bytesHead length: UInt64) { writeHead(major: 2, length) }

    mutating func writeCBOR(bytes: ByteBuffer) {
        writeHead(major: 2, UInt64(bytes.readableBytes))
        append(buffer: bytes)
    }

    mutating func writeCBOR(bytes: [UInt8]) {
        writeHead(major: 2, UInt64(bytes.count))
        bytes.withUnsafeBytes { append(octets: $0) }
    }

    mutating func writeCBOR(text: String) { writeCBOR(text: "", text) }

    /// A text of two parts.
    mutating func writeCBOR(text first: StaticString, _ second: String) {
        var second = second
        second.withUTF8 { second in
            writeHead(major: 3, UInt64(first.utf8CodeUnitCount + second.count))
            append(octets: UnsafeRawBufferPointer(start: first.utf8Start, count: first.utf8CodeUnitCount))
            append(octets: UnsafeRawBufferPointer(second))
        }
    }

    mutating func writeCBOR(arrayOf count: Int) { writeHead(major: 4, UInt64(count)) }

    mutating func writeCBOR(bool: Bool) { append(octet: bool ? 0xf5 : 0xf4) }

    /// The octets of a buffer as they are.
    mutating func append(buffer: ByteBuffer) { buffer.withUnsafeReadableBytes { append(octets: $0) } }

    private mutating func writeHead(major: UInt8, _ argument: UInt64) {
        let type = major << 5
        switch CBOR.headLength(argument) {
        case 1: append(octet: type | UInt8(truncatingIfNeeded: argument))
        case 2: write(type | 24, UInt8(truncatingIfNeeded: argument))
        case 3: write(type | 25, UInt16(truncatingIfNeeded: argument))
        case 5: write(type | 26, UInt32(truncatingIfNeeded: argument))
        default: write(type | 27, argument)
        }
    }

    /// An octet, and a number behind it.
    mutating func write(_ head: UInt8, _ number: some FixedWidthInteger) {
        append(octet: head)
        withUnsafeBytes(of: number.bigEndian) { append(octets: $0) }
    }
}
