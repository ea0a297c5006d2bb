// EnvelopeRow: everything the node knows of one envelope, or of one copy of it. One row of the table `envelope`.

import RelayModel

/// The durable state of one (envelope, recipient) at this node. *Active* is not among them: it lives in memory, and an
/// envelope that was active when the process ended is waiting again.
public enum RecipientState: UInt8, Sendable, CaseIterable {
    /// Durable and to be sent; deferred when its time is not yet due after an attempt.
    case waiting = 0
    case deferred = 1
    case held = 2
    /// In the inbox of an agency that is at home here.
    case arrived = 3
    case corrupt = 4
    /// Deleted by an operator who may still undo it; ends as deleted when that time is over.
    case deleting = 5
    /// Written into its agency's spool, and being moved to where the agency takes it from.
    case handing = 6
    // Ends on this node.
    case forwarded = 16
    case delivered = 17
    case refused = 18
    case expired = 19
    case deleted = 20

    public var isEnd: Bool { rawValue >= 16 }
    /// In the inbox of an agency that is at home here, on its way into its spool or not.
    public var isAtHome: Bool { self == .arrived || self == .handing }
    /// Waits to be sent.
    public var isQueued: Bool { self == .waiting || self == .deferred }
    public var word: String { String(describing: self) }
}

/// One recipient of an envelope.
public struct RecipientRow: Sendable, Hashable {
    /// A canonical agency code; for envelopes without a document block the destination EID in text.
    public var name: String
    public var state: RecipientState
    /// The route class in which it waits.
    public var routeClass: UInt32
    /// When the queue row is due.
    public var due: RelayTime
    public var attempts: UInt32
    /// Since when it is in this state.
    public var since: RelayTime
    /// The peer it was forwarded to, or that said no last.
    public var peer: NodeID?
    public var reason: ReportReason
    /// Next hops that have said no since the last deferral.
    public var refusedBy: [NodeID]
    /// When a next hop said no for the first time; zero when none has.
    public var refusedSince: RelayTime
    /// The next hop that an operator has chosen; asked before those of the route.
    public var via: NodeID?
    /// Corrupt, and set aside when it had arrived: its agency and its submitter know of it.
    public var hasArrived = false
    /// Who or what holds it, as a sentence; empty when it is not held.
    public var heldBecause = ""
    /// What was said of it last: by a hop that did not take it, or by whoever ended, held or set it aside.
    public var lastAnswer = ""
    /// Deferred because every next hop had said no; counted as such.
    public var isRefusedEverywhere = false

    /// The peer to which it may have been on the way when the process before this one crashed, noted when its next hops change.
    public var crashDoubt: DoubtRow?

    /// It goes back along its path, to be sent under a new name: another document is known at its home under its number.
    public var isReturning = false
    /// It came back, and is sent under a new name.
    public var isRenewed = false

    /// It was here before this copy came: in the row, but not accepted again nor counted.
    public var isDuplicate: Bool { state == .forwarded && peer == nil }

    public init(name: String, state: RecipientState, routeClass: UInt32, due: RelayTime, since: RelayTime) {
        self.name = name
        self.state = state
        self.routeClass = routeClass
        self.due = due
        attempts = 0
        self.since = since
        reason = .none
        refusedBy = []
        refusedSince = .zero
    }
}

/// One copy of an envelope in pieces that has been sent, in part, to a peer: whom and for which recipients (by index).
public struct SentMarks: Sendable, Hashable {
    /// Nil: the slot is free.
    public var peer: NodeID?
    public var recipients: [UInt64] = []
    public init(peer: NodeID? = nil, recipients: [UInt64] = []) {
        self.peer = peer
        self.recipients = recipients
    }

    /// As many as a piece has marks. An envelope that is on more links at a time has no marks for the others, and sends them again
    /// what they had when a link was cut.
    public static let slotsMax = 8
}

