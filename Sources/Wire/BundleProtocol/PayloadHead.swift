// PayloadHead: the payload block without the payload, whose octets are streamed and never held here (RFC 9171, 4.3.2).
// Beside it the running CRC over the block and the trailer that ends the bundle. Reading fails with a BundleError.

import NIOCore

public struct PayloadHead: Hashable, Sendable {
    public let flags: BlockFlags
    public let crcType: CRCType
    /// Octets of this bundle's payload: of the piece, if the bundle is a fragment.
    public let length: UInt64
    /// Everything of the block up to the first octet of the payload.
    public let encoded: ByteBuffer
    /// True when the block is an array of indefinite length, so that a break stands before the bundle's own.
    let needsBreak: Bool

    /// The longest payload that can be counted here; room is left for what surrounds it.
    public static let lengthMax = UInt64(Int64.max) / 2

    /// RFC 9171, 4.1: the block number of the payload block is always 1.
    public static let number: UInt64 = 1

    /// A new head; a length above `lengthMax` is an error.
    public init(flags: BlockFlags = [], crcType: CRCType = .none, length: UInt64) throws(BundleError) {
        guard length <= Self.lengthMax else { throw Self.tooLong(at: 0) }
        self.flags = flags
        self.crcType = crcType
        self.length = length
        needsBreak = false
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        let head = BlockHead(type: .payload, number: Self.number, flags: flags, crcType: crcType, end: .isCounted)
        head.encode(into: &bytes)
        bytes.writeCBOR(bytesHead: length)
        encoded = ByteBuffer(bytes: bytes)
    }

    init(_ head: BlockHead, startedAt start: Int, from reader: inout CBORReader) throws(BundleError) {
        guard head.number == Self.number else {
            throw reader.failure(.badBlockNumber, "the payload block's number is not 1 (RFC 9171, 4.1)")
        }
        // RFC 9171, 4.3.2: a byte string of definite length.
        guard try reader.peek() != 0x5f else {
            throw reader.failure(.indefinitePayload, "the payload has no definite length (RFC 9171, 4.3.2)")
        }
        flags = head.flags
        crcType = head.crcType
        length = try reader.readBytesHead()
        guard length <= Self.lengthMax else { throw Self.tooLong(at: reader.position) }
        needsBreak = head.end == .needsBreak
        encoded = reader.slice(from: start)
    }

    /// Octets from the end of the payload to the end of the bundle.
    public var trailerLength: Int { crcType.fieldLength + (needsBreak ? 2 : 1) }

    private static func tooLong(at offset: Int) -> BundleError {
        BundleError(.payloadTooLong, at: offset, "the payload is longer than \(lengthMax) octets")
    }
}

/// The CRC of a payload block as its payload passes: `update` with every octet once, in order.
public struct PayloadChecksum: Sendable {
    private var running: Checksum
    private let needsBreak: Bool

    public init(_ head: PayloadHead) {
        running = Checksum(head.crcType)
        running.update(head.encoded)
        needsBreak = head.needsBreak
    }

    public mutating func update(_ payload: ByteBuffer) { running.update(payload) }

    public mutating func update(_ payload: UnsafeRawBufferPointer) { running.update(payload) }

    /// The CRC of the block, if all of the payload has passed; 0 for the type `none`.
    public var value: UInt32 {
        guard running.type != .none else { return 0 }
        var finished = running
        finished.updateWithEmptyField(andBreak: needsBreak)
        return finished.value
    }
}

/// What stands after the payload: its block's CRC, and the break that ends the bundle (RFC 9171, 4.1).
public enum BundleTrailer {
    /// Reads `head.trailerLength` octets and compares the CRC with the one computed. False, and nothing taken, while
    /// there are fewer. `offset` is the trailer's place in the bundle, for errors.
    public static func decode(
        _ bytes: inout ByteBuffer, after head: PayloadHead, checksum: PayloadChecksum, at offset: Int = 0
    ) throws(BundleError) -> Bool {
        guard let slice = bytes.getSlice(at: bytes.readerIndex, length: head.trailerLength) else { return false }
        try CBORReader.read(slice, at: offset) { (reader) throws(BundleError) in
            if head.crcType != .none {
                guard try reader.readChecksumField(head.crcType) == checksum.value else {
                    throw reader.failure(.checksumMismatch, "the CRC of the payload block is wrong (RFC 9171, 5.6)")
                }
            }
            if head.needsBreak { try reader.closeArray(.needsBreak) }
            guard try reader.readBreak() else {
                if try reader.peek() >> 5 == 4 {
                    throw reader.failure(.payloadNotLast, "a block follows the payload block (RFC 9171, 4.1)")
                }
                throw reader.failure(.malformedCBOR, "no break ends the bundle (RFC 9171, 4.1)")
            }
        }
        bytes.moveReaderIndex(forwardBy: head.trailerLength)
        return true
    }

    public static func encode(into buffer: inout ByteBuffer, after head: PayloadHead, checksum: PayloadChecksum) {
        buffer.writeChecksumField(head.crcType, checksum.value)
        if head.needsBreak { buffer.writeInteger(CBOR.break) }
        buffer.writeInteger(CBOR.break)
    }
}
