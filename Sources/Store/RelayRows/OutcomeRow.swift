// OutcomeRow and OutcomeChangeRow: what the submitter's node knows of the end of each (document, recipient), and the log of what it has
// heard. The first stands in `outcome` for as long as the pair is not delivered (or for as long as history is kept), the second in
// `outcomeChange`, one for each change, in their order. Values.

import RelayModel

/// One pair that is not delivered.
public struct OutcomeRow: Sendable, Hashable {
    /// Nil: nothing has been heard yet.
    public var state: ReportedState?
    public var reason: ReportReason
    /// Who said it.
    public var reporter: NodeID?
    /// When, by the reporter's clock.
    public var time: WallTime
    /// When it came here; at first, when the document was handed in.
    public var changed: RelayTime
    /// Its last change in the log; 0: none.
    public var order: UInt64
    /// A bad end, or a delay, that no operator has acknowledged.
    public var isOpen: Bool
    public var about: OutcomeSubject

    public init(_ about: OutcomeSubject, accepted: RelayTime, wall: WallTime) {
        self.about = about
        state = nil
        reason = .none
        reporter = nil
        time = wall
        changed = accepted
        order = 0
        isOpen = false
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 208)
        out.byte(state?.rawValue ?? 0)
        out.number(reason.rawValue)
        out.node(reporter)
        out.number(time.milliseconds)
        out.number(changed.milliseconds)
        out.number(order)
        out.byte(isOpen ? 1 : 0)
        about.write(to: &out)
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        let byte = row.byte()
        state = ReportedState(rawValue: byte)
        guard byte == 0 || state != nil else { return nil }
        reason = ReportReason(rawValue: row.number())
        reporter = row.node()
        time = WallTime(milliseconds: row.number())
        changed = RelayTime(milliseconds: row.number())
        order = row.number()
        isOpen = row.byte() != 0
        guard let about = OutcomeSubject(&row), row.isSound else { return nil }
        self.about = about
    }
}

/// Which document and recipient; the same in both tables.
public struct OutcomeSubject: Sendable, Hashable {
    public var bundle: BundleID
    public var recipient: AgencyCode
    /// Of the envelope here.
    public var number: UInt64
    public var urgency: Urgency
    /// Empty where the document's row had gone before this was kept.
    public var sender: String
    public var documentID: String

    public init(
        bundle: BundleID, recipient: AgencyCode, number: UInt64, urgency: Urgency, sender: String, documentID: String
    ) {
        self.bundle = bundle
        self.recipient = recipient
        self.number = number
        self.urgency = urgency
        self.sender = sender
        self.documentID = documentID
    }

    fileprivate func write(to out: inout RowWriter) {
        out.endpoint(bundle.source)
        out.number(bundle.creationTime)
        out.number(bundle.sequence)
        out.text(recipient.text)
        out.number(number)
        out.byte(urgency.rawValue)
        out.text(sender)
        out.text(documentID)
    }

    fileprivate init?(_ row: inout RowCursor) {
        bundle = BundleID(source: row.endpoint(), creationTime: row.number(), sequence: row.number())
        recipient = row.agency()
        number = row.number()
        guard let urgency = Urgency(rawValue: row.byte()) else { return nil }
        self.urgency = urgency
        sender = row.text()
        documentID = row.text()
    }
}

/// One change of what is known.
public struct OutcomeChangeRow: Sendable, Hashable {
    public var state: ReportedState
    public var reason: ReportReason
    public var reporter: NodeID?
    public var time: WallTime
    public var changed: RelayTime
    public var about: OutcomeSubject
    /// Of one that is renamed: the name under which the document goes on to this recipient.
    public var successor: BundleID?

    public init(
        _ about: OutcomeSubject, state: ReportedState, reason: ReportReason, reporter: NodeID?, time: WallTime,
        changed: RelayTime
    ) {
        self.about = about
        self.state = state
        self.reason = reason
        self.reporter = reporter
        self.time = time
        self.changed = changed
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 208)
        out.byte(state.rawValue)
        out.number(reason.rawValue)
        out.node(reporter)
        out.number(time.milliseconds)
        out.number(changed.milliseconds)
        about.write(to: &out)
        if let successor {
            out.endpoint(successor.source)
            out.number(successor.creationTime)
            out.number(successor.sequence)
        }
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record), let state = ReportedState(rawValue: row.byte()) else { return nil }
        self.state = state
        reason = ReportReason(rawValue: row.number())
        reporter = row.node()
        time = WallTime(milliseconds: row.number())
        changed = RelayTime(milliseconds: row.number())
        guard let about = OutcomeSubject(&row) else { return nil }
        self.about = about
        if !row.isAtEnd {
            successor = BundleID(source: row.endpoint(), creationTime: row.number(), sequence: row.number())
        }
        guard row.isSound else { return nil }
    }
}

extension Keys {
    /// What is under way stands before what has ended badly or is late, so that the few are found without going through the many.
    public static func outcomes(isBad: Bool) -> RowKey {
        var key = RowKey()
        key.append(UInt8(isBad ? 1 : 0))
        return key
    }
    /// The sequence number of a bundle of this node is its own among all that this node has made.
    public static func outcomes(isBad: Bool, of bundle: BundleID) -> RowKey {
        outcomes(isBad: isBad).adding(bundle.sequence)
    }
    public static func outcome(isBad: Bool, _ bundle: BundleID, _ recipient: AgencyCode) -> RowKey {
        var key = outcomes(isBad: isBad, of: bundle)
        key.append(text: recipient.text)
        return key
    }
    public static func outcomeChange(_ order: UInt64) -> RowKey { RowKey(order) }
}
