// BundleHeader: everything of a bundle before its payload's first octet: the primary block, the extension blocks and
// the head of the payload block (RFC 9171, 4.1). A value; blocks that nobody changes keep the octets with which they
// came. Reading, and making one against the rules, fails with a BundleError; see BundleHeaderParser for reading from
// a stream.

import NIOCore
import RelayModel

public struct BundleHeader: Hashable, Sendable {
    public let primary: PrimaryBlock
    /// The extension blocks in their order on the wire.
    public internal(set) var blocks: [CanonicalBlock]
    public let payload: PayloadHead

    /// The node that the bundle came from (block 6), if it says so.
    public internal(set) var previousNode: EndpointID?
    /// The age when it was last forwarded (block 7).
    public internal(set) var age: Milliseconds?
    /// Block 10.
    public internal(set) var hopCount: HopCount?
    /// Our block 240.
    public internal(set) var document: DocumentDescription?
    /// Our block 241.
    public internal(set) var copy: CopyDescription?
    /// Our block 242: the name that the envelope had before.
    public internal(set) var formerName: BundleID?
    /// Our block 243 is here: the copy goes back along its path.
    public internal(set) var isReturn = false
    /// What the source of a record understands.
    public internal(set) var features: [Feature]?
    /// The numbers of the blocks that this program does not process, in ascending order.
    public internal(set) var unprocessed: [UInt64] = []

    /// Octets before the payload at most: two lists of 1,000 recipients fit three times over.
    public static let octetsMax = 256 * 1_024
    /// Extension blocks at most.
    public static let blocksMax = 64

    public init(primary: PrimaryBlock, blocks: [CanonicalBlock], payload: PayloadHead) throws(BundleError) {
        self.primary = primary
        self.blocks = blocks
        self.payload = payload
        try checkNumbers()
        try checkFragment()
        try readContents()
    }

    /// Reads a header that is complete: exactly the octets before the payload.
    init(complete octets: ByteBuffer) throws(BundleError) {
        self = try CBORReader.read(octets) { (reader) throws(BundleError) in try BundleHeader(from: &reader) }
    }

    private init(from reader: inout CBORReader) throws(BundleError) {
        try reader.readBundleStart()
        let primary = try PrimaryBlock(from: &reader)
        var blocks: [CanonicalBlock] = []
        blocks.reserveCapacity(8)
        while true {
            let start = reader.position
            let head = try BlockHead(from: &reader)
            if head.type == .payload {
                let payload = try PayloadHead(head, startedAt: start, from: &reader)
                try reader.expectEnd()
                try self.init(primary: primary, blocks: blocks, payload: payload)
                return
            }
            blocks.append(try CanonicalBlock(head, startedAt: start, from: &reader))
        }
    }

    /// The header of a new bundle of this make: hop count, age, document and copy blocks as given, numbered from 2.
    public init(
        primary: PrimaryBlock, hopCount: HopCount? = nil, age: Milliseconds? = nil,
        document: DocumentDescription? = nil,
        copy: CopyDescription? = nil, payloadLength: UInt64, payloadChecksum: CRCType = .none
    ) throws(BundleError) {
        var blocks: [CanonicalBlock] = []
        var number: UInt64 { UInt64(blocks.count) + 2 }
        if let hopCount { blocks.append(.hopCount(hopCount, number: number)) }
        if let age { blocks.append(.bundleAge(age, number: number)) }
        if let document { blocks.append(try .document(document, number: number)) }
        if let copy { blocks.append(try .copy(copy, number: number)) }
        try self.init(
            primary: primary, blocks: blocks,
            payload: PayloadHead(crcType: payloadChecksum, length: payloadLength))
    }

    /// Octets before the payload.
    public var encodedLength: Int {
        blocks.reduce(1 + primary.encoded.readableBytes + payload.encoded.readableBytes) {
            $0 + $1.encoded.readableBytes
        }
    }

    /// Octets of the whole bundle: header, payload and trailer.
    public var bundleLength: UInt64 { UInt64(encodedLength) + payload.length + UInt64(payload.trailerLength) }

