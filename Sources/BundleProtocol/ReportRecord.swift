// ReportRecord: our own administrative record, rows that say what became of one recipient each (docs/protocol.md).
// Its number is one of private use (RFC 9713, 2), so its content begins with the text `edoc` and a version. Fails
// with a BundleError.

import NIOCore
import RelayModel

public enum ReportRecord {
    /// Writes the whole record, ready to be a payload: 1...500 rows.
    public static func encode(_ rows: [ReportRow], into buffer: inout ByteBuffer) throws(BundleError) {
        guard !rows.isEmpty, rows.count <= ReportRow.rowsPerRecordMax else {
            throw BundleError(.badRecord, "a report record has 1 to \(ReportRow.rowsPerRecordMax) rows")
        }
        guard rows.allSatisfy({ $0.path.count <= PathStop.pathStopsMax }) else {
            throw BundleError(.badRecord, "a path has more than \(PathStop.pathStopsMax) stops")
        }
        let start = buffer.writerIndex
        buffer.writeCBOR(arrayOf: 2)
        buffer.writeCBOR(unsigned: AdministrativeRecord.reportsType)
        PrivateMark.write(into: &buffer, items: itemCount)
        buffer.writeCBOR(arrayOf: rows.count)
        for row in rows { encode(row, into: &buffer) }
        guard buffer.writerIndex - start <= AdministrativeRecord.octetsMax else {
            buffer.moveWriterIndex(to: start)
            throw BundleError(.limitExceeded, "the record is longer than \(AdministrativeRecord.octetsMax) octets")
        }
    }

    static let itemCount = 3
    static let rowItemCount = 8

    private static func encode(_ row: ReportRow, into buffer: inout ByteBuffer) {
        buffer.writeCBOR(arrayOf: rowItemCount)
        buffer.writeCBOR(endpoint: row.bundle.source)
        buffer.writeCBOR(unsigned: row.bundle.creationTime)
        buffer.writeCBOR(unsigned: row.bundle.sequence)
        buffer.writeCBOR(text: row.recipient.text)
        buffer.writeCBOR(unsigned: UInt64(row.state.rawValue))
        buffer.writeCBOR(unsigned: row.time.milliseconds)
        buffer.writeCBOR(unsigned: row.reason.rawValue)
        buffer.writeCBOR(arrayOf: row.path.count)
        for stop in row.path {
            buffer.writeCBOR(arrayOf: 2)
            buffer.writeCBOR(endpoint: stop.node.endpoint)
            buffer.writeCBOR(unsigned: stop.time.milliseconds)
        }
    }
}

extension CBORReader {
    /// The content of a report record, nil if it is another project's.
    mutating func readReportRows() throws(BundleError) -> [ReportRow]? {
        guard let end = try PrivateMark.read(&self, items: UInt64(ReportRecord.itemCount)) else { return nil }
        var list = try openList(countMax: ReportRow.rowsPerRecordMax)
        var rows: [ReportRow] = []
        rows.reserveCapacity(list.stated)
        while try list.hasNext(&self) { rows.append(try readReportRow()) }
        try closeArray(end)
        guard !rows.isEmpty else { throw failure(.badRecord, "a report record has no rows") }
        return rows
    }

    private mutating func readReportRow() throws(BundleError) -> ReportRow {
        let end = try openArray(UInt64(ReportRecord.rowItemCount))
        let source = try readEndpointID()
        let bundle = BundleID(source: source, creationTime: try readUnsigned(), sequence: try readUnsigned())
        let recipient = try readAgencyCode(.badRecord)
        guard let state = ReportedState(rawValue: UInt8(clamping: try readUnsigned())) else {
            throw failure(.badRecord, "a row reports a state that is not known")
        }
        let time = WallTime(milliseconds: try readUnsigned())
        let reason = ReportReason(rawValue: try readUnsigned())
        var stops = try openList(countMax: PathStop.pathStopsMax)
        var path: [PathStop] = []
        path.reserveCapacity(stops.stated)
        while try stops.hasNext(&self) {
            let stop = try openArray(2)
            let node = try readNodeID()
            path.append(PathStop(node: node, time: WallTime(milliseconds: try readUnsigned())))
            try closeArray(stop)
        }
        try closeArray(end)
        return ReportRow(bundle: bundle, recipient: recipient, state: state, time: time, reason: reason, path: path)
    }
}
