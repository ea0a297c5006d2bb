// Event: what happens to the relay, in the past tense. Bytes of payload are not among them: they go from the link to the
// store under a ticket, and the core hears only that they are complete.

import RelayModel
import RelayRouting

/// What a link knows of a session once the peer is proven to be who it says.
public struct SessionFacts: Sendable {
    public var peer: NodeID
    /// The largest transfer that the peer takes, in octets.
    public var transferMRU: UInt64
    /// True when this node opened the connection.
    public var isDialled: Bool
    /// What it says of itself; nil of a node that says nothing, as 0.3 and other makes do.
    public var greeting: Greeting?
    /// The address of the other end, without its port; empty where it is not known.
    public var host: String
    /// What may be handed over before the link has been measured, in octets.
    public var firstWindow: UInt64
    public init(
        peer: NodeID, transferMRU: UInt64, isDialled: Bool, greeting: Greeting? = nil, host: String = "",
        firstWindow: UInt64 = .max
    ) {
        self.peer = peer
        self.transferMRU = transferMRU
        self.isDialled = isDialled
        self.greeting = greeting
        self.host = host
        self.firstWindow = firstWindow
    }

    /// May something that was added since 0.3 be sent on this session?
    public func understands(_ feature: Feature) -> Bool { greeting?.features.contains(feature) ?? false }
}

/// The peer's answer to a transfer.
public enum Answer: Sendable, Hashable {
    /// The END segment was acknowledged: the next hop has it on disk.
    case acknowledged
    case refused(Refusal)
    /// It could not be sent: its payload cannot be read from the store.
    case unreadable
    /// It was not begun and is given back.
    case returned
    /// The bundle, with its header, is longer than the peer takes.
    case tooLarge
}

/// What happened. One batch of these is decided in one transaction. Those that come with every envelope are small, the others stand in
/// a place of their own.
public enum Event: Sendable {
    indirect case sessionEstablished(session: Ticket, SessionFacts)
    /// The session is gone. `sentWhole`: dispatches that went out completely and were not answered; they are in doubt.
    indirect case sessionEnded(session: Ticket, sentWhole: [Ticket], reason: String)
    /// The peer said that it will end the session; nothing new may be sent on it.
    case sessionEnding(session: Ticket)
    indirect case dialFailed(peer: NodeID, reason: String)
    /// Somebody who says that he is this node was not let in.
    indirect case contactRefused(peer: NodeID, reason: String)
    case transferAnswered(session: Ticket, dispatch: Ticket, Answer)
    /// A report record addressed to this node, decoded.
    indirect case reported(ticket: Ticket, session: Ticket, reporter: NodeID, bundle: BundleID, rows: [ReportRow])
    /// A refusal record addressed to this node, decoded.
    indirect case refusalsTold(ticket: Ticket, session: Ticket, bundle: BundleID, RefusalNotice)
    /// An agency's system has taken documents from its inbox.
    indirect case inboxAcknowledged(ticket: Ticket, agency: AgencyCode, envelopes: [UInt64])
    /// A step of a hand-over to a spool is done and on disk. `folder`: the inode number of the spool's `tmp`.
    case handedOver(ticket: Ticket, folder: UInt64)
    indirect case handOverFailed(ticket: Ticket, HandOverFailure)
    /// A step in an agency's spool has taken that long without a sign of life; it may still end.
    indirect case spoolStalled(agency: AgencyCode, directory: String, after: Milliseconds)
    /// It goes on, or has ended.
    indirect case spoolAnswers(agency: AgencyCode)
    /// The payload of a document that came in pieces has been read back and hashed.
    case documentVerified(number: UInt64, matches: Bool)
    /// A chunk of it is missing or damaged: nothing can be said of its digest.
    case documentUnreadable(number: UInt64)
    /// The age of a record for this node, as its bundle says; `reported` follows under the same ticket.
    case recordHeard(ticket: Ticket, age: Milliseconds)
    /// What the maker of the record that comes next says that it understands.
    indirect case featuresHeard(ticket: Ticket, [Feature])
    /// Something was refused before it came to a decision (malformed, against the protocol, not the caller's right): counted.
    indirect case refusedOutside(CounterKey)
    /// New routes, peers, rights and limits, already validated as a whole.
    indirect case reconfigured(CoreConfiguration)
    /// The process before this one crashed with these envelopes in hand; empty after any other end. Once, at start.
    case suspected([UInt64])
    /// The wall clock is known to be wrong (or right again): expiry stops (or goes on).
    indirect case clockDoubted(Bool, why: String)
    /// An operator has had something done that is decided outside of the core: it goes into the operator log.
    indirect case audited(Deed, ticket: Ticket?)
    /// Others prove to have what this restored node holds.
    indirect case restoredCompared(ticket: Ticket, Deed, Comparison)
    /// What is still held since the store was restored may go.
    indirect case restoredReleased(ticket: Ticket, Deed)
    /// An operator wants something done.
    indirect case operated(Operation)
    /// Something came on a session that was asked for a sign of life.
    case sessionAnswered(Ticket)
    /// The peer ends the session: another one with this node's identity has one with it.
    case identityTwice(session: Ticket)
    /// Damage was found when the store was opened, and mended as far as rows go.
    indirect case storeDamaged(why: String)
    /// How fast the peer acknowledges, and how much it has acknowledged of transfers that it has not answered.
    case sessionMeasured(session: Ticket, bytesPerSecond: UInt64, acknowledged: UInt64)
    /// Transfers are under way and nothing was acknowledged for longer than this link should take. What was not begun comes back.
    case sessionSilent(session: Ticket)
    /// A link was asked to give a transfer back, and has begun it, or has ended it already.
    case transferBegun(session: Ticket, dispatch: Ticket)
    /// It acknowledges again.
    case sessionAcknowledgesAgain(session: Ticket)
}

