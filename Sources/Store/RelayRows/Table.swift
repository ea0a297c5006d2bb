// Table: the named tables of one node's store (docs/protocol.md, "Tables and keys").

/// One table of the store. The numbers are on disk, in the checks of keys: new tables come at the end. Keys are byte strings compared byte by byte; numbers in keys are big-endian.
public enum Table: UInt8, CaseIterable, Sendable {
    /// Facts about the store itself: schema version, node, incarnation, the envelope counter, the residence clock.
    case meta
    /// Envelope number → everything known of one envelope (or one copy of it) here.
    case envelope
    /// (extent, chunk index) → payload bytes.
    case chunk
    /// (envelope, offset) → one piece of an envelope that travels in pieces.
    case piece
    /// (route class, urgency, due, envelope) → what waits to be sent.
    case queue
    /// (bundle ID, envelope) → nothing: finds the copies of a bundle.
    case bundle
    /// (source, incarnation, recipient, counter ÷ 4096) → the offsets that have arrived here.
    case seen
    /// (time, envelope) → what happens to the envelope then: expiry, or the end of its memory.
    case deadline
    /// (agency, envelope, recipient index) → a document that waits in an agency's inbox.
    case inbox
    /// (end, envelope, recipient index) → how a recipient's copy ended here.
    case history
    /// Name → a 64-bit count.
    case counter
    /// (destination node, number) → a report row that has not left yet.
    case outgoingReport
    /// (bundle ID, recipient, number) → a report row that has come in for an envelope submitted here.
    case report
    /// List of next hops ↔ route class number.
    case routeClass
    /// Extent → who is filling it; what stands here at start was cut off and is removed.
    case staging
    /// A record that could not be read, set aside under its table and key.
    case corrupt
    /// (kind, text, envelope) → nothing: finds envelopes for operators by document ID, sender, recipient and more.
    case lookup
    /// Envelope → the peer to which it was sent whole without an answer, and until when others are not asked.
    case doubt
    /// Order → one entry of the operator log; only ever added to.
    case audit
    /// (agency, envelope) → where the file is of a document that is *handing over*.
    case spool
    /// Job → its head; (job, part) → a part of the set that it is about.
    case job
    /// (job, batch) → what it takes to undo one batch of a job.
    case undo
    /// Peer or agency → why and until when it is given nothing.
    case suspension
    /// (node, incarnation) → the highest counter given of this node's own, or taken of a neighbour's.
    case numbers
    /// (good or bad, sequence number, recipient) → what is known of the end of a pair that was handed in here and is not delivered.
    case outcome
    /// Order → one change of what is known.
    case outcomeChange
    /// Envelope number → what names it, kept apart from its record for as long as it has not ended (LabelRow).
    case label
    /// (day, user, key of the caller's) → the envelope that a submission with this key made.
    case submissionKey

    /// The name in the store's file.
    public var name: String { String(describing: self) }
}
