// Checksum: the CRC of one block, computed as the octets pass (RFC 9171, 4.2.1 and 4.2.2). A value; cannot fail.

import CChecksum
import NIOCore

/// The checks that a block may carry (RFC 9171, 4.2.1).
public enum CRCType: UInt8, Sendable, CaseIterable {
    case none = 0
    /// CRC-16/X-25.
    case crc16 = 1
    /// CRC-32C (Castagnoli).
    case crc32c = 2

    /// Octets of the value, without the head of its byte string.
    public var valueLength: Int {
        switch self {
        case .none: 0
        case .crc16: 2
        case .crc32c: 4
        }
    }

    /// Octets of the whole CRC field.
    public var fieldLength: Int { self == .none ? 0 : 1 + valueLength }
}

/// A running CRC.
public struct Checksum: Sendable {
    public let type: CRCType
    private var state: UInt32 = 0

    public init(_ type: CRCType) { self.type = type }

    /// The CRC of all octets so far; 0 for the type `none`.
    public var value: UInt32 { state }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch type {
        case .none: break
        case .crc16: state = UInt32(cchecksum_crc16_x25(UInt16(state), bytes.baseAddress, bytes.count))
        case .crc32c: state = cchecksum_crc32c(state, bytes.baseAddress, bytes.count)
        }
    }

    /// All readable octets of the buffer, which keeps them.
    public mutating func update(_ buffer: ByteBuffer) {
        guard type != .none, buffer.readableBytes > 0 else { return }
        buffer.withUnsafeReadableBytes { update($0) }
    }

    /// The CRC field as the computation sees it: its head and zeros (RFC 9171, 4.3.1 and 4.3.2), then the break if the
    /// block is an array of indefinite length.
    mutating func updateWithEmptyField(andBreak hasBreak: Bool) {
        var tail: InlineArray<6, UInt8> = .init(repeating: 0)
        tail[0] = 0x40 | UInt8(type.valueLength)
        var count = type.fieldLength
        if hasBreak {
            tail[count] = CBOR.break
            count += 1
        }
        tail.span.withUnsafeBytes { update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}

extension CBOROutput {
    /// The CRC field with this value; nothing for the type `none`.
    mutating func writeChecksumField(_ type: CRCType, _ value: UInt32) {
        switch type {
        case .none: break
        case .crc16:
            write(0x42, UInt16(truncatingIfNeeded: value))
        case .crc32c:
            write(0x44, value)
        }
    }

    /// Ends a block with its CRC field. `start`: how many octets were here before it.
    mutating func writeChecksumOfBlock(_ type: CRCType, from start: Int = 0) {
        guard type != .none else { return }
        var checksum = Checksum(type)
        withOctets(from: start) { checksum.update($0) }
        checksum.updateWithEmptyField(andBreak: false)
        writeChecksumField(type, checksum.value)
    }
}

extension CBORReader {
    mutating func readCRCType() throws(BundleError) -> CRCType {
        let before = position
        // RFC 9171, 4.2.1: these values and no others.
        guard let type = CRCType(rawValue: UInt8(clamping: try readUnsigned())) else {
            throw failure(at: before, .unknownChecksumType, "the CRC type is not 0, 1 or 2 (RFC 9171, 4.2.1)")
        }
        return type
    }

    /// The value of a CRC field of this type, which must not be `none`.
    mutating func readChecksumField(_ type: CRCType) throws(BundleError) -> UInt32 {
        let before = position
        var bytes = try readBytes()
        // RFC 9171, 4.2.2: a byte string of two or four bytes.
        guard bytes.readableBytes == type.valueLength else {
            throw failure(at: before, .wrongShape, "the CRC has the wrong length (RFC 9171, 4.2.2)")
        }
        return type == .crc16 ? UInt32(bytes.readInteger(as: UInt16.self) ?? 0) : bytes.readInteger() ?? 0
    }

    /// Reads the rest of a block that began at `start`: its CRC, which is verified, and its end.
    mutating func finishBlock(from start: Int, _ type: CRCType, _ end: ArrayEnd) throws(BundleError) {
        guard type != .none else { return try closeArray(end) }
        let covered = octets(from: start)
        let stated = try readChecksumField(type)
        try closeArray(end)
        var checksum = Checksum(type)
        checksum.update(covered)
        checksum.updateWithEmptyField(andBreak: end == .needsBreak)
        guard checksum.value == stated else {
            throw failure(.checksumMismatch, "the CRC of the block that ends here is wrong (RFC 9171, 5.6)")
        }
    }
}
