// ReportRow: one line of the report record (docs/protocol.md, administrative record 65536): what became of one recipient.

/// The state of one (envelope, recipient) as its reporter saw it.
public enum ReportedState: UInt8, Sendable, CaseIterable {
    /// Durable at the recipient's home node.
    case arrived = 1
    /// The agency has taken it. Final at the submitter.
    case delivered = 2
    /// A node in the path could not take custody for this recipient.
    case refused = 3
    /// The lifetime ended.
    case expired = 4
    /// An operator deleted it.
    case deleted = 5
    /// It has been somewhere for longer than it should: a word of warning, never an end, and any other state says more. It has no
    /// number of its own on the wire (docs/protocol.md, 4).
    case delayed = 6
}

/// Why a state was reached; the numbers 0...11 are the RFC's status report reasons (RFC 9171, 9.5).
public struct ReportReason: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let none = ReportReason(rawValue: 0)
    public static let lifetimeExpired = ReportReason(rawValue: 1)
    public static let forwardedUnidirectional = ReportReason(rawValue: 2)
    public static let transmissionCancelled = ReportReason(rawValue: 3)
    public static let depletedStorage = ReportReason(rawValue: 4)
    public static let destinationUnavailable = ReportReason(rawValue: 5)
    public static let noKnownRoute = ReportReason(rawValue: 6)
    public static let noTimelyContact = ReportReason(rawValue: 7)
    public static let blockUnintelligible = ReportReason(rawValue: 8)
    public static let hopLimitExceeded = ReportReason(rawValue: 9)
    public static let trafficPared = ReportReason(rawValue: 10)
    public static let blockUnsupported = ReportReason(rawValue: 11)
    /// Private: the agency is in no directory here.
    public static let unknownAgency = ReportReason(rawValue: 65_536)
    /// Private: the rights of the link or of the caller forbid it.
    public static let notAuthorised = ReportReason(rawValue: 65_537)
    /// Private: the copy went in a circle and no hop outside its path exists.
    public static let loop = ReportReason(rawValue: 65_538)
    /// Private: every next hop said no for longer than the grace.
    public static let refusedByNextHop = ReportReason(rawValue: 65_539)
    /// Private: the payload does not have the digest that its document block names.
    public static let digestMismatch = ReportReason(rawValue: 65_540)
    /// Private, of a delay: it has arrived, and the agency has not taken it.
    public static let notPickedUp = ReportReason(rawValue: 65_541)
    /// Private, of a delay: it waits at a node to be sent on.
    public static let stillQueued = ReportReason(rawValue: 65_542)
    /// Private, of a delay: handed on, and nobody has said since what became of it. Only the submitter's node notes this.
    public static let noReport = ReportReason(rawValue: 65_543)
    /// Private, never reported: it was here in part when the store was lost, and its other pieces were lost with it.
    public static let lostInPart = ReportReason(rawValue: 65_544)
    /// Private: another document is known at its home under its number.
    public static let numberTaken = ReportReason(rawValue: 65_545)
    /// Private, in the books of its source only: it goes on under a new name, that of a new envelope.
    public static let renamed = ReportReason(rawValue: 65_546)
    /// Private, of a delay: a node has it, and cannot read it any more; the submitter may send it again.
    public static let unreadable = ReportReason(rawValue: 65_552)
    /// Private: every next hop refused it as made in the future; the clock of its source was ahead when it was accepted.
    public static let clockWasAhead = ReportReason(rawValue: 65_550)

    /// Of a delay: who said it has never had the copy and refuses it; the hop before it tries on.
    public var isOfRefusal: Bool {
        switch self {
        case .loop, .lifetimeExpired, .hopLimitExceeded, .notAuthorised, .unknownAgency, .noKnownRoute,
            .depletedStorage, .digestMismatch, .blockUnintelligible, .refusedByNextHop:
            true
        default: false
        }
    }

    /// The word that tools show.
    public var word: String {
        switch rawValue {
        case 0: "no additional information"
        case 1: "lifetime expired"
        case 2: "forwarded over unidirectional link"
        // Only an operator does; who and why, his node knows.
        case 3: "transmission cancelled by an operator"
        case 4: "depleted storage"
        case 5: "destination unavailable"
        case 6: "no known route"
        case 7: "no timely contact"
        case 8: "block unintelligible"
        case 9: "hop limit exceeded"
        case 10: "traffic pared"
        case 11: "block unsupported"
        case 65_536: "unknown agency"
        case 65_537: "not authorised"
        case 65_538: "loop"
        case 65_539: "refused by every next hop"
        case 65_540: "digest mismatch"
        case 65_541: "not picked up"
        case 65_542: "still queued"
        case 65_543: "no report has come"
        case 65_544: "lost in part with an old store"
        case 65_545: "another document is known under its number"
        case 65_546: "goes on under a new name"
        case 65_552: "unreadable in a node's store"
        case 65_550: "refused as made in the future: the sender's clock was ahead"
        default: "reason \(rawValue)"
        }
    }
}

/// One row of a report record.
public struct ReportRow: Hashable, Sendable {
    public var bundle: BundleID
    public var recipient: AgencyCode
    public var state: ReportedState
    public var time: WallTime
    public var reason: ReportReason
    /// The way of the copy up to and including the reporter, which is the last stop.
    public var path: [PathStop]
    public init(
        bundle: BundleID, recipient: AgencyCode, state: ReportedState, time: WallTime, reason: ReportReason,
        path: [PathStop]
    ) {
        self.bundle = bundle
        self.recipient = recipient
        self.state = state
        self.time = time
        self.reason = reason
        self.path = path
    }
    /// More than it takes as a row or in a record: texts, and numbers at their longest.
    public var octetsAtMost: Int {
        var octets = 96 + bundle.source.textOctetsAtMost + recipient.text.utf8.count
        for stop in path { octets += 24 + stop.node.endpoint.textOctetsAtMost }
        return octets
    }
    /// Rows in one report record at most.
    public static let rowsPerRecordMax = 500
}
