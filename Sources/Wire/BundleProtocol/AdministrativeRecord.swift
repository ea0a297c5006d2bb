// AdministrativeRecord: the payload of a bundle with the flag `isAdministrativeRecord` (RFC 9171, 6.1). A value.
// Reading fails with a BundleError; the caller bounds the octets before it collects them (`octetsMax`).

import NIOCore
import RelayModel

public enum AdministrativeRecord: Hashable, Sendable {
    case statusReport(StatusReport)
    /// Our own report record.
    case reports([ReportRow])
    /// What a neighbour, or one behind it, refuses.
    case refusals(RefusalNotice)
    /// A record of another type, or of our number but another project.
    case unknown(type: UInt64)

    /// No record of this make is longer: 500 rows with the longest paths that occur are far below.
    public static let octetsMax = 1_024 * 1_024

    static let statusReportType: UInt64 = 1
    /// The first of the private-use numbers (RFC 9713, 2).
    static let reportsType: UInt64 = 65_536
    static let refusalsType: UInt64 = 65_537
    /// Those of private use that this network gives to its own records, today's and later ones (docs/protocol.md).
    static let ownTypes: ClosedRange<UInt64> = 65_536...65_663

    /// Octets of a record that say its type, at most.
    public static let headOctetsMax = 10

    /// Whether a record with these first octets is one that this node hands on; nil: more of them are needed.
    public static func isHandedOn(head octets: ByteBuffer, isAll: Bool) -> Bool? {
        guard octets.readableBytes >= headOctetsMax || isAll else { return nil }
        do throws(BundleError) {
            return try CBORReader.read(octets) { (reader) throws(BundleError) in
                _ = try reader.readArrayHead()
                let type = try reader.readUnsigned()
                return type == statusReportType || ownTypes.contains(type)
            }
        } catch {
            return false
        }
    }

    /// Reads a record that is exactly these octets.
    public init(decoding octets: ByteBuffer) throws(BundleError) {
        guard octets.readableBytes <= Self.octetsMax else {
            throw BundleError(.limitExceeded, "an administrative record is longer than \(Self.octetsMax) octets")
        }
        self = try CBORReader.read(octets) { (reader) throws(BundleError) in try Self(from: &reader) }
    }

    private init(from reader: inout CBORReader) throws(BundleError) {
        // RFC 9171, 6.1: an array of two items, the type and the content.
        let end = try reader.openArray(2)
        let type = try reader.readUnsigned()
        switch type {
        case Self.statusReportType: self = .statusReport(try StatusReport(from: &reader))
        case Self.reportsType:
            guard let rows = try reader.readReportRows() else {
                self = .unknown(type: type)
                return
            }
            self = .reports(rows)
        case Self.refusalsType:
            guard let notice = try reader.readRefusals() else {
                self = .unknown(type: type)
                return
            }
            self = .refusals(notice)
        default:
            // What follows is in a format that only its own specification knows.
            self = .unknown(type: type)
            return
        }
        try reader.closeArray(end)
        try reader.expectEnd()
    }
}
