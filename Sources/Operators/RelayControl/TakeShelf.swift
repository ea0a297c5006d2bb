// TakeShelf: what one connection of the take socket is shown next, in octets: claimed documents are read in one short snapshot, that begins
// after they were claimed, and written as frames; a long one goes on in later snapshots. A value that travels between the connection and the
// thread that reads; nothing of it is shared, and nothing here waits.

import NIOCore
import RelayCore
import RelayModel
import RelayRows

public struct TakeShelf: Sendable {
    /// What was written.
    public struct Portion: Sendable {
        public var buffer = ByteBuffer()
        /// The documents whose heads are in the buffer, in their order.
        public var shown: [TakeClaim] = []
        /// Claimed, and not waiting any more.
        public var gone: [TakeClaim] = []
        /// In the inbox, and yet nothing that can be shown: on its way into a spool that there was, or its row cannot be read.
        public var unfit: [TakeClaim] = []
        /// Their octets cannot be read back: the engine has to know.
        public var unreadable: [TakeClaim] = []
        /// The document that is half written cannot be read on; the connection has to end.
        public var broken: String?

        public init() {}
    }

    /// A document that is half written.
    private struct Rest: Sendable {
        var source: DocumentSource
        var number: UInt64
        var position: UInt64
        var end: UInt64
    }

    /// Octets that are read in one snapshot.
    public static let portionBytes = 256 << 10

    /// Claimed and not shown yet, the next one first.
    private var claims: [TakeClaim] = []
    private var rest: Rest?
    private var sequence: UInt64 = 1

    public init() {}

    public var isEmpty: Bool { claims.isEmpty && rest == nil }
    /// Claimed, of which nothing has been shown.
    public var waiting: [TakeClaim] { claims }
    /// The document whose octets are not all written has this sequence number.
    public var unfinished: UInt64? { rest == nil ? nil : sequence - 1 }

    public mutating func add(_ more: [TakeClaim]) { claims += more }

    /// Reads and writes as much as a portion takes. `hold`: the envelope whose octets are read; zero behind it. `mayHaveBeenShown`: whether
    /// the document may have been shown on another connection.
    public mutating func fill(
        _ rows: some RowReader, now: ClockReading, hold: (UInt64) -> Void,
        mayHaveBeenShown: (TakeClaim, RelayTime) -> Bool
    ) -> Portion {
        var portion = Portion()
        portion.buffer.reserveCapacity(min(Self.portionBytes + 8_192, max(claims.count, 1) * 8_192))
        if rest != nil { goOn(rows, hold, &portion) }
        let mark = claims.isEmpty ? nil : RestorationRow.read(rows)
        var next = 0
        while rest == nil, portion.broken == nil, next < claims.count, portion.buffer.readableBytes < Self.portionBytes
        {
            show(claims[next], rows, now, mark, hold, mayHaveBeenShown, &portion)
            next += 1
        }
        claims.removeFirst(next)
        return portion
    }

    private mutating func goOn(_ rows: some RowReader, _ hold: (UInt64) -> Void, _ portion: inout Portion) {
        guard var open = rest else { return }
        hold(open.number)
        defer { hold(0) }
        let before = portion.buffer.writerIndex
        do {
            while open.position < open.end, portion.buffer.readableBytes < Self.portionBytes {
                let room = Self.portionBytes - portion.buffer.readableBytes
                open.position += try Self.append(open.source, from: open.position, room, to: &portion.buffer, rows)
            }
            rest = open.position < open.end ? open : nil
        } catch {
            portion.buffer.moveWriterIndex(to: before)
            portion.broken = (error as? ControlError)?.error ?? "\(error)"
        }
    }

    /// Appends a portion of a document; answers of how many octets.
    private static func append(
        _ source: DocumentSource, from position: UInt64, _ room: Int, to buffer: inout ByteBuffer,
        _ rows: some RowReader
    ) throws -> UInt64 {
        var count = 0
        try TakeAnswer.writePortion(to: &buffer) { buffer in
            let before = buffer.writerIndex
            try source.append(from: position, atMost: UInt64(room), to: &buffer, rows)
            count = buffer.writerIndex - before
        }
        return UInt64(count)
    }

    private mutating func show(
        _ claim: TakeClaim, _ rows: some RowReader, _ now: ClockReading, _ mark: RestorationRow?,
        _ hold: (UInt64) -> Void, _ mayHaveBeenShown: (TakeClaim, RelayTime) -> Bool, _ portion: inout Portion
    ) {
        guard rows.value(.inbox, Keys.inbox(claim.agency.text, number: claim.number)) != nil else {
            return portion.gone.append(claim)
        }
        guard
            let row = rows.value(.envelope, Keys.envelope(claim.number)).flatMap({
                EnvelopeRow(number: claim.number, record: $0)
            }), let recipient = row.recipients.first(where: { $0.name == claim.agency.text }),
            recipient.state == .arrived
        else { return portion.unfit.append(claim) }
        hold(claim.number)
        defer { hold(0) }
        var marks: TakenHead.Marks = row.document == nil ? .unvouched : []
        if let mark, mark.mayRepeat(recipient, of: claim.number) { marks.insert(.mayHaveBeenTaken) }
        if mayHaveBeenShown(claim, recipient.since) { marks.insert(.mayHaveBeenShown) }
        let head = TakenHead(
            sequence: sequence, number: claim.number, marks: marks, urgency: row.urgency.rawValue,
            arrived: UInt64(clamping: now.timestamp(recipient.since)?.unixMilliseconds ?? 0),
            payloadLength: row.payloadLength, digest: row.document?.digest.bytes ?? [], agency: claim.agency.text,
            envelope: row.bundle.envelopeName, sender: row.document?.sender.text ?? "",
            documentID: row.document?.documentID ?? "",
            source: row.document == nil ? printable(row.bundle.source.text) : "")
        let before = portion.buffer.writerIndex
        TakeAnswer.document(head).write(to: &portion.buffer)
        let source = DocumentSource(row)
        var position: UInt64 = 0
        do {
            // At least a little: a head is not shown before it is known that its octets can be read.
            let room = max(Self.portionBytes - portion.buffer.readableBytes, 4_096)
            if row.payloadLength > 0 {
                position = try Self.append(source, from: 0, room, to: &portion.buffer, rows)
            }
        } catch {
            portion.buffer.moveWriterIndex(to: before)
            return portion.unreadable.append(claim)
        }
        if position < row.payloadLength {
            rest = Rest(source: source, number: claim.number, position: position, end: row.payloadLength)
        }
        portion.shown.append(claim)
        sequence += 1
    }
}