/// One envelope, or one copy of it, on this node.
public struct EnvelopeRow: Sendable {
    private struct Fields: Sendable {
        var number: UInt64
        var bundle: BundleID
        var kind: EnvelopeKind
        var urgency: Urgency
        var lifetime: Milliseconds
        var ageAtArrival: Milliseconds
        var arrival: RelayTime
        var arrivalWall: WallTime
        var origin: NodeID?
        var destination: EndpointID
        var reportTo: EndpointID
        var wantsStatusReports: Bool = false
        var statusRequest: StatusRequest = []
        var payloadCover: String?
        var siblings: [BundleID] = []
        var header: [UInt8] = []
        var document: DocumentDescription?
        var path: [PathStop] = []
        var payloadLength: UInt64
        var receivedBytes: UInt64 = 0
        var pieceCount: UInt64 = 0
        var isInPieces: Bool = false
        var isStocked: Bool = false
        var holding: EnvelopeHolding = EnvelopeHolding()
        var sentMarks: [SentMarks] = []
        var hopLimit: UInt64 = 0
        var hopCount: UInt64 = 0
        var recipients: [RecipientRow] = []
        var ended: RelayTime = .zero
        var nextLook: RelayTime = .zero
        var delayed: [UInt64] = []
        var answers: [AnswerNote] = []
        var formerly: BundleID?
        var resubmittedAs: [BundleID] = []
        var formerName: BundleID?
        var extent: UInt64
    }

    private var place: Place<Fields>
    private var own: Place<Fields> { mutating get { Place.own(&place) } }

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
    public var urgency: Urgency {
        _read { yield place.fields.urgency }
        _modify { yield &own.fields.urgency }
    }
    public var lifetime: Milliseconds {
        _read { yield place.fields.lifetime }
        _modify { yield &own.fields.lifetime }
    }
    /// Age when it came to this node.
    public var ageAtArrival: Milliseconds {
        _read { yield place.fields.ageAtArrival }
        _modify { yield &own.fields.ageAtArrival }
    }
    public var arrival: RelayTime {
        _read { yield place.fields.arrival }
        _modify { yield &own.fields.arrival }
    }
    public var arrivalWall: WallTime {
        _read { yield place.fields.arrivalWall }
        _modify { yield &own.fields.arrivalWall }
    }
    /// The peer it came from; nil when it was submitted or made here.
    public var origin: NodeID? {
        _read { yield place.fields.origin }
        _modify { yield &own.fields.origin }
    }
    public var destination: EndpointID {
        _read { yield place.fields.destination }
        _modify { yield &own.fields.destination }
    }
    public var reportTo: EndpointID {
        _read { yield place.fields.reportTo }
        _modify { yield &own.fields.reportTo }
    }
    public var wantsStatusReports: Bool {
        _read { yield place.fields.wantsStatusReports }
        _modify { yield &own.fields.wantsStatusReports }
    }
    /// Which of them; empty in rows of an earlier version.
    public var statusRequest: StatusRequest {
        _read { yield place.fields.statusRequest }
        _modify { yield &own.fields.statusRequest }
    }
    /// What covers its payload and is not checked here: "BIB" or "BCB".
    public var payloadCover: String? {
        _read { yield place.fields.payloadCover }
        _modify { yield &own.fields.payloadCover }
    }
    /// The other envelopes into which its document was split at its submission: they share its payload.
    public var siblings: [BundleID] {
        _read { yield place.fields.siblings }
        _modify { yield &own.fields.siblings }
    }
    /// The header as received; empty for what was made here.
    public var header: [UInt8] {
        _read { yield place.fields.header }
        _modify { yield &own.fields.header }
    }
    public var document: DocumentDescription? {
        _read { yield place.fields.document }
        _modify { yield &own.fields.document }
    }
    /// The way so far, this node included as last stop.
    public var path: [PathStop] {
        _read { yield place.fields.path }
        _modify { yield &own.fields.path }
    }
    public var payloadLength: UInt64 {
        _read { yield place.fields.payloadLength }
        _modify { yield &own.fields.payloadLength }
    }
    /// Octets of it that are here and durable.
    public var receivedBytes: UInt64 {
        _read { yield place.fields.receivedBytes }
        _modify { yield &own.fields.receivedBytes }
    }
    /// Rows of the table `piece` that came in for it.
    public var pieceCount: UInt64 {
        _read { yield place.fields.pieceCount }
        _modify { yield &own.fields.pieceCount }
    }
    /// True when the payload lies in pieces (table `piece`) and not in the one extent `number`.
    public var isInPieces: Bool {
        _read { yield place.fields.isInPieces }
        _modify { yield &own.fields.isInPieces }
    }
    /// Counted in the stock of its origin and sender, as every envelope is from its first piece on.
    public var isStocked: Bool {
        _read { yield place.fields.isStocked }
        _modify { yield &own.fields.isStocked }
    }
    /// What it takes of the room beside its payload and what became of the promise for it (EnvelopeHolding.swift).
    public var holding: EnvelopeHolding {
        _read { yield place.fields.holding }
        _modify { yield &own.fields.holding }
    }
    /// The copies of which pieces have been sent, by slot: a mark on a piece counts for the copy of its slot only.
    public var sentMarks: [SentMarks] {
        _read { yield place.fields.sentMarks }
        _modify { yield &own.fields.sentMarks }
    }
    public var hopLimit: UInt64 {
        _read { yield place.fields.hopLimit }
        _modify { yield &own.fields.hopLimit }
    }
    public var hopCount: UInt64 {
        _read { yield place.fields.hopCount }
        _modify { yield &own.fields.hopCount }
    }
    public var recipients: [RecipientRow] {
        _read { yield place.fields.recipients }
        _modify { yield &own.fields.recipients }
    }
    /// When the last recipient ended; zero before.
    public var ended: RelayTime {
        _read { yield place.fields.ended }
        _modify { yield &own.fields.ended }
    }
    /// Where its row in `deadline` stands; zero: at its expiry (rows of an earlier version).
    public var nextLook: RelayTime {
        _read { yield place.fields.nextLook }
        _modify { yield &own.fields.nextLook }
    }
    /// Indexes of the recipients whose delay has been reported.
    public var delayed: [UInt64] {
        _read { yield place.fields.delayed }
        _modify { yield &own.fields.delayed }
    }
    /// What hops have answered lately, the oldest first; bounded.
    public var answers: [AnswerNote] {
        _read { yield place.fields.answers }
        _modify { yield &own.fields.answers }
    }
    /// The envelope that this one was a resubmission of, and those that its recipients were resubmitted in.
    public var formerly: BundleID? {
        _read { yield place.fields.formerly }
        _modify { yield &own.fields.formerly }
    }
    public var resubmittedAs: [BundleID] {
        _read { yield place.fields.resubmittedAs }
        _modify { yield &own.fields.resubmittedAs }
    }
    /// The name that it had before, as its header says, or as it came back; its payload is shared with nobody for that.
    public var formerName: BundleID? {
        _read { yield place.fields.formerName }
        _modify { yield &own.fields.formerName }
    }
    /// Where the payload lies, unless it lies in pieces: under its own number, or that of the envelope it is a resubmission of.
    public var extent: UInt64 {
        _read { yield place.fields.extent }
        _modify { yield &own.fields.extent }
    }

