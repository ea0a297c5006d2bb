// The small rows: pieces, history, report rows, route classes, counters.

import RelayModel

/// One piece of an envelope that travels in pieces: where it lies, and which copies' peers have it.
public struct PieceRow: Sendable, Hashable {
    public var offset: UInt64
    public var length: UInt64
    public var extent: UInt64
    /// Where in the extent it begins.
    public var extentOffset: UInt64
    /// A bit for each slot of the envelope's `sentMarks` whose copy's peer has this piece.
    public var sent: UInt8
    /// The header of this piece when it differs from the envelope's other than by its offset.
    public var header: [UInt8]

    public init(
        offset: UInt64, length: UInt64, extent: UInt64, extentOffset: UInt64, sent: UInt8 = 0,
        header: [UInt8] = []
    ) {
        self.offset = offset
        self.length = length
        self.extent = extent
        self.extentOffset = extentOffset
        self.sent = sent
        self.header = header
    }

    public var end: UInt64 { offset + length }

    public func isSent(_ slot: Int) -> Bool { sent & (1 << slot) != 0 }
    public mutating func mark(_ slot: Int, isSent: Bool) {
        if isSent { sent |= 1 << slot } else { sent &= ~(1 << slot) }
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 48 + header.count)
        out.number(length)
        out.number(extent)
        out.number(extentOffset)
        out.byte(sent)
        out.blob(header)
        return out.record()
    }

    /// Without its header where only its place matters: headers of foreign pieces are long.
    public init?(offset: UInt64, record: UnsafeRawBufferPointer, withHeader: Bool = true) {
        guard var row = RowCursor(record) else { return nil }
        self.init(
            offset: offset, length: row.number(), extent: row.number(), extentOffset: row.number(),
            sent: row.byte(), header: withHeader ? row.blob() : [])
        guard row.isSound, !offset.addingReportingOverflow(length).overflow else { return nil }
    }
}

/// How one recipient's copy ended on this node.
public struct HistoryRow: Sendable, Hashable {
    public var bundle: BundleID
    public var sender: String
    public var recipient: String
    public var documentID: String
    public var urgency: Urgency
    public var payloadLength: UInt64
    public var accepted: WallTime
    public var ended: WallTime
    public var state: RecipientState
    public var peer: NodeID?
    public var origin: NodeID?
    public var attempts: UInt32
    public var reason: ReportReason
    public var answer: String
    /// The envelope that this one was a resubmission of.
    public var formerly: BundleID?

    public init(envelope: EnvelopeRow, recipient: RecipientRow, ended: WallTime) {
        bundle = envelope.bundle
        sender = envelope.document?.sender.text ?? envelope.bundle.source.text
        self.recipient = recipient.name
        documentID = envelope.document?.documentID ?? ""
        urgency = envelope.urgency
        payloadLength = envelope.payloadLength
        accepted = envelope.arrivalWall
        self.ended = ended
        state = recipient.state
        peer = recipient.peer
        origin = envelope.origin
        attempts = recipient.attempts
        reason = recipient.reason
        answer = recipient.lastAnswer
        formerly = envelope.predecessor
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 240)
        out.endpoint(bundle.source)
        out.number(bundle.creationTime)
        out.number(bundle.sequence)
        out.text(sender)
        out.text(recipient)
        out.text(documentID)
        out.byte(urgency.rawValue)
        out.number(payloadLength)
        out.number(accepted.milliseconds)
        out.number(ended.milliseconds)
        out.byte(state.rawValue)
        out.node(peer)
        out.node(origin)
        out.number(UInt64(attempts))
        out.number(reason.rawValue)
        out.text(answer)
        if let formerly {
            out.endpoint(formerly.source)
            out.number(formerly.creationTime)
            out.number(formerly.sequence)
        }
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        bundle = BundleID(source: row.endpoint(), creationTime: row.number(), sequence: row.number())
        sender = row.text()
        recipient = row.text()
        documentID = row.text()
        guard let urgency = Urgency(rawValue: row.byte()) else { return nil }
        self.urgency = urgency
        payloadLength = row.number()
        accepted = WallTime(milliseconds: row.number())
        ended = WallTime(milliseconds: row.number())
        guard let state = RecipientState(rawValue: row.byte()) else { return nil }
        self.state = state
        peer = row.node()
        origin = row.node()
        attempts = UInt32(truncatingIfNeeded: row.number())
        reason = ReportReason(rawValue: row.number())
        answer = row.text()
        if !row.isAtEnd {
            formerly = BundleID(source: row.endpoint(), creationTime: row.number(), sequence: row.number())
        }
        guard row.isSound else { return nil }
    }
}

