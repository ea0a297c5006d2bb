// EnvelopeHolding: what an envelope takes of the store's room beside its payload, and how the room for what is still to come of it
// was promised. A part of the envelope's row; what is booked in the stocks of its origin and its sender follows from it, so that it
// leaves the books as it came into them. A row of 0.3 has none of it: its payload's length was booked, and the whole was promised.

import RelayModel

/// The room that one envelope takes, beside its payload.
public struct EnvelopeHolding: Sendable, Hashable {
    /// Octets of its header, of the headers of its pieces and of the rows of its further recipients.
    public var overhead: UInt64 = 0
    /// Nothing was promised: its pieces take room as they come.
    public var isAsItComes = false
    /// An administrative record, booked in the stock of records.
    public var isRecord = false
    /// When a piece of it came last; zero: none since its first.
    public var touched: RelayTime = .zero
    /// It was half-received and let go: the peer sends it anew from its first piece.
    public var isLetGo = false
    /// Since then its first piece has been offered again.
    public var hasBegunAnew = false
    /// When a peer was first asked to do so; zero: none was yet.
    public var askedAnew: RelayTime = .zero

    public init() {}

    /// What a recipient beyond the first takes in rows and indexes, roughly.
    public static let recipientBytes: UInt64 = 64

    var flags: UInt64 { (isAsItComes ? 1 : 0) | (isRecord ? 2 : 0) | (isLetGo ? 4 : 0) | (hasBegunAnew ? 8 : 0) }

    mutating func setFlags(_ flags: UInt64) {
        isAsItComes = flags & 1 != 0
        isRecord = flags & 2 != 0
        isLetGo = flags & 4 != 0
        hasBegunAnew = flags & 8 != 0
    }
}

extension EnvelopeRow {
    /// Octets of payload that are booked in the stocks: all of it, unless it takes room as it comes.
    public var stockedPayload: UInt64 { holding.isAsItComes ? receivedBytes : payloadLength }
    /// Octets that are booked in the stocks of its origin and its sender.
    public var stockedBytes: UInt64 {
        let (sum, overflow) = stockedPayload.addingReportingOverflow(holding.overhead)
        return overflow ? .max : sum
    }
    /// Octets that are promised to it and have not come.
    public var reservedBytes: UInt64 {
        ended == .zero && !isComplete && !holding.isAsItComes ? payloadLength - receivedBytes : 0
    }
}
