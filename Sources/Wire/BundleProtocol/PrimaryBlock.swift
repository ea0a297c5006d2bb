// PrimaryBlock: the first block of a bundle (RFC 9171, 4.3.1). A value that always holds its own encoding: the block is
// immutable on its way, so what a relay writes is what it read, byte for byte. Reading fails with a BundleError.

import NIOCore
import RelayModel

/// Where a fragment's payload lies in the whole (RFC 9171, 4.3.1).
public struct FragmentPlace: Hashable, Sendable {
    public var offset: UInt64
    /// Octets of the whole application data unit.
    public var totalLength: UInt64
    public init(offset: UInt64, totalLength: UInt64) {
        self.offset = offset
        self.totalLength = totalLength
    }
}

public struct PrimaryBlock: Hashable, Sendable {
    /// Contains `isFragment` if and only if `fragment` is not nil.
    public let flags: BundleFlags
    public let crcType: CRCType
    public let destination: EndpointID
    public let source: EndpointID
    public let reportTo: EndpointID
    /// DTN time, or 0 from a source without a clock.
    public let creationTime: UInt64
    public let sequence: UInt64
    /// Counted from the creation; never added to a time without a check for overflow.
    public let lifetime: Milliseconds
    public let fragment: FragmentPlace?
    /// The block as it stands, or will stand, on the wire.
    public let encoded: ByteBuffer

    public static let version: UInt64 = 7

    public var bundleID: BundleID { BundleID(source: source, creationTime: creationTime, sequence: sequence) }

    /// True for an anonymous source (RFC 9171, 4.2.3): `dtn:none`, or `ipn:0.0` (RFC 9758, 3.4.1).
    public var hasNullSource: Bool { source == .none || source == .ipn(node: 0, service: 0) }

    /// A new block. The flag `isFragment` follows from `fragment`, whatever `flags` says.
    public init(
        flags: BundleFlags = [], crcType: CRCType = .crc32c, destination: EndpointID, source: EndpointID,
        reportTo: EndpointID, creationTime: UInt64, sequence: UInt64, lifetime: Milliseconds,
        fragment: FragmentPlace? = nil
    ) {
        self.flags = fragment == nil ? flags.subtracting(.isFragment) : flags.union(.isFragment)
        self.crcType = crcType
        self.destination = destination
        self.source = source
        self.reportTo = reportTo
        self.creationTime = creationTime
        self.sequence = sequence
        self.lifetime = lifetime
        self.fragment = fragment
        var bytes: [UInt8] = []
        bytes.reserveCapacity(160)
        bytes.writeCBOR(arrayOf: Int(Self.itemCount(isFragment: fragment != nil, crcType)))
        bytes.writeCBOR(unsigned: Self.version)
        bytes.writeCBOR(unsigned: self.flags.rawValue)
        bytes.writeCBOR(unsigned: UInt64(crcType.rawValue))
        bytes.writeCBOR(endpoint: destination)
        bytes.writeCBOR(endpoint: source)
        bytes.writeCBOR(endpoint: reportTo)
        bytes.writeCBOR(time: creationTime, sequence: sequence)
        bytes.writeCBOR(unsigned: lifetime.count)
        if let fragment {
            bytes.writeCBOR(unsigned: fragment.offset)
            bytes.writeCBOR(unsigned: fragment.totalLength)
        }
        bytes.writeChecksumOfBlock(crcType)
        encoded = ByteBuffer(bytes: bytes)
    }

    init(from reader: inout CBORReader) throws(BundleError) {
        let start = reader.position
        let count = try reader.readArrayHead()
        let version = try reader.readUnsigned()
        guard version == Self.version else {
            throw reader.failure(.unsupportedBundleVersion, "version \(version) of the Bundle Protocol is not 7")
        }
        flags = BundleFlags(rawValue: try reader.readUnsigned())
        // RFC 9171, 4.3.1 wants a CRC unless a BIB covers this block; the examples of RFC 9173 have neither, so this
        // is an issue for policy (`BundleHeader.issues`) and not an error.
        crcType = try reader.readCRCType()
        let isFragment = flags.contains(.isFragment)
        guard count == nil || count == Self.itemCount(isFragment: isFragment, crcType) else {
            throw reader.failure(.wrongShape, "the primary block has the wrong number of items (RFC 9171, 4.3.1)")
        }
        destination = try reader.readEndpointID()
        source = try reader.readEndpointID()
        reportTo = try reader.readEndpointID()
        (creationTime, sequence) = try reader.readTimestamp()
        lifetime = Milliseconds(try reader.readUnsigned())
        if isFragment {
            let offset = try reader.readUnsigned()
            fragment = FragmentPlace(offset: offset, totalLength: try reader.readUnsigned())
        } else {
            fragment = nil
        }
        try reader.finishBlock(from: start, crcType, count == nil ? .needsBreak : .isCounted)
        encoded = reader.slice(from: start)
    }

    /// The same bundle's block for another piece of it, or for the whole (RFC 9171, 5.8 and 5.9).
    public func with(fragment: FragmentPlace?) -> PrimaryBlock {
        PrimaryBlock(
            flags: flags, crcType: crcType, destination: destination, source: source, reportTo: reportTo,
            creationTime: creationTime, sequence: sequence, lifetime: lifetime, fragment: fragment)
    }

    // RFC 9171, 4.3.1: 8, 9, 10 or 11 items.
    private static func itemCount(isFragment: Bool, _ crcType: CRCType) -> UInt64 {
        8 + (isFragment ? 2 : 0) + (crcType == .none ? 0 : 1)
    }
}

extension CBORReader {
    /// Passes over a primary block; answers its flags.
    mutating func passPrimary() throws(BundleError) -> BundleFlags {
        let start = position
        _ = try readArrayHead()
        _ = try readUnsigned()
        let flags = BundleFlags(rawValue: try readUnsigned())
        seek(to: start)
        try skipItem()
        return flags
    }
}
