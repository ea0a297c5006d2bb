// HeaderDraft: the header of a bundle that leaves, written straight into its octets: of one that was received only the blocks that each
// hop changes are made anew, the others go on as they lie (RFC 9171, 5.4). `BundleHeader` says the same of headers as values; this is what
// a node does for every bundle that it sends. A value on the caller's stack. Fails with a BundleError.

import NIOCore
import RelayModel

/// A header as it goes onto the wire.
public struct HeaderOctets: Sendable {
    /// Everything before the payload's first octet.
    public let octets: ByteBuffer
    public let payload: PayloadHead

    /// Octets of the whole bundle: header, payload and trailer.
    public var bundleLength: UInt64 { UInt64(octets.readableBytes) + payload.length + UInt64(payload.trailerLength) }

    public init(_ header: BundleHeader) {
        var octets = ByteBufferAllocator().buffer(capacity: header.encodedLength)
        header.encode(into: &octets)
        self.init(octets: octets, payload: header.payload)
    }

    init(octets: ByteBuffer, payload: PayloadHead) {
        self.octets = octets
        self.payload = payload
    }

    /// Read back, for who watches.
    public func read() throws(BundleError) -> BundleHeader { try BundleHeader(complete: octets) }
}

/// What the next hop is to be told.
public struct HeaderChanges {
    public var previousNode: NodeID
    public var age: Milliseconds
    /// Nil: a copy block that is there stays as it is.
    public var copy: CopyDescription?
    /// Whether the blocks 242 and 243 are this node's to set; of bundles of others they stay as they are.
    public var setsNames = false
    public var formerName: BundleID?
    public var isReturn = false
    /// The block that says what the source of a record understands is taken out.
    public var removesFeatures = false

    public init(previousNode: NodeID, age: Milliseconds) {
        self.previousNode = previousNode
        self.age = age
    }
}

struct HeaderDraft {
    private struct Block {
        var type: BlockType
        var number: UInt64
        var flags: BlockFlags = .mustBeReplicated
        var crcType: CRCType = .crc32c
        /// Where it lies among the received octets; nil: it is made anew.
        var received: Range<Int>?
        var change: Change?
        /// It is of a type of ours and somebody else's.
        var isForeign = false
        /// It is taken out.
        var isDropped = false
    }

    /// What a block that is made anew holds.
    private enum Change {
        case data([UInt8])
        case hops(HopCount)
        case endpoint(EndpointID)
        case number(UInt64)
    }

    private var blocks: [Block] = []
    private var octets: [UInt8] = []

    // MARK: Of a received header

    /// The header for the next hop of a bundle that was received whole; nil where that needs the whole header as a value: a piece, a length
    /// of its own, or blocks under a security block.
    static func forwarded(
        _ stored: [UInt8], payloadLength: UInt64, _ changes: HeaderChanges
    ) throws(BundleError) -> HeaderOctets? {
        let received = ByteBuffer(bytes: stored)
        return try CBORReader.read(received) { (reader) throws(BundleError) in
            var draft = HeaderDraft()
            draft.octets.reserveCapacity(stored.count + 96)
            draft.blocks.reserveCapacity(8)
            try reader.readBundleStart()
            let primary = reader.position
            guard try !reader.passPrimary().contains(.isFragment) else { return nil }
            draft.octets.append(octet: CBOR.indefiniteArray)
            draft.octets.append(octets: reader.octets(from: primary))
            while true {
                let start = reader.position
                let head = try BlockHead(from: &reader)
                if head.type == .payload {
                    let payload = try PayloadHead(head, startedAt: start, from: &reader)
                    try reader.expectEnd()
                    guard payload.length == payloadLength else { return nil }
                    try draft.finish(changes, reader.whole)
                    draft.octets.append(buffer: payload.encoded)
                    return HeaderOctets(octets: ByteBuffer(bytes: draft.octets), payload: payload)
                }
                guard try draft.pass(head, startedAt: start, &reader, changes) else { return nil }
            }
        }
    }

    /// Takes up one received block; false where the whole header has to be read.
    private mutating func pass(
        _ head: BlockHead, startedAt start: Int, _ reader: inout CBORReader, _ changes: HeaderChanges
    ) throws(BundleError) -> Bool {
        if head.type == .confidentiality || head.type == .integrity { return false }
        let length = try reader.readBytesHead()
        let first = reader.position
        try reader.skip(length)
        let last = reader.position
        if head.crcType != .none { _ = try reader.readChecksumField(head.crcType) }
        try reader.closeArray(head.end)
        var block = Block(
            type: head.type, number: head.number, flags: head.flags, crcType: head.crcType,
            received: start..<reader.position)
        let after = reader.position
        reader.seek(to: first)
        switch head.type {
        case .hopCount:
            let hops = try HopCount(from: &reader).next
            guard !hops.isExceeded else {
                throw BundleError(
                    .hopLimitExceeded, "the bundle has made \(hops.limit) hops already (RFC 9171, 4.4.3)")
            }
            block.change = .hops(hops)
        case .copy where changes.copy != nil:
            block.isForeign = !PrivateMark.isOurs(&reader)
        case .formerName where changes.setsNames, .returned where changes.setsNames,
            .features where changes.removesFeatures:
            block.isDropped = PrivateMark.isOurs(&reader)
        default: break
        }
        guard reader.position <= last else { return false }
        reader.seek(to: after)
        blocks.append(block)
        return true
    }

