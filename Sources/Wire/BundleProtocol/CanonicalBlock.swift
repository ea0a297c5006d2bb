// CanonicalBlock: an extension block (RFC 9171, 4.3.2), whatever its content. A value that always holds its own
// encoding, so that a block which nobody changed leaves as it came. Reading fails with a BundleError.

import NIOCore
import Trap

/// The type codes of blocks (RFC 9171, 9.1).
public struct BlockType: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let payload = BlockType(rawValue: 1)
    public static let previousNode = BlockType(rawValue: 6)
    public static let bundleAge = BlockType(rawValue: 7)
    public static let hopCount = BlockType(rawValue: 10)
    /// Block integrity (RFC 9172); not processed here.
    public static let integrity = BlockType(rawValue: 11)
    /// Block confidentiality (RFC 9172); not processed here.
    public static let confidentiality = BlockType(rawValue: 12)
    /// Private: the document block, if its content says `edoc`.
    public static let document = BlockType(rawValue: 240)
    /// Private: the copy block, if its content says `edoc`.
    public static let copy = BlockType(rawValue: 241)
    /// Private: the name that the envelope had before, if its content says `edoc`.
    public static let formerName = BlockType(rawValue: 242)
    /// Private: a copy that goes back along its path, if its content says `edoc`.
    public static let returned = BlockType(rawValue: 243)
    /// Private: what the source of a record understands, if its content says `edoc`.
    public static let features = BlockType(rawValue: 244)
}

public struct CanonicalBlock: Hashable, Sendable {
    public let type: BlockType
    public let number: UInt64
    public let flags: BlockFlags
    public let crcType: CRCType
    /// The block-type-specific data; shares the storage of `encoded`.
    public let data: ByteBuffer
    /// The block as it stands, or will stand, on the wire.
    public let encoded: ByteBuffer
    /// Octets from the beginning of the bundle to the data, for errors; 0 in a block made here.
    let dataOffset: Int

    /// A new block. The payload has a type of its own (`PayloadHead`).
    public init(type: BlockType, number: UInt64, flags: BlockFlags, crcType: CRCType = .crc32c, data: ByteBuffer) {
        demand(type != .payload, "the payload block is a PayloadHead and a stream of octets")
        self.type = type
        self.number = number
        self.flags = flags
        self.crcType = crcType
        var bytes = ByteBufferAllocator().buffer(capacity: data.readableBytes + 32)
        let head = BlockHead(
            type: type, number: number, flags: flags, crcType: crcType, end: .isCounted)
        head.encode(into: &bytes)
        bytes.writeCBOR(bytes: data)
        let dataEnd = bytes.writerIndex
        bytes.writeChecksumOfBlock(crcType)
        self.data = bytes.getSlice(at: dataEnd - data.readableBytes, length: data.readableBytes) ?? ByteBuffer()
        encoded = bytes
        dataOffset = 0
    }

    init(_ head: BlockHead, startedAt start: Int, from reader: inout CBORReader) throws(BundleError) {
        type = head.type
        number = head.number
        flags = head.flags
        crcType = head.crcType
        data = try reader.readBytes()
        dataOffset = reader.position - data.readableBytes
        try reader.finishBlock(from: start, crcType, head.end)
        encoded = reader.slice(from: start)
    }

    public static func == (left: CanonicalBlock, right: CanonicalBlock) -> Bool { left.encoded == right.encoded }

    public func hash(into hasher: inout Hasher) { hasher.combine(encoded) }

    /// The same block with other data.
    func with(data: ByteBuffer) -> CanonicalBlock {
        CanonicalBlock(type: type, number: number, flags: flags, crcType: crcType, data: data)
    }

    /// The numbers of the blocks that a security block covers, its first item (RFC 9172, 3.6); empty when unreadable,
    /// for instance because it is itself encrypted.
    var securityTargets: [UInt64] {
        do throws(BundleError) {
            return try CBORReader.read(data, at: dataOffset) { (reader) throws(BundleError) in
                var targets: [UInt64] = []
                var list = try reader.openList(countMax: BundleHeader.blocksMax)
                while try list.hasNext(&reader) { targets.append(try reader.readUnsigned()) }
                return targets
            }
        } catch {
            return []
        }
    }
}

/// The four items with which every canonical block begins (RFC 9171, 4.3.2).
struct BlockHead {
    var type: BlockType
    var number: UInt64
    var flags: BlockFlags
    var crcType: CRCType
    var end: ArrayEnd

    init(type: BlockType, number: UInt64, flags: BlockFlags, crcType: CRCType, end: ArrayEnd) {
        self.type = type
        self.number = number
        self.flags = flags
        self.crcType = crcType
        self.end = end
    }

    init(from reader: inout CBORReader) throws(BundleError) {
        let count = try reader.readArrayHead()
        type = BlockType(rawValue: try reader.readUnsigned())
        number = try reader.readUnsigned()
        flags = BlockFlags(rawValue: try reader.readUnsigned())
        crcType = try reader.readCRCType()
        end = count == nil ? .needsBreak : .isCounted
        // RFC 9171, 4.3.2: five items without a CRC, six with one.
        guard count == nil || count == (crcType == .none ? 5 : 6) else {
            throw reader.failure(.wrongShape, "a block has the wrong number of items (RFC 9171, 4.3.2)")
        }
    }

    func encode(into buffer: inout some CBOROutput) {
        buffer.writeCBOR(arrayOf: crcType == .none ? 5 : 6)
        buffer.writeCBOR(unsigned: type.rawValue)
        buffer.writeCBOR(unsigned: number)
        buffer.writeCBOR(unsigned: flags.rawValue)
        buffer.writeCBOR(unsigned: UInt64(crcType.rawValue))
    }
}

extension BundleHeader {
    /// Which security block covers the payload: "BCB" (it is encrypted), "BIB" (it has a signature or a code); nil: none. Neither is
    /// processed here (RFC 9172, 3.6).
    public var payloadCover: String? {
        for (type, name) in [(BlockType.confidentiality, "BCB"), (.integrity, "BIB")]
        where blocks.contains(where: { $0.type == type && $0.securityTargets.contains(PayloadHead.number) }) {
            return name
        }
        return nil
    }
}