extension ReportRow {
    /// `received`: when a row that came in was stored here, by this node's own residence clock; the reporter's may be years off.
    public func encoded(received: RelayTime? = nil) -> [UInt8] {
        var out = RowWriter(capacity: 96 + path.count * 40)
        out.endpoint(bundle.source)
        out.number(bundle.creationTime)
        out.number(bundle.sequence)
        out.text(recipient.text)
        out.byte(state.rawValue)
        out.number(time.milliseconds)
        out.number(reason.rawValue)
        out.number(UInt64(path.count))
        for stop in path {
            out.node(stop.node)
            out.number(stop.time.milliseconds)
        }
        if let received { out.number(received.milliseconds) }
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        var received: RelayTime?
        self.init(record: record, received: &received)
    }

    public init?(record: UnsafeRawBufferPointer, received: inout RelayTime?) {
        guard var row = RowCursor(record) else { return nil }
        let bundle = BundleID(source: row.endpoint(), creationTime: row.number(), sequence: row.number())
        let recipient = row.agency()
        guard let state = ReportedState(rawValue: row.byte()) else { return nil }
        let time = WallTime(milliseconds: row.number())
        let reason = ReportReason(rawValue: row.number())
        var path: [PathStop] = []
        for _ in 0..<row.count() {
            guard let node = row.node() else { return nil }
            path.append(PathStop(node: node, time: WallTime(milliseconds: row.number())))
        }
        if !row.isAtEnd { received = RelayTime(milliseconds: row.number()) }
        guard row.isSound else { return nil }
        self.init(bundle: bundle, recipient: recipient, state: state, time: time, reason: reason, path: path)
    }
}

/// An envelope that was sent whole to a peer and not answered.
public struct DoubtRow: Sendable, Hashable {
    public var peer: NodeID
    /// Until then no other hop is asked.
    public var until: RelayTime
    /// The recipients of that copy, by index.
    public var recipients: [UInt64]
    public init(peer: NodeID, until: RelayTime, recipients: [UInt64] = []) {
        self.peer = peer
        self.until = until
        self.recipients = recipients
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 48)
        out.node(peer)
        out.number(until.milliseconds)
        out.number(UInt64(recipients.count))
        for index in recipients { out.number(index) }
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record), let peer = row.node() else { return nil }
        self.peer = peer
        until = RelayTime(milliseconds: row.number())
        recipients = []
        for _ in 0..<row.count() { recipients.append(row.number()) }
        guard row.isSound else { return nil }
    }
}

/// The next hops of a route class, in order of preference.
public struct RouteClassRow: Sendable, Hashable {
    public var hops: [NodeID]
    /// What waits here is for a suspended agency: nobody draws from it.
    public var isSuspended: Bool
    public init(hops: [NodeID], isSuspended: Bool = false) {
        self.hops = hops
        self.isSuspended = isSuspended
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 64)
        out.number(UInt64(hops.count))
        for hop in hops { out.node(hop) }
        if isSuspended { out.byte(1) }
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        hops = []
        for _ in 0..<row.count() {
            guard let hop = row.node() else { return nil }
            hops.append(hop)
        }
        isSuspended = row.isAtEnd ? false : row.byte() != 0
        guard row.isSound else { return nil }
    }
}

extension RowReader {
    /// A row of `counter` or a number of `meta`; zero when there is none.
    public func number(_ table: Table, _ name: String) -> UInt64 {
        guard let raw = value(table, RowKey(text: name)), var row = RowCursor(raw) else { return 0 }
        return row.number()
    }
}

extension RowReader {
    /// True when there is such a row and it does not check.
    public func isUnreadable(_ table: Table, _ name: String) -> Bool {
        guard let raw = value(table, RowKey(text: name)) else { return false }
        return RowCursor(raw) == nil
    }
}

extension RowTransaction {
    public func setNumber(_ table: Table, _ name: String, _ value: UInt64) {
        var out = RowWriter(capacity: 16)
        out.number(value)
        put(table, RowKey(text: name), out.record())
    }
}
