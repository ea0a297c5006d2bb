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

    func header(of dispatch: Dispatch, now: RelayTime) throws(BundleError) -> HeaderOctets {
        // The bundle went on ageing while it waited for its turn on the session.
        var changes = HeaderChanges(previousNode: node, age: dispatch.age + now.since(dispatch.decided))
        changes.copy = dispatch.document == nil ? nil : dispatch.copy
        changes.setsNames = dispatch.document != nil
        changes.formerName = dispatch.formerName
        changes.isReturn = dispatch.isReturn
        changes.removesFeatures = !dispatch.tellsFeatures
        if dispatch.header.isEmpty { return try made(for: dispatch, changes) }
        if dispatch.piece == nil,
            let header = try HeaderOctets.forwarded(dispatch.header, payloadLength: dispatch.payloadLength, changes)
        {
            return header
        }
        let header = try forwarded(dispatch, age: changes.age)
        guard header.payload.length == dispatch.payloadLength else {
            throw BundleError(.badFragment, "the stored header is of another payload")
        }
        return HeaderOctets(header)
    }

    /// By the whole header as a value.
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

    private func made(for dispatch: Dispatch, _ changes: HeaderChanges) throws(BundleError) -> HeaderOctets {
        let isRecord = dispatch.kind == .administrative
        let primary = PrimaryBlock(
            flags: isRecord ? .isAdministrativeRecord : [], destination: destination(of: dispatch),
            source: dispatch.bundle.source, reportTo: dispatch.bundle.source,
            creationTime: dispatch.bundle.creationTime, sequence: dispatch.bundle.sequence,
            lifetime: dispatch.lifetime,
            fragment: dispatch.piece.map { FragmentPlace(offset: $0.offset, totalLength: $0.total) })
        var changes = changes
        changes.copy = dispatch.copy
        // A document is checked by the digest in its block; nothing else guards a record.
        let payload = try PayloadHead(crcType: isRecord ? .crc32c : .none, length: dispatch.payloadLength)
        return try HeaderOctets.made(
            primary, hopLimit: hopLimit, document: dispatch.document,
            features: isRecord && dispatch.tellsFeatures ? Feature.own : [], changes, payload: payload)
    }

    private func destination(of dispatch: Dispatch) -> EndpointID {
        guard let document = dispatch.document else { return dispatch.destination }
        guard document.recipients.count == 1 else { return Self.agenciesEndpoint }
        return .dtn(document.recipients[0].text + "/edoc")
    }
}
