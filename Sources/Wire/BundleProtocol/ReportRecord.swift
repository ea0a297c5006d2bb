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
        buffer.writeCBOR(unsigned: wireState(row.state))
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

// A delay is written as an arrival with a reason of its own: a node of an earlier version can read the record, and takes the row
// for an arrival that it knows of, or does not believe it. A number of its own would make that node refuse the whole record.
extension ReportRecord {
    private static func wireState(_ state: ReportedState) -> UInt64 {
        UInt64((state == .delayed ? ReportedState.arrived : state).rawValue)
    }

    /// Nil for a state that a later version may have.
    fileprivate static func state(_ wire: UInt64, _ reason: ReportReason) -> ReportedState? {
        guard let state = UInt8(exactly: wire).flatMap(ReportedState.init(rawValue:)), state != .delayed else {
            return nil
        }
        let isDelay = reason == .notPickedUp || reason == .stillQueued || reason == .unreadable
        return state == .arrived && isDelay ? .delayed : state
    }
}

extension CBORReader {
    /// The content of a report record, nil if it is another project's.
    mutating func readReportRows() throws(BundleError) -> [ReportRow]? {
        guard let end = try PrivateMark.read(&self, items: UInt64(ReportRecord.itemCount)) else { return nil }
        var list = try openList(countMax: ReportRow.rowsPerRecordMax)
        var rows: [ReportRow] = []
        rows.reserveCapacity(list.stated)
        var isEmpty = true
        while try list.hasNext(&self) {
            isEmpty = false
            // A state of a later version says nothing here; the other rows do.
            if let row = try readReportRow() { rows.append(row) }
        }
        try closeArray(end)
        guard !isEmpty else { throw failure(.badRecord, "a report record has no rows") }
        return rows
    }

    private mutating func readReportRow() throws(BundleError) -> ReportRow? {
        let end = try openArray(UInt64(ReportRecord.rowItemCount))
        let source = try readEndpointID()
        let bundle = BundleID(source: source, creationTime: try readUnsigned(), sequence: try readUnsigned())
        let recipient = try readAgencyCode(.badRecord)
        let wire = try readUnsigned()
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
        guard let state = ReportRecord.state(wire, reason) else { return nil }
        return ReportRow(bundle: bundle, recipient: recipient, state: state, time: time, reason: reason, path: path)
    }
}
