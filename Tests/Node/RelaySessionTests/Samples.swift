// Samples: dispatches and raw bundles for the tests.

import BundleProtocol
import NIOCore
import OpenSSLTLS
import RelayEngine
import RelayModel
import RelaySession
import TCPCL

@testable import RelayCore

enum Sample {
    static func code(_ text: String) -> AgencyCode { AgencyCode(text)! }

    static func digest(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { SHA256Hasher.digest(of: $0) } }

    static func document(_ payload: [UInt8], to recipients: [String] = ["H29"]) -> DocumentDescription {
        DocumentDescription(
            sender: code("G22"), recipients: recipients.map(code), urgency: .urgent, documentID: "42/VPCP",
            payloadLength: UInt64(payload.count), digest: digest(payload))
    }

    static func bundleID(_ number: UInt64, source: String = "a") -> BundleID {
        BundleID(source: NodeID(name: source)!.endpoint, creationTime: 800_000_000_000, sequence: 7 << 32 | number)
    }

    /// A document that was submitted at `side`, whose payload lies in the extent of its number.
    static func dispatch(
        _ number: UInt64, _ payload: [UInt8], at side: Side, to recipients: [String] = ["H29"],
        piece: PieceRange? = nil, header: [UInt8] = [], now: RelayTime = RelayTime(milliseconds: 1_000_000)
    ) -> Dispatch {
        side.extents[number] = payload
        let range = piece.map { ($0.offset, $0.length) } ?? (0, UInt64(payload.count))
        return Dispatch(
            ticket: Ticket(number), session: Ticket(1), peer: NodeID(name: "b")!, number: number,
            bundle: bundleID(number), kind: .document, lifetime: .days(30), age: .seconds(5), decided: now,
            header: header, document: document(payload, to: recipients),
            copy: CopyDescription(
                recipients: recipients.map(code),
                path: [PathStop(node: NodeID(name: "a")!, time: WallTime(milliseconds: 800_000_000_000))]),
            destination: .none, piece: piece,
            payload: [ExtentRange(extent: number, offset: range.0, length: range.1)], payloadLength: range.1,
            urgency: .urgent)
    }

    static func record(
        _ number: UInt64, _ payload: [UInt8], at side: Side, destination: String = "dtn://b/", piece: PieceRange? = nil
    ) -> Dispatch {
        var dispatch = dispatch(number, payload, at: side, piece: piece)
        dispatch.kind = .administrative
        dispatch.document = nil
        dispatch.copy = nil
        dispatch.destination = EndpointID(text: destination)!
        return dispatch
    }

    static func row(_ number: UInt64) -> ReportRow {
        ReportRow(
            bundle: bundleID(number, source: "b"), recipient: code("H29"), state: .delivered,
            time: WallTime(milliseconds: 800_000_100_000), reason: .none,
            path: [PathStop(node: NodeID(name: "a")!, time: WallTime(milliseconds: 800_000_100_000))])
    }

    /// A foreign bundle as octets.
    static func foreign(
        _ number: UInt64, _ payload: [UInt8], blocks: [CanonicalBlock] = [], flags: BundleFlags = [],
        crc: CRCType = .crc32c, primaryCRC: CRCType = .crc32c, fragment: FragmentPlace? = nil,
        destination: String = "dtn://c/x"
    ) throws -> ByteBuffer {
        let header = try BundleHeader(
            primary: PrimaryBlock(
                flags: flags, crcType: primaryCRC, destination: EndpointID(text: destination)!,
                source: EndpointID(text: "dtn://f/app")!, reportTo: EndpointID(text: "dtn://f/app")!,
                creationTime: 800_000_000_000, sequence: number, lifetime: .days(1), fragment: fragment),
            blocks: blocks, payload: PayloadHead(crcType: crc, length: UInt64(payload.count)))
        var buffer = ByteBuffer()
        WholeBundle(header: header, payload: ByteBuffer(bytes: payload)).encode(into: &buffer)
        return buffer
    }
}

/// A peer that speaks the session protocol and sends any octets as a transfer.
final class RawPeer {
    var machine: SessionMachine
    var effects = SessionEffects()
    var events: [SessionEvent] = []
    let side: Side
    let now = RelayTime(milliseconds: 1_000_000)

    /// Dials `side`.
    init(_ side: Side, name: String = "a", segmentBytesMax: Int = 1_000) {
        self.side = side
        var configuration = SessionConfiguration(role: .active, tls: .forbidden, nodeID: NodeID(name: name)!)
        configuration.segmentBytesMax = segmentBytesMax
        machine = SessionMachine(configuration)
        machine.start(now: now.milliseconds, &effects)
        side.start(now)
        run()
    }

    func run() {
        var isBusy = true
        while isBusy {
            isBusy = false
            events += effects.takeEvents()
            for buffer in effects.output.take() {
                isBusy = true
                side.receive(buffer, now)
            }
            if side.wire.readableBytes > 0 {
                isBusy = true
                var bytes = side.wire
                side.wire = ByteBuffer()
                machine.feed(&bytes, now: now.milliseconds, &effects)
            }
        }
    }

    /// Sends octets as one transfer and says how it was answered.
    func transfer(_ octets: ByteBuffer) throws -> SessionEvent? {
        events = []
        let id = try machine.beginTransfer(totalLength: UInt64(octets.readableBytes))
        machine.sendBytes(id, octets, isEnd: true, now: now.milliseconds, &effects)
        run()
        return events.last {
            switch $0 {
            case .transferAcknowledged(id, _, isEnd: true), .transferRefused(id, _): true
            default: false
            }
        }
    }

    func isTaken(_ octets: ByteBuffer) throws -> Bool {
        if case .transferAcknowledged = try transfer(octets) { return true }
        return false
    }

    func refusal(_ octets: ByteBuffer) throws -> TransferRefusalReason? {
        if case .transferRefused(_, let reason) = try transfer(octets) { return reason }
        return nil
    }
}
