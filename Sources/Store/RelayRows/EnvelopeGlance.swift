// EnvelopeGlance: the few fields of an envelope's record by which most envelopes are passed over when many are looked at, read without
// copying anything. The whole row (EnvelopeRow) has some thirty fields, most of them on the heap.

import RelayModel

/// What can be said of an envelope without its recipients.
public protocol EnvelopeOutline {
    var number: UInt64 { get }
    var kind: EnvelopeKind { get }
    var urgency: Urgency { get }
    var arrival: RelayTime { get }
    var payloadLength: UInt64 { get }
    /// The sending agency; nil where there is no document block.
    var sender: AgencyCode? { get }
    var documentID: String? { get }
}

extension EnvelopeRow: EnvelopeOutline {
    public var sender: AgencyCode? { document?.sender }
    public var documentID: String? { document?.documentID }
}

/// The outline in a record of the table `envelope`. Valid as long as the record's bytes are.
public struct EnvelopeGlance: EnvelopeOutline {
    public let number: UInt64
    public let kind: EnvelopeKind
    public let urgency: Urgency
    public let arrival: RelayTime
    public let payloadLength: UInt64
    private let senderText: UnsafeRawBufferPointer?
    private let documentText: UnsafeRawBufferPointer?
    /// Behind the document.
    private let rest: RowCursor

    public var sender: AgencyCode? { senderText.flatMap { AgencyCode(String(decoding: $0, as: UTF8.self)) } }
    public var documentID: String? { documentText.map { String(decoding: $0, as: UTF8.self) } }

    /// Nil when the record is corrupt as far as it is read. The order of the fields is that of EnvelopeRow.encoded.
    public init?(number: UInt64, record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        row.passEndpoint()
        row.passNumbers(2)
        guard let kind = EnvelopeKind(rawValue: row.byte()), let urgency = Urgency(rawValue: row.byte()) else {
            return nil
        }
        let flags = row.byte()
        row.passNumbers(2)
        arrival = RelayTime(milliseconds: row.number())
        row.passNumbers(1)
        for _ in 0..<3 { row.passEndpoint() }
        row.passRun()
        payloadLength = row.number()
        row.passNumbers(1)
        row.passEndpoint()
        row.passNumbers(row.count())
        row.passNumbers(2)
        row.passRun()
        row.passNumbers(1)
        var texts: (sender: UnsafeRawBufferPointer?, document: UnsafeRawBufferPointer?)
        if flags & 4 != 0 {
            texts.sender = row.run()
            _ = row.byte()
            texts.document = row.run()
            row.passNumbers(1)
            row.pass(bytes: 32)
            for _ in 0..<row.count() { row.passRun() }
        }
        guard row.isSound else { return nil }
        self.number = number
        self.kind = kind
        self.urgency = urgency
        (senderText, documentText) = texts
        rest = row
    }

    /// True when one recipient's name (in UTF-8) and state fit, and also when that cannot be read here.
    public func hasRecipient(where fits: (UnsafeRawBufferPointer, RecipientState) -> Bool) -> Bool {
        var row = rest
        for _ in 0..<row.count() {
            row.passEndpoint()
            row.passNumbers(1)
        }
        for _ in 0..<row.count() {
            guard let name = row.run(), let state = RecipientState(rawValue: row.byte()) else { return true }
            if fits(name, state) { return true }
            row.passNumbers(4)
            row.passEndpoint()
            row.passNumbers(1)
            for _ in 0..<row.count() { row.passEndpoint() }
            row.passNumbers(1)
        }
        return !row.isSound
    }
}
