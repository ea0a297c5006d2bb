// SampleBundle: a document as a node of this make would send it, with every field open to be wrong.

import BundleProtocol
import Foundation
import NIOCore
import OpenSSLTLS
import RelayModel

public struct SampleBundle {
    public var source = "vpcp"
    public var sender = "G22"
    public var recipients = ["H29"]
    /// The recipients in the document block; those of the copy unless set.
    public var allRecipients: [String]?
    /// Sequence number; drawn anew for each value.
    public var sequence: UInt64
    public var created: UInt64
    public var lifetime = Milliseconds.days(30)
    public var age: Milliseconds? = Milliseconds(5)
    public var hops: (limit: UInt8, count: UInt64)? = (32, 1)
    public var path: [String] = ["vpcp"]
    public var payload: [UInt8]
    /// The payload's length and digest in the document block; the true ones unless set.
    public var claimedLength: UInt64?
    public var claimedDigest: Digest?
    public var documentID = "1907/TTg-KGVX"
    public var extraBlocks: [CanonicalBlock] = []

    public init(_ change: (inout SampleBundle) -> Void = { _ in }) {
        sequence = UInt64(0x1234_5678) << 32 | UInt64(UInt32.random(in: 1...(.max)))
        created = Self.now
        payload = Array("Kính gửi: Ủy ban nhân dân Thành phố Hồ Chí Minh \(sequence)".utf8)
        change(&self)
    }

    /// DTN time.
    public static var now: UInt64 {
        UInt64((Date().timeIntervalSince1970 - Double(WallTime.unixSecondsAtEpoch)) * 1_000)
    }

    public var bundleID: BundleID { BundleID(source: node(source), creationTime: created, sequence: sequence) }

    private func node(_ name: String) -> EndpointID { NodeID(name: name)!.endpoint }

    public func bundle() throws -> WholeBundle {
        let codes = recipients.compactMap(AgencyCode.init)
        let all = (allRecipients ?? recipients).compactMap(AgencyCode.init)
        let digest = payload.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
        let description = DocumentDescription(
            sender: AgencyCode(sender)!, recipients: all, urgency: .normal, documentID: documentID,
            payloadLength: claimedLength ?? UInt64(payload.count), digest: claimedDigest ?? digest)
        let stops = path.map { PathStop(node: NodeID(name: $0)!, time: WallTime(milliseconds: created)) }
        let destination = all.count == 1 ? "dtn://\(all[0])/edoc" : "dtn://edoc/~agencies"
        let primary = PrimaryBlock(
            destination: EndpointID(text: destination)!, source: node(source), reportTo: node(source),
            creationTime: created, sequence: sequence, lifetime: lifetime)
        var header = try BundleHeader(
            primary: primary, hopCount: try hops.map { try HopCount(limit: $0.limit, count: $0.count) }, age: age,
            document: description, copy: CopyDescription(recipients: codes, path: stops),
            payloadLength: UInt64(payload.count))
        if !extraBlocks.isEmpty {
            header = try BundleHeader(primary: primary, blocks: header.blocks + extraBlocks, payload: header.payload)
        }
        return WholeBundle(header: header, payload: ByteBuffer(bytes: payload))
    }

    public func octets() throws -> ByteBuffer {
        var octets = ByteBuffer()
        try bundle().encode(into: &octets)
        return octets
    }

    /// A report record, as `source` sends it.
    public static func report(_ rows: [ReportRow], from source: String, to destination: String) throws -> WholeBundle {
        var payload = ByteBuffer()
        try ReportRecord.encode(rows, into: &payload)
        let sequence = UInt64(0x1234_5678) << 32 | UInt64(UInt32.random(in: 1...(.max)))
        let primary = PrimaryBlock(
            flags: .isAdministrativeRecord, destination: NodeID(name: destination)!.endpoint,
            source: NodeID(name: source)!.endpoint, reportTo: .none, creationTime: now, sequence: sequence,
            lifetime: .days(30))
        let header = try BundleHeader(
            primary: primary, hopCount: try HopCount(limit: 32), age: .zero,
            payloadLength: UInt64(payload.readableBytes))
        return WholeBundle(header: header, payload: payload)
    }
}