    /// The name that it had before, whether its payload is shared or not. Where it has had two, the one that others can know.
    public var former: BundleID? { formerName ?? formerly }
    /// The one before this one.
    public var predecessor: BundleID? { formerly ?? formerName }
    /// True when another envelope may need the same payload.
    public var sharesPayload: Bool { formerly != nil || !resubmittedAs.isEmpty || !siblings.isEmpty }
    public var expiry: RelayTime {
        arrival + Milliseconds(lifetime.count > ageAtArrival.count ? lifetime.count - ageAtArrival.count : 0)
    }
    public var isComplete: Bool { receivedBytes == payloadLength }
    public var isEnded: Bool { recipients.allSatisfy(\.state.isEnd) }
    /// This copy has been at a node and came here after a time: that the node had it then says nothing of this copy.
    public func hasReturned(from node: NodeID, after time: WallTime) -> Bool {
        time < arrivalWall && path.dropLast().contains { $0.node == node }
    }
    /// Ended because its other pieces were lost with an old store: it says nothing of a copy that comes whole.
    public var isLostInPart: Bool { !isComplete && recipients.contains { $0.reason == .lostInPart } }

    /// The bundle's age at a time, by residence.
    public func age(at now: RelayTime) -> Milliseconds { ageAtArrival + now.since(arrival) }

    public init(
        number: UInt64, bundle: BundleID, kind: EnvelopeKind, urgency: Urgency, lifetime: Milliseconds,
        ageAtArrival: Milliseconds, arrival: ClockReading, origin: NodeID?, destination: EndpointID,
        reportTo: EndpointID, payloadLength: UInt64
    ) {
        place = Place(
            Fields(
                number: number, bundle: bundle, kind: kind, urgency: urgency, lifetime: lifetime,
                ageAtArrival: ageAtArrival, arrival: arrival.relay, arrivalWall: arrival.wall, origin: origin,
                destination: destination, reportTo: reportTo, payloadLength: payloadLength, extent: number))
    }

