// BundleForwarding: what a node changes in a header before it sends the bundle on, and the headers of pieces and
// wholes. Changes to a value; the primary block and blocks of others keep their octets. Fails with a BundleError, and
// then the header is as before.

import NIOCore
import RelayModel

extension BundleHeader {
    /// What the flags of the blocks that this program does not process demand (RFC 9171, 5.6, step 4).
    public struct Demands: Hashable, Sendable {
        /// The bundle must be deleted as *block unsupported*.
        public var deletesBundle = false
        /// A reception report as *block unsupported* is asked for.
        public var wantsReport = false
        /// The numbers of the blocks to remove before the bundle goes on.
        public var discardedBlocks: [UInt64] = []
    }

    public var demands: Demands {
        var demands = Demands()
        for block in blocks where unprocessed.contains(block.number) {
            if block.flags.contains(.reportIfUnprocessed) { demands.wantsReport = true }
            if block.flags.contains(.deleteBundleIfUnprocessed) {
                demands.deletesBundle = true
            } else if block.flags.contains(.discardIfUnprocessed) {
                demands.discardedBlocks.append(block.number)
            }
        }
        // RFC 9171, 4.2.4: no reports about records and anonymous bundles, whatever a block says.
        if primary.flags.contains(.isAdministrativeRecord) || primary.hasNullSource { demands.wantsReport = false }
        return demands
    }

    /// Removes the blocks that must not go on unprocessed (RFC 9171, 5.6, step 4).
    public mutating func discardUnprocessedBlocks() {
        let discarded = demands.discardedBlocks
        guard !discarded.isEmpty else { return }
        blocks.removeAll { discarded.contains($0.number) }
        unprocessed.removeAll { discarded.contains($0) }
    }

    /// Makes the header what the next hop gets (RFC 9171, 5.4, step 4): the previous node replaced (or, for nil,
    /// removed), the age set, the hops counted, and the copy block replaced if one is given. Age and copy blocks are
    /// added where they are missing; the hop count is not, since its limit is the source's to choose. A block that
    /// somebody encrypted is left as it is.
    public mutating func prepareForForwarding(
        previousNode node: NodeID?, age newAge: Milliseconds, copy newCopy: CopyDescription? = nil
    ) throws(BundleError) {
        let hops = hopCount?.next
        // RFC 9171, 4.4.3: a bundle whose count exceeds its limit is deleted.
        if let hops, hops.isExceeded {
            throw BundleError(.hopLimitExceeded, "the bundle has made \(hops.limit) hops already (RFC 9171, 4.4.3)")
        }
        let copyData = try newCopy.map { (copy) throws(BundleError) in try copy.encoded() }
        let needed: [Bool] = [
            node != nil && !has(.previousNode), !has(.bundleAge), newCopy != nil && copy == nil,
        ]
        guard blocks.count + needed.count(where: \.self) <= Self.blocksMax else {
            throw BundleError(.limitExceeded, "no room is left for the blocks of this hop")
        }
        // RFC 9171, 5.4: the block of the last hop MUST be removed, whether it can be read or not.
        if node == nil || isOpaque(.previousNode) { removePreviousNode() }
        if let node {
            set(.previousNode, data: CanonicalBlock.previousNodeData(node))
            previousNode = node.endpoint
        }
        if !isOpaque(.bundleAge) {
            set(.bundleAge, data: CanonicalBlock.ageData(newAge))
            age = newAge
        }
        if let hops {
            set(.hopCount, data: hops.data)
            hopCount = hops
        }
        if let copyData {
            set(.copy, data: ByteBuffer(bytes: copyData))
            copy = newCopy
        }
    }

    private func has(_ type: BlockType) -> Bool { blocks.contains { $0.type == type } }

    private mutating func removePreviousNode() {
        let removed = blocks.filter { $0.type == .previousNode }.map(\.number)
        blocks.removeAll { $0.type == .previousNode }
        unprocessed.removeAll { removed.contains($0) }
        previousNode = nil
    }

    /// True if a block of this type is here but cannot be read.
    private func isOpaque(_ type: BlockType) -> Bool {
        blocks.contains { $0.type == type && unprocessed.contains($0.number) }
    }

    /// Replaces the data of the block of this type that we process, or adds a block.
    private mutating func set(_ type: BlockType, data: ByteBuffer) {
        if let index = blocks.firstIndex(where: { $0.type == type && !unprocessed.contains($0.number) }) {
            blocks[index] = blocks[index].with(data: data)
            return
        }
        var number = PayloadHead.number + 1
        while blocks.contains(where: { $0.number == number }) { number += 1 }
        blocks.append(CanonicalBlock(type: type, number: number, flags: .mustBeReplicated, data: data))
    }

    /// The header of a piece of this bundle: `length` octets from `offset` of the whole application data unit
    /// (RFC 9171, 5.8).
    public func piece(offset: UInt64, length: UInt64) throws(BundleError) -> BundleHeader {
        guard !primary.flags.contains(.mustNotBeFragmented) else {
            throw BundleError(.badFragment, "the bundle must not be fragmented (RFC 9171, 4.2.3)")
        }
        let first = primary.fragment?.offset ?? 0
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow, offset >= first, end - first <= payload.length else {
            throw BundleError(.badFragment, "the piece does not lie inside the payload")
        }
        let place = FragmentPlace(offset: offset, totalLength: primary.fragment?.totalLength ?? payload.length)
        // RFC 9171, 5.8: all blocks go with offset zero, those whose flag says so with every fragment.
        return try BundleHeader(
            primary: primary.with(fragment: place),
            blocks: blocks.filter { offset == 0 || $0.flags.contains(.mustBeReplicated) },
            payload: PayloadHead(flags: payload.flags, crcType: payload.crcType, length: length))
    }

    /// The header of the whole, from the fragment with offset zero (RFC 9171, 5.9).
    public func whole() throws(BundleError) -> BundleHeader {
        guard let place = primary.fragment else { return self }
        guard place.offset == 0 else {
            throw BundleError(.badFragment, "only the fragment with offset zero has all blocks (RFC 9171, 5.9)")
        }
        return try BundleHeader(
            primary: primary.with(fragment: nil), blocks: blocks,
            payload: PayloadHead(flags: payload.flags, crcType: payload.crcType, length: place.totalLength))
    }
}