    /// Writes all octets before the payload. The payload and the trailer (`BundleTrailer`) must follow.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: encodedLength)
        buffer.writeInteger(CBOR.indefiniteArray)
        buffer.writeImmutableBuffer(primary.encoded)
        for block in blocks { buffer.writeImmutableBuffer(block.encoded) }
        buffer.writeImmutableBuffer(payload.encoded)
    }

    /// All octets before the payload.
    public var octets: [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(encodedLength)
        octets.append(CBOR.indefiniteArray)
        primary.encoded.withUnsafeReadableBytes { octets.append(contentsOf: $0) }
        for block in blocks { block.encoded.withUnsafeReadableBytes { octets.append(contentsOf: $0) } }
        payload.encoded.withUnsafeReadableBytes { octets.append(contentsOf: $0) }
        return octets
    }

    // MARK: Rules

    private func checkNumbers() throws(BundleError) {
        guard blocks.count <= Self.blocksMax else {
            throw BundleError(.limitExceeded, "the bundle has more than \(Self.blocksMax) extension blocks")
        }
        for (index, block) in blocks.enumerated() {
            // RFC 9171, 4.1: the primary block's number is 0, the payload's 1, and no number occurs twice.
            guard block.number > PayloadHead.number, !blocks[..<index].contains(where: { $0.number == block.number })
            else {
                throw BundleError(
                    .badBlockNumber, at: block.dataOffset, "block number \(block.number) is taken (RFC 9171, 4.1)")
            }
            // RFC 9171, 4.4.1 to 4.4.3: at most one of each.
            switch block.type {
            case .previousNode, .bundleAge, .hopCount:
                guard !blocks[..<index].contains(where: { $0.type == block.type }) else { throw repeated(block) }
            default: break
            }
        }
    }

    private func checkFragment() throws(BundleError) {
        guard let place = primary.fragment else { return }
        let (end, overflow) = place.offset.addingReportingOverflow(payload.length)
        guard !overflow, end <= place.totalLength else {
            throw BundleError(.badFragment, "the fragment ends beyond its whole (RFC 9171, 4.3.1)")
        }
    }

    private mutating func readContents() throws(BundleError) {
        // RFC 9172, 3.8: the data of a block that a confidentiality block covers is ciphertext, not the block's
        // content.
        var encrypted: [UInt64] = []
        for block in blocks where block.type == .confidentiality { encrypted += block.securityTargets }
        for block in blocks {
            var isRead = false
            if !encrypted.contains(block.number) { isRead = try readContent(of: block) }
            if !isRead { unprocessed.append(block.number) }
        }
        unprocessed.sort()
    }

    /// False if the block is not one that this program processes.
    private mutating func readContent(of block: CanonicalBlock) throws(BundleError) -> Bool {
        switch block.type {
        case .previousNode:
            previousNode = try block.content { (reader) throws(BundleError) in try reader.readEndpointID() }
        case .bundleAge:
            age = Milliseconds(try block.content { (reader) throws(BundleError) in try reader.readUnsigned() })
        case .hopCount:
            hopCount = try block.content { (reader) throws(BundleError) in try HopCount(from: &reader) }
        case .document:
            guard
                let content = try block.own({ (reader) throws(BundleError) in try DocumentDescription(from: &reader) })
            else { return false }
            guard document == nil else { throw repeated(block) }
            document = content
        case .copy:
            guard let content = try block.own({ (reader) throws(BundleError) in try CopyDescription(from: &reader) })
            else { return false }
            guard copy == nil else { throw repeated(block) }
            copy = content
        case .formerName:
            guard let name = try block.readFormerName(of: primary.source) else { return false }
            guard formerName == nil else { throw repeated(block) }
            formerName = name
        case .returned:
            guard try block.readReturned() else { return false }
            guard !isReturn else { throw repeated(block) }
            isReturn = true
        case .features:
            guard let list = try block.readFeatures() else { return false }
            guard features == nil else { throw repeated(block) }
            features = list
        default: return false
        }
        return true
    }

    private func repeated(_ block: CanonicalBlock) -> BundleError {
        BundleError(
            .repeatedBlock, at: block.dataOffset, "a block of type \(block.type.rawValue) occurs twice (RFC 9171, 4.4)")
    }
}

extension CBORReader {
    /// The head of the outer array. RFC 9171, 4.1: it has an indefinite length. The clause lets an implementation
    /// transform definite arrays; this one does not, since no make is known to send them, and says so with a code of
    /// its own.
    mutating func readBundleStart() throws(BundleError) {
        switch try peek() {
        case CBOR.indefiniteArray: _ = try readArrayHead()
        case 0x80...0x9b:
            throw failure(.definiteOuterArray, "the bundle is an array of definite length (RFC 9171, 4.1)")
        case 0x06: throw failure(.unsupportedBundleVersion, "this looks like version 6 of the Bundle Protocol")
        default: throw failure(.notABundle, "the first octet does not begin a bundle")
        }
    }
}
