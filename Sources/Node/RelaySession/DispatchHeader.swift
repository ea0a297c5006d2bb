// DispatchHeader: the header with which a dispatch leaves: made from the received one, or from scratch for what began here. Pure.
// Fails with a BundleError: the stored header is damaged, the hops are used up, or the piece does not fit the bundle.

import BundleProtocol
import NIOCore
import RelayCore
import RelayModel

struct DispatchHeader {
    /// This node, as the peer knows it.
    let node: NodeID
    let hopLimit: UInt8

    /// The destination of a document for several agencies (docs/protocol.md).
    static let agenciesEndpoint = EndpointID.dtn("edoc/~agencies")

    func header(of dispatch: Dispatch, now: RelayTime) throws(BundleError) -> BundleHeader {
        // The bundle went on ageing while it waited for its turn on the session.
        let age = dispatch.age + now.since(dispatch.decided)
        let header =
            dispatch.header.isEmpty
            ? try made(for: dispatch, age: age) : try forwarded(dispatch, age: age)
        guard header.payload.length == dispatch.payloadLength else {
            throw BundleError(.badFragment, "the stored header is of another payload")
        }
        return header
    }

    private func forwarded(_ dispatch: Dispatch, age: Milliseconds) throws(BundleError) -> BundleHeader {
        var octets = ByteBuffer(bytes: dispatch.header)
        var parser = BundleHeaderParser()
        guard case .header(let stored, _) = try parser.parse(&octets), octets.readableBytes == 0 else {
            throw BundleError(.truncated, "the stored header is not whole")
        }
        var header = try placed(stored, dispatch)
        try header.prepareForForwarding(
            previousNode: node, age: age, copy: dispatch.document == nil ? nil : dispatch.copy)
        if dispatch.document != nil { try header.setNames(former: dispatch.formerName, isReturn: dispatch.isReturn) }
        if !dispatch.tellsFeatures { header.removeFeatures() }
        return header
    }

    /// The header for the part of the document that is sent: the received one may be that of the whole or of another piece.
    private func placed(_ header: BundleHeader, _ dispatch: Dispatch) throws(BundleError) -> BundleHeader {
        let place = dispatch.piece.map { FragmentPlace(offset: $0.offset, totalLength: $0.total) }
        if header.primary.fragment == place, header.payload.length == dispatch.payloadLength { return header }
        guard place == nil || !header.primary.flags.contains(.mustNotBeFragmented) else {
            throw BundleError(.badFragment, "the bundle must not be fragmented (RFC 9171, 4.2.3)")
        }
        // RFC 9171, 5.8: all blocks go with offset zero, those whose flag says so with every fragment.
        let isFirst = place.map { $0.offset == 0 } ?? true
        return try BundleHeader(
            primary: header.primary.with(fragment: place),
            blocks: header.blocks.filter { isFirst || $0.flags.contains(.mustBeReplicated) },
            payload: PayloadHead(
                flags: header.payload.flags, crcType: header.payload.crcType, length: dispatch.payloadLength))
    }

    private func made(for dispatch: Dispatch, age: Milliseconds) throws(BundleError) -> BundleHeader {
        let isRecord = dispatch.kind == .administrative
        let primary = PrimaryBlock(
            flags: isRecord ? .isAdministrativeRecord : [], destination: destination(of: dispatch),
            source: dispatch.bundle.source, reportTo: dispatch.bundle.source,
            creationTime: dispatch.bundle.creationTime, sequence: dispatch.bundle.sequence,
            lifetime: dispatch.lifetime,
            fragment: dispatch.piece.map { FragmentPlace(offset: $0.offset, totalLength: $0.total) })
        // RFC 9171, 4.4.3: counted at each hop; this is the first.
        var blocks: [CanonicalBlock] = [
            .previousNode(node, number: 2), .bundleAge(age, number: 3),
            .hopCount(try HopCount(limit: hopLimit, count: 1), number: 4),
        ]
        if let document = dispatch.document { blocks.append(try .document(document, number: 5)) }
        if let copy = dispatch.copy { blocks.append(try .copy(copy, number: 6)) }
        // A document is checked by the digest in its block; nothing else guards a record.
        var header = try BundleHeader(
            primary: primary, blocks: blocks,
            payload: PayloadHead(crcType: isRecord ? .crc32c : .none, length: dispatch.payloadLength))
        if dispatch.document != nil { try header.setNames(former: dispatch.formerName, isReturn: dispatch.isReturn) }
        if isRecord, dispatch.tellsFeatures { try header.setFeatures(Feature.own) }
        return header
    }

    private func destination(of dispatch: Dispatch) -> EndpointID {
        guard let document = dispatch.document else { return dispatch.destination }
        guard document.recipients.count == 1 else { return Self.agenciesEndpoint }
        return .dtn(document.recipients[0].text + "/edoc")
    }
}
