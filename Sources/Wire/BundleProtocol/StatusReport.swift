// StatusReport: the bundle status report of the RFC (6.1.1), for foreign envelopes that ask for one. A value; reading
// fails with a BundleError.

import NIOCore
import RelayModel

public struct StatusReport: Hashable, Sendable {
    /// One of the four assertions.
    public enum Status: Hashable, Sendable {
        case notAsserted
        /// With the time, if the subject bundle asked for times.
        case asserted(at: WallTime?)
    }

    /// The piece that is reported on (items 5 and 6).
    public struct Piece: Hashable, Sendable {
        public var offset: UInt64
        public var length: UInt64
        public init(offset: UInt64, length: UInt64) {
            self.offset = offset
            self.length = length
        }
    }

    public var received: Status
    public var forwarded: Status
    public var delivered: Status
    public var deleted: Status
    public var reason: ReportReason
    public var bundle: BundleID
    /// Not nil if and only if the subject bundle is a fragment.
    public var piece: Piece?

    public init(
        received: Status = .notAsserted, forwarded: Status = .notAsserted, delivered: Status = .notAsserted,
        deleted: Status = .notAsserted, reason: ReportReason, bundle: BundleID, piece: Piece? = nil
    ) {
        self.received = received
        self.forwarded = forwarded
        self.delivered = delivered
        self.deleted = deleted
        self.reason = reason
        self.bundle = bundle
        self.piece = piece
    }

    /// More kinds of status than the four may come in future; beyond this number they are an attack.
    static let statusItemsMax = 16

    init(from reader: inout CBORReader) throws(BundleError) {
        let count = try reader.readArrayHead()
        guard count == nil || count == 4 || count == 6 else {
            throw reader.failure(.badRecord, "a status report has neither 4 nor 6 items (RFC 9171, 6.1.1)")
        }
        var statuses = try reader.openList(countMax: Self.statusItemsMax)
        received = try Self.readStatus(&statuses, &reader)
        forwarded = try Self.readStatus(&statuses, &reader)
        delivered = try Self.readStatus(&statuses, &reader)
        deleted = try Self.readStatus(&statuses, &reader)
        // RFC 9171, 6.1.1: at least four elements.
        while try statuses.hasNext(&reader) { try reader.skipItem() }
        reason = ReportReason(rawValue: try reader.readUnsigned())
        let source = try reader.readEndpointID()
        let (time, sequence) = try reader.readTimestamp()
        bundle = BundleID(source: source, creationTime: time, sequence: sequence)
        var hasPiece = count == 6
        if count == nil { hasPiece = try !reader.readBreak() }
        if hasPiece {
            let offset = try reader.readUnsigned()
            piece = Piece(offset: offset, length: try reader.readUnsigned())
            if count == nil { try reader.closeArray(.needsBreak) }
        }
    }

    private static func readStatus(
        _ statuses: inout CBORList, _ reader: inout CBORReader
    ) throws(BundleError) -> Status {
        guard try statuses.hasNext(&reader) else {
            throw reader.failure(.badRecord, "a status report has fewer than four statuses (RFC 9171, 6.1.1)")
        }
        var item = try reader.openList(countMax: 2)
        guard try item.hasNext(&reader) else {
            throw reader.failure(.badRecord, "a status has no indicator (RFC 9171, 6.1.1)")
        }
        let isAsserted = try reader.readBool()
        guard try item.hasNext(&reader) else { return isAsserted ? .asserted(at: nil) : .notAsserted }
        let time = WallTime(milliseconds: try reader.readUnsigned())
        // RFC 9171, 6.1.1: a time only beside a status that is asserted.
        guard isAsserted else {
            throw reader.failure(.badRecord, "a status that is not asserted has a time (RFC 9171, 6.1.1)")
        }
        guard try !item.hasNext(&reader) else {
            throw reader.failure(.badRecord, "a status has more than two items (RFC 9171, 6.1.1)")
        }
        return .asserted(at: time)
    }

    /// The whole record, ready to be a payload.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeCBOR(arrayOf: 2)
        buffer.writeCBOR(unsigned: AdministrativeRecord.statusReportType)
        buffer.writeCBOR(arrayOf: piece == nil ? 4 : 6)
        buffer.writeCBOR(arrayOf: 4)
        for status in [received, forwarded, delivered, deleted] {
            switch status {
            case .notAsserted:
                buffer.writeCBOR(arrayOf: 1)
                buffer.writeCBOR(bool: false)
            case .asserted(nil):
                buffer.writeCBOR(arrayOf: 1)
                buffer.writeCBOR(bool: true)
            case .asserted(let time?):
                buffer.writeCBOR(arrayOf: 2)
                buffer.writeCBOR(bool: true)
                buffer.writeCBOR(unsigned: time.milliseconds)
            }
        }
        buffer.writeCBOR(unsigned: reason.rawValue)
        buffer.writeCBOR(endpoint: bundle.source)
        buffer.writeCBOR(time: bundle.creationTime, sequence: bundle.sequence)
        if let piece {
            buffer.writeCBOR(unsigned: piece.offset)
            buffer.writeCBOR(unsigned: piece.length)
        }
    }
}