/// What the shell is to do once the batch in which it was decided is durable. In the imperative.
public enum Effect: Sendable {
    /// Send the END acknowledgement of an offer.
    case acknowledge(session: Ticket, offer: Ticket)
    indirect case refuse(session: Ticket, offer: Ticket, Refusal, RefusalCause, why: String)
    case send(Dispatch)
    /// Give a transfer back, if nothing of it has been written; the answer is `transferAnswered` (*returned*) or `transferBegun`.
    case recall(session: Ticket, dispatch: Ticket)
    case dial(peer: NodeID)
    /// Read the payload back and compare its SHA-256; answer with `documentVerified`.
    indirect case verify(number: UInt64, payload: [ExtentRange], digest: Digest)
    /// End a session with SESS_TERM.
    indirect case endSession(session: Ticket, why: String)
    indirect case answerSubmission(ticket: Ticket, SubmissionAnswer)
    case answerInbox(ticket: Ticket, taken: Int)
    /// Do a step of a hand-over to an agency's spool.
    indirect case handOver(HandOver)
    indirect case answerOperation(ticket: Ticket, OperationAnswer)
    /// The node has been emptied: exit.
    case drained
    /// Something an operator should know; one per operator-visible change.
    indirect case notice(Notice)
    /// Tell the answer to a question.
    case reply(@Sendable () -> Void)
    /// The head of the operator log, for a place outside of the store.
    indirect case auditHead(AuditHead)
    /// Have the peer of a session give a sign of life; whatever comes is told by `sessionAnswered`.
    case probe(session: Ticket)
    /// End a session, because another one with its peer's identity lives.
    case endTwin(session: Ticket, why: String)
    /// Nil: the store is not one that was restored, or its envelopes are not all held yet.
    case answerRestore(ticket: Ticket, EvidenceCounts?)
}

/// What became of a submission.
public enum SubmissionAnswer: Sendable {
    case accepted(BundleID, number: UInt64)
    /// It was accepted before under the same key of the caller's; nothing new was made.
    case repeated(BundleID, number: UInt64)
    /// Each sentence names a recipient or the cause.
    case refused([String], cause: SubmissionRefusal)
}

/// Why a submission was refused; the word is counted.
public enum SubmissionRefusal: String, Sendable, CaseIterable {
    case unknownAgency
    case noRoute
    case notAuthorised
    case tooLarge
    case noResources
    case badRequest
    /// The edXML package is not one.
    case badPackage
    /// The caller's key was used before, for another document.
    case keyConflict
}

/// A line for the operator.
public struct Notice: Sendable, Hashable {
    public enum Grade: UInt8, Sendable { case info, notice, warning, alarm }
    public var grade: Grade
    public var text: String
    public var peer: NodeID?
    public var envelope: BundleID?
    public var agency: AgencyCode?
    /// What monitors wait for; nil for lines that only tell more.
    public var kind: EventKind?
    public init(
        _ grade: Grade, _ text: String, peer: NodeID? = nil, envelope: BundleID? = nil, agency: AgencyCode? = nil,
        kind: EventKind? = nil
    ) {
        self.grade = grade
        self.text = text
        self.peer = peer
        self.envelope = envelope
        self.agency = agency
        self.kind = kind
    }
}