    /// Writes the blocks, changed or as they came.
    private mutating func finish(_ changes: HeaderChanges, _ received: UnsafeRawBufferPointer) throws(BundleError) {
        set(.previousNode, .endpoint(changes.previousNode.endpoint))
        set(.bundleAge, .number(changes.age.count))
        if let copy = changes.copy { set(.copy, .data(try copy.encoded())) }
        if changes.setsNames {
            blocks.removeAll { $0.isDropped && $0.type != .features }
            if let former = changes.formerName { add(.formerName, .data(CanonicalBlock.formerNameData(former))) }
            if changes.isReturn { add(.returned, .data(CanonicalBlock.returnedData())) }
        }
        blocks.removeAll(where: \.isDropped)
        guard blocks.count <= BundleHeader.blocksMax else {
            throw BundleError(.limitExceeded, "no room is left for the blocks of this hop")
        }
        for block in blocks { write(block, received) }
    }

    /// Replaces the data of the first block of a type, or adds one.
    private mutating func set(_ type: BlockType, _ change: Change) {
        guard let place = blocks.firstIndex(where: { $0.type == type && !$0.isForeign }) else {
            return add(type, change)
        }
        blocks[place].change = change
    }

    private mutating func add(_ type: BlockType, _ change: Change) {
        var number = PayloadHead.number + 1
        while blocks.contains(where: { $0.number == number }) { number += 1 }
        blocks.append(Block(type: type, number: number, change: change))
    }

    private mutating func write(_ block: Block, _ received: UnsafeRawBufferPointer) {
        guard let change = block.change else {
            if let range = block.received { octets.append(octets: UnsafeRawBufferPointer(rebasing: received[range])) }
            return
        }
        let start = octets.count
        BlockHead(type: block.type, number: block.number, flags: block.flags, crcType: block.crcType, end: .isCounted)
            .encode(into: &octets)
        switch change {
        case .data(let data): octets.writeCBOR(bytes: data)
        case .hops(let hops):
            octets.writeCBOR(bytesHead: UInt64(hops.encodedLength))
            hops.encode(into: &octets)
        case .number(let number):
            octets.writeCBOR(bytesHead: UInt64(CBOR.headLength(number)))
            octets.writeCBOR(unsigned: number)
        case .endpoint(let endpoint):
            // Its length stands before it and is known behind it: nearly always one octet.
            var data: [UInt8] = []
            data.reserveCapacity(64)
            data.writeCBOR(endpoint: endpoint)
            octets.writeCBOR(bytes: data)
        }
        octets.writeChecksumOfBlock(block.crcType, from: start)
    }

    // MARK: Of a bundle that begins here

    /// The header of a bundle of this node's, at its first hop.
    static func made(
        _ primary: PrimaryBlock, hops: HopCount, document: DocumentDescription?, features: [Feature],
        _ changes: HeaderChanges, payload: PayloadHead
    ) throws(BundleError) -> HeaderOctets {
        var draft = HeaderDraft()
        draft.octets.reserveCapacity(512)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        draft.octets.append(octet: CBOR.indefiniteArray)
        draft.octets.append(buffer: primary.encoded)
        draft.write(
            Block(type: .previousNode, number: 2, change: .endpoint(changes.previousNode.endpoint)), none)
        draft.write(Block(type: .bundleAge, number: 3, change: .number(changes.age.count)), none)
        draft.write(Block(type: .hopCount, number: 4, change: .hops(hops)), none)
        var number: UInt64 = 5
        func next() -> UInt64 {
            defer { number += 1 }
            return number
        }
        if let document {
            draft.write(
                Block(type: .document, number: next(), change: .data(try document.encoded())), none)
        }
        if let copy = changes.copy {
            draft.write(Block(type: .copy, number: next(), change: .data(try copy.encoded())), none)
        }
        if changes.setsNames {
            if let former = changes.formerName {
                draft.write(
                    Block(
                        type: .formerName, number: next(), change: .data(CanonicalBlock.formerNameData(former))),
                    none)
            }
            if changes.isReturn {
                draft.write(
                    Block(type: .returned, number: next(), change: .data(CanonicalBlock.returnedData())), none)
            }
        }
        if !features.isEmpty {
            draft.write(
                Block(
                    type: .features, number: next(), flags: [], change: .data(CanonicalBlock.featuresData(features))),
                none)
        }
        draft.octets.append(buffer: payload.encoded)
        return HeaderOctets(octets: ByteBuffer(bytes: draft.octets), payload: payload)
    }
}

extension HeaderOctets {
    /// See `HeaderDraft.forwarded`.
    public static func forwarded(
        _ stored: [UInt8], payloadLength: UInt64, _ changes: HeaderChanges
    ) throws(BundleError) -> HeaderOctets? {
        try HeaderDraft.forwarded(stored, payloadLength: payloadLength, changes)
    }

    /// The header of a bundle that begins here, at its first hop (RFC 9171, 4.4.3: the hops are counted at each).
    /// - Parameter features: What this node understands, in a record for one that is told; else empty.
    public static func made(
        _ primary: PrimaryBlock, hopLimit: UInt8, document: DocumentDescription?, features: [Feature] = [],
        _ changes: HeaderChanges, payload: PayloadHead
    ) throws(BundleError) -> HeaderOctets {
        try HeaderDraft.made(
            primary, hops: HopCount(limit: hopLimit, count: 1), document: document, features: features, changes,
            payload: payload)
    }
}
