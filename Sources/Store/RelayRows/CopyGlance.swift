// CopyGlance: what the record of one copy of an envelope says of another copy that is offered, read without its header, its document's
// recipients and the texts of its own. A copy may have a thousand recipients, and an offer of a hundred octets asks for one of them.

import RelayModel

/// Of a record of the table `envelope`. Valid as long as the record's bytes are.
public struct CopyGlance {
    public let payloadLength: UInt64
    /// Octets of it that are here and durable.
    public let receivedBytes: UInt64
    /// Nil where there is no document block.
    public let digest: Digest?
    public let isInPieces: Bool
    public let hopCount: UInt64
    /// The way so far, this node included as last stop.
    public let path: [PathStop]
    public let recipientCount: Int
    /// The first recipient.
    private let recipients: RowCursor

    public var isComplete: Bool { receivedBytes == payloadLength }

    /// Nil when the record is corrupt as far as it is read. The order of the fields is that of EnvelopeRow.encoded.
    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        row.passEndpoint()
        row.passNumbers(2)
        row.pass(bytes: 2)
        let flags = row.byte()
        row.passNumbers(4)
        for _ in 0..<3 { row.passEndpoint() }
        row.passRun()
        payloadLength = row.number()
        receivedBytes = row.number()
        row.passEndpoint()
        row.passNumbers(row.count())
        row.passNumbers(1)
        hopCount = row.number()
        row.passRun()
        row.passNumbers(1)
        isInPieces = flags & 2 != 0
        if flags & 4 != 0 {
            row.passRun()
            _ = row.byte()
            row.passRun()
            row.passNumbers(1)
            digest = row.digest()
            for _ in 0..<row.count() { row.passRun() }
        } else {
            digest = nil
        }
        var path: [PathStop] = []
        for _ in 0..<row.count() {
            guard let node = row.node() else { return nil }
            path.append(PathStop(node: node, time: WallTime(milliseconds: row.number())))
        }
        self.path = path
        recipientCount = row.count()
        guard row.isSound else { return nil }
        recipients = row
    }

    /// Tells of the recipients that `place` knows by their name in UTF-8. All others are passed over.
    public func recipients(
        at place: (UnsafeRawBufferPointer) -> Int?,
        _ body: (_ place: Int, _ state: RecipientState, _ peer: NodeID?, _ reason: ReportReason) -> Void
    ) {
        var row = recipients
        for _ in 0..<recipientCount {
            guard let name = row.run(), let state = RecipientState(rawValue: row.byte()) else { return }
            row.passNumbers(4)
            if let found = place(name) {
                let peer = row.node()
                let reason = ReportReason(rawValue: row.number())
                guard row.isSound else { return }
                body(found, state, peer, reason)
            } else {
                row.passEndpoint()
                row.passNumbers(1)
            }
            for _ in 0..<row.count() { row.passEndpoint() }
            row.passNumbers(1)
        }
    }
}