    /// Remembers what a hop has answered for some recipients; the oldest go.
    public mutating func note(_ answer: String, of peer: NodeID, for indexes: [Int], _ time: WallTime) {
        for index in indexes { recipients[index].lastAnswer = "\(peer.name): \(answer)" }
        answers.append(AnswerNote(time: time, peer: peer, text: answer))
        if answers.count > AnswerNote.kept { answers.removeFirst(answers.count - AnswerNote.kept) }
    }
}

/// One answer of a hop that did not take an envelope.
public struct AnswerNote: Sendable, Hashable {
    public var time: WallTime
    public var peer: NodeID
    public var text: String

    /// So many are kept of one envelope.
    public static let kept = 8

    public init(time: WallTime, peer: NodeID, text: String) {
        self.time = time
        self.peer = peer
        self.text = text
    }
}

extension EnvelopeRow {
    /// The record of the row (docs/protocol.md, "Envelope row").
    public func encoded() -> [UInt8] {
        let named = document?.recipients.count ?? 0
        var out = RowWriter(capacity: 384 + header.count + recipients.count * 64 + named * 16 + path.count * 40)
        out.endpoint(bundle.source)
        out.number(bundle.creationTime)
        out.number(bundle.sequence)
        out.byte(kind.rawValue)
        out.byte(urgency.rawValue)
        out.byte((wantsStatusReports ? 1 : 0) | (isInPieces ? 2 : 0) | (document != nil ? 4 : 0) | (isStocked ? 8 : 0))
        out.number(lifetime.count)
        out.number(ageAtArrival.count)
        out.number(arrival.milliseconds)
        out.number(arrivalWall.milliseconds)
        out.node(origin)
        out.endpoint(destination)
        out.endpoint(reportTo)
        out.blob(header)
        out.number(payloadLength)
        out.number(receivedBytes)
        Self.write(sentMarks.first ?? SentMarks(), to: &out)
        out.number(hopLimit)
        out.number(hopCount)
        // That of the first recipient; of the others as an extra, where it is another one.
        out.text(recipients.first?.lastAnswer ?? "")
        out.number(ended.milliseconds)
        if let document { Self.write(document, to: &out) }
        out.number(UInt64(path.count))
        for stop in path {
            out.node(stop.node)
            out.number(stop.time.milliseconds)
        }
        out.number(UInt64(recipients.count))
        for index in recipients.indices { Self.write(recipients[index], to: &out) }
        out.number(UInt64(max(sentMarks.count, 1) - 1))
        for marks in sentMarks.dropFirst() { Self.write(marks, to: &out) }
        out.number(nextLook.milliseconds)
        out.number(UInt64(delayed.count))
        for index in delayed { out.number(index) }
        out.number(UInt64(answers.count))
        for answer in answers {
            out.number(answer.time.milliseconds)
            out.node(answer.peer)
            out.text(answer.text)
        }
        out.number(pieceCount)
        writeExtras(to: &out)
        return out.record()
    }

    private static func write(_ marks: SentMarks, to out: inout RowWriter) {
        out.node(marks.peer)
        out.number(UInt64(marks.recipients.count))
        for index in marks.recipients { out.number(index) }
    }

    private static func readMarks(_ row: inout RowCursor) -> SentMarks {
        var marks = SentMarks()
        marks.peer = row.node()
        for _ in 0..<row.count() { marks.recipients.append(row.number()) }
        return marks
    }

    private static func write(_ document: DocumentDescription, to out: inout RowWriter) {
        out.text(document.sender.text)
        out.byte(document.urgency.rawValue)
        out.text(document.documentID)
        out.number(document.payloadLength)
        out.digest(document.digest)
        out.number(UInt64(document.recipients.count))
        for code in document.recipients { out.text(code.text) }
    }

    private static func write(_ recipient: RecipientRow, to out: inout RowWriter) {
        out.text(recipient.name)
        out.byte(recipient.state.rawValue)
        out.number(UInt64(recipient.routeClass))
        out.number(recipient.due.milliseconds)
        out.number(UInt64(recipient.attempts))
        out.number(recipient.since.milliseconds)
        out.node(recipient.peer)
        out.number(recipient.reason.rawValue)
        out.number(UInt64(recipient.refusedBy.count))
        for node in recipient.refusedBy { out.node(node) }
        out.number(recipient.refusedSince.milliseconds)
    }