/// One copy, or one piece of it, to be sent on a session. The link encodes the header from these values and reads the payload
/// from the store.
public struct Dispatch: Sendable {
    private struct Fields: Sendable {
        var ticket: Ticket
        var session: Ticket
        var peer: NodeID
        var number: UInt64
        var bundle: BundleID
        var kind: EnvelopeKind
        var lifetime: Milliseconds
        var age: Milliseconds
        var decided: RelayTime
        var header: [UInt8]
        var document: DocumentDescription?
        var copy: CopyDescription?
        var destination: EndpointID
        var piece: PieceRange?
        var payload: [ExtentRange]
        var payloadLength: UInt64
        var urgency: Urgency
        var formerName: BundleID?
        var isReturn: Bool = false
        var tellsFeatures: Bool = false
    }

    private var place: Place<Fields>
    private var own: Place<Fields> { mutating get { Place.own(&place) } }

    public var ticket: Ticket {
        _read { yield place.fields.ticket }
        _modify { yield &own.fields.ticket }
    }
    public var session: Ticket {
        _read { yield place.fields.session }
        _modify { yield &own.fields.session }
    }
    public var peer: NodeID {
        _read { yield place.fields.peer }
        _modify { yield &own.fields.peer }
    }
    public var number: UInt64 {
        _read { yield place.fields.number }
        _modify { yield &own.fields.number }
    }
    public var bundle: BundleID {
        _read { yield place.fields.bundle }
        _modify { yield &own.fields.bundle }
    }
    public var kind: EnvelopeKind {
        _read { yield place.fields.kind }
        _modify { yield &own.fields.kind }
    }
    public var lifetime: Milliseconds {
        _read { yield place.fields.lifetime }
        _modify { yield &own.fields.lifetime }
    }
    /// Age of the bundle at the reading of the clock at which this was decided.
    public var age: Milliseconds {
        _read { yield place.fields.age }
        _modify { yield &own.fields.age }
    }
    public var decided: RelayTime {
        _read { yield place.fields.decided }
        _modify { yield &own.fields.decided }
    }
    /// The received header, empty for an envelope that was submitted here.
    public var header: [UInt8] {
        _read { yield place.fields.header }
        _modify { yield &own.fields.header }
    }
    public var document: DocumentDescription? {
        _read { yield place.fields.document }
        _modify { yield &own.fields.document }
    }
    /// Nil for envelopes without a document block.
    public var copy: CopyDescription? {
        _read { yield place.fields.copy }
        _modify { yield &own.fields.copy }
    }
    /// The destination, for envelopes made here (reports); others have it in their header.
    public var destination: EndpointID {
        _read { yield place.fields.destination }
        _modify { yield &own.fields.destination }
    }
    /// Nil: the whole document in one bundle.
    public var piece: PieceRange? {
        _read { yield place.fields.piece }
        _modify { yield &own.fields.piece }
    }
    /// Where the bytes lie: in order, without gaps.
    public var payload: [ExtentRange] {
        _read { yield place.fields.payload }
        _modify { yield &own.fields.payload }
    }
    public var payloadLength: UInt64 {
        _read { yield place.fields.payloadLength }
        _modify { yield &own.fields.payloadLength }
    }
    public var urgency: Urgency {
        _read { yield place.fields.urgency }
        _modify { yield &own.fields.urgency }
    }
    /// The name that it had before, where the peer understands that.
    public var formerName: BundleID? {
        _read { yield place.fields.formerName }
        _modify { yield &own.fields.formerName }
    }
    /// It goes back along its path.
    public var isReturn: Bool {
        _read { yield place.fields.isReturn }
        _modify { yield &own.fields.isReturn }
    }
    /// Of a record: the peer understands the block that says what its maker understands.
    public var tellsFeatures: Bool {
        _read { yield place.fields.tellsFeatures }
        _modify { yield &own.fields.tellsFeatures }
    }

    public init(
        ticket: Ticket, session: Ticket, peer: NodeID, number: UInt64, bundle: BundleID, kind: EnvelopeKind,
        lifetime: Milliseconds, age: Milliseconds, decided: RelayTime, header: [UInt8], document: DocumentDescription?,
        copy: CopyDescription?, destination: EndpointID, piece: PieceRange?, payload: [ExtentRange],
        payloadLength: UInt64, urgency: Urgency
    ) {
        place = Place(
            Fields(
                ticket: ticket, session: session, peer: peer, number: number, bundle: bundle, kind: kind,
                lifetime: lifetime, age: age, decided: decided, header: header, document: document, copy: copy,
                destination: destination, piece: piece, payload: payload, payloadLength: payloadLength, urgency: urgency
            ))
    }
}

/// What the shell does with an offer's or a submission's bytes.
public enum Verdict: Sendable, Equatable {
    /// Write them to this extent, then say that they are complete.
    case stage(extent: UInt64)
    /// Drop them; the answer is among the effects.
    case drop
}
