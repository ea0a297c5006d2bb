// HopCount: the content of the hop count block, with the contents of the two smaller standard extension blocks,
// previous node and bundle age (RFC 9171, 4.4). Values; reading fails with a BundleError.

import NIOCore
import RelayModel

/// How many hops a bundle has made, and how many it may make (RFC 9171, 4.4.3).
public struct HopCount: Hashable, Sendable {
    /// 1...255.
    public var limit: UInt8
    public var count: UInt64

    /// A limit of 0 is an error.
    public init(limit: UInt8, count: UInt64 = 0) throws(BundleError) {
        guard limit > 0 else { throw Self.badLimit(at: 0) }
        self.limit = limit
        self.count = count
    }

    /// True when the bundle should be deleted (RFC 9171, 4.4.3).
    public var isExceeded: Bool { count > UInt64(limit) }

    /// One hop more.
    public var next: HopCount {
        var result = self
        result.count = count < .max ? count + 1 : count
        return result
    }

    init(from reader: inout CBORReader) throws(BundleError) {
        let end = try reader.openArray(2)
        let limit = try reader.readUnsigned()
        // RFC 9171, 4.4.3: the hop limit MUST be in the range 1 through 255.
        guard let narrow = UInt8(exactly: limit), narrow > 0 else { throw Self.badLimit(at: reader.position) }
        self.limit = narrow
        count = try reader.readUnsigned()
        try reader.closeArray(end)
    }

    var data: ByteBuffer {
        var bytes = ByteBuffer()
        encode(into: &bytes)
        return bytes
    }

    func encode(into bytes: inout some CBOROutput) {
        bytes.writeCBOR(arrayOf: 2)
        bytes.writeCBOR(unsigned: UInt64(limit))
        bytes.writeCBOR(unsigned: count)
    }

    var encodedLength: Int {
        1 + CBOR.headLength(UInt64(limit)) + CBOR.headLength(count)
    }

    private static func badLimit(at offset: Int) -> BundleError {
        BundleError(.badHopCount, at: offset, "the hop limit is not in 1...255 (RFC 9171, 4.4.3)")
    }
}

extension CanonicalBlock {
    /// A hop count block (RFC 9171, 4.4.3).
    public static func hopCount(_ hops: HopCount, number: UInt64, crcType: CRCType = .crc32c) -> CanonicalBlock {
        CanonicalBlock(
            type: .hopCount, number: number, flags: .mustBeReplicated, crcType: crcType, data: hops.data)
    }

    /// A bundle age block (RFC 9171, 4.4.2).
    public static func bundleAge(_ age: Milliseconds, number: UInt64, crcType: CRCType = .crc32c) -> CanonicalBlock {
        CanonicalBlock(
            type: .bundleAge, number: number, flags: .mustBeReplicated, crcType: crcType, data: ageData(age))
    }

    /// A previous node block (RFC 9171, 4.4.1).
    public static func previousNode(_ node: NodeID, number: UInt64, crcType: CRCType = .crc32c) -> CanonicalBlock {
        CanonicalBlock(
            type: .previousNode, number: number, flags: .mustBeReplicated, crcType: crcType,
            data: previousNodeData(node))
    }

    static func ageData(_ age: Milliseconds) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeCBOR(unsigned: age.count)
        return bytes
    }

    static func previousNodeData(_ node: NodeID) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeCBOR(endpoint: node.endpoint)
        return bytes
    }

    /// Reads the data as one item, to its end.
    func content<Content>(
        _ read: (inout CBORReader) throws(BundleError) -> Content
    ) throws(BundleError) -> Content {
        try CBORReader.read(data, at: dataOffset) { (reader) throws(BundleError) in
            let content = try read(&reader)
            try reader.expectEnd()
            return content
        }
    }

    /// Reads the data of a block that may be ours: nil, and its end is not looked at, if it is not.
    func own<Content>(
        _ read: (inout CBORReader) throws(BundleError) -> Content?
    ) throws(BundleError) -> Content? {
        try CBORReader.read(data, at: dataOffset) { (reader) throws(BundleError) in
            guard let content = try read(&reader) else { return nil }
            try reader.expectEnd()
            return content
        }
    }
}