    /// Nil when the record is corrupt.
    public init?(number: UInt64, record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        let bundle = BundleID(source: row.endpoint(), creationTime: row.number(), sequence: row.number())
        guard let kind = EnvelopeKind(rawValue: row.byte()), let urgency = Urgency(rawValue: row.byte()) else {
            return nil
        }
        let flags = row.byte()
        let lifetime = Milliseconds(row.number())
        let age = Milliseconds(row.number())
        let arrival = ClockReading(
            relay: RelayTime(milliseconds: row.number()), wall: WallTime(milliseconds: row.number()))
        let origin = row.node()
        let destination = row.endpoint()
        let reportTo = row.endpoint()
        let header = row.blob()
        self.init(
            number: number, bundle: bundle, kind: kind, urgency: urgency, lifetime: lifetime, ageAtArrival: age,
            arrival: arrival, origin: origin, destination: destination, reportTo: reportTo,
            payloadLength: row.number())
        self.header = header
        wantsStatusReports = flags & 1 != 0
        isInPieces = flags & 2 != 0
        isStocked = flags & 8 != 0
        receivedBytes = row.number()
        sentMarks = [Self.readMarks(&row)]
        hopLimit = row.number()
        hopCount = row.number()
        let lastAnswer = row.text()
        ended = RelayTime(milliseconds: row.number())
        if flags & 4 != 0 {
            guard let read = Self.readDocument(&row) else { return nil }
            document = read
        }
        for _ in 0..<row.count() {
            guard let node = row.node() else { return nil }
            path.append(PathStop(node: node, time: WallTime(milliseconds: row.number())))
        }
        let recipientCount = row.count()
        recipients.reserveCapacity(recipientCount)
        for _ in 0..<recipientCount {
            guard var recipient = Self.readRecipient(&row) else { return nil }
            recipient.lastAnswer = lastAnswer
            recipients.append(recipient)
        }
        if !row.isAtEnd {
            for _ in 0..<row.count() { sentMarks.append(Self.readMarks(&row)) }
        }
        if !row.isAtEnd {
            nextLook = RelayTime(milliseconds: row.number())
            for _ in 0..<row.count() { delayed.append(row.number()) }
            for _ in 0..<row.count() {
                let time = WallTime(milliseconds: row.number())
                guard let peer = row.node() else { return nil }
                answers.append(AnswerNote(time: time, peer: peer, text: row.text()))
            }
        }
        if !row.isAtEnd { pieceCount = row.number() }
        guard readExtras(&row), row.isSound else { return nil }
    }

    private static func readDocument(_ row: inout RowCursor) -> DocumentDescription? {
        let sender = row.agency()
        guard let urgency = Urgency(rawValue: row.byte()) else { return nil }
        let documentID = row.text()
        let length = row.number()
        let digest = row.digest()
        let count = row.count()
        var recipients: [AgencyCode] = []
        recipients.reserveCapacity(count)
        for _ in 0..<count { recipients.append(row.agency()) }
        guard row.isSound else { return nil }
        return DocumentDescription(
            sender: sender, recipients: recipients, urgency: urgency, documentID: documentID, payloadLength: length,
            digest: digest)
    }

    private static func readRecipient(_ row: inout RowCursor) -> RecipientRow? {
        let name = row.text()
        guard let state = RecipientState(rawValue: row.byte()) else { return nil }
        let routeClass = row.number()
        let due = RelayTime(milliseconds: row.number())
        let attempts = row.number()
        let since = RelayTime(milliseconds: row.number())
        guard routeClass <= UInt32.max, attempts <= UInt32.max else { return nil }
        var recipient = RecipientRow(
            name: name, state: state, routeClass: UInt32(routeClass), due: due, since: since)
        recipient.attempts = UInt32(attempts)
        recipient.peer = row.node()
        recipient.reason = ReportReason(rawValue: row.number())
        for _ in 0..<row.count() {
            guard let node = row.node() else { return nil }
            recipient.refusedBy.append(node)
        }
        recipient.refusedSince = RelayTime(milliseconds: row.number())
        return row.isSound ? recipient : nil
    }
}
