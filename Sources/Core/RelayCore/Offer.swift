// Offer: what a peer proposes to hand over, as far as the decisions need it. The payload itself never comes here.

import RelayModel

/// Names one offer, one dispatch or one session within the life of the process. Given out by the shell, never reused.
public struct Ticket: Hashable, Sendable, Comparable {
    public var number: UInt64
    public init(_ number: UInt64) { self.number = number }
    /// As quick as the number's own: tickets are looked up several times for every envelope.
    public func _rawHashValue(seed: Int) -> Int { number._rawHashValue(seed: seed) }
    public static func < (left: Ticket, right: Ticket) -> Bool { left.number < right.number }
}

/// A bundle as offered by a peer: its header in values, and the header's bytes to be stored with it.
public struct Offer: Sendable {
    public var ticket: Ticket
    public var session: Ticket
    public var bundle: BundleID
    public var destination: EndpointID
    public var reportTo: EndpointID
    /// Nil for a whole bundle.
    public var piece: PieceRange?
    /// Octets of payload in this transfer.
    public var payloadLength: UInt64
    /// Milliseconds, as the primary block says.
    public var lifetime: Milliseconds
    /// From the bundle age block, when there is one.
    public var age: Milliseconds?
    /// From the hop count block, when there is one.
    public var hopLimit: UInt64?
    public var hopCount: UInt64?
    public var isAdministrative: Bool
    /// True when the bundle's flags ask for RFC status reports (only foreign ones do).
    public var wantsStatusReports: Bool
    public var document: DocumentDescription?
    public var copy: CopyDescription?
    /// Which of them, each by itself, and whether with the time.
    public var statusRequest: StatusRequest = []
    /// "BIB" or "BCB": the payload is under a block of RFC 9172, which nobody here can check or open.
    public var payloadCover: String?
    /// The bundle's header, encoded, from which the next hop's header is made. Opaque here.
    public var header: [UInt8]
    /// The name that it had before, from its block 242.
    public var formerName: BundleID?
    /// It goes back along its path (block 243).
    public var isReturn = false

    public init(
        ticket: Ticket, session: Ticket, bundle: BundleID, destination: EndpointID, reportTo: EndpointID,
        piece: PieceRange?, payloadLength: UInt64, lifetime: Milliseconds, age: Milliseconds?, hopLimit: UInt64?,
        hopCount: UInt64?, isAdministrative: Bool, wantsStatusReports: Bool, document: DocumentDescription?,
        copy: CopyDescription?, header: [UInt8]
    ) {
        self.ticket = ticket
        self.session = session
        self.bundle = bundle
        self.destination = destination
        self.reportTo = reportTo
        self.piece = piece
        self.payloadLength = payloadLength
        self.lifetime = lifetime
        self.age = age
        self.hopLimit = hopLimit
        self.hopCount = hopCount
        self.isAdministrative = isAdministrative
        self.wantsStatusReports = wantsStatusReports
        self.document = document
        self.copy = copy
        self.header = header
    }

    /// Its source is nobody (`dtn:none`, `ipn:0.0`): its name is not its own.
    public var isAnonymous: Bool { bundle.isAnonymous }

    /// Octets of the whole document.
    public var documentLength: UInt64 { piece?.total ?? payloadLength }
}

/// A document handed in at this node.
public struct Submission: Sendable {
    public var ticket: Ticket
    public var sender: AgencyCode
    /// As given, before the alias table.
    public var recipients: [String]
    public var urgency: Urgency
    public var documentID: String
    public var payloadLength: UInt64
    /// Nil: the configured default.
    public var lifetime: Milliseconds?
    /// Under which the caller may ask again what became of it; nil: under none.
    public var key: SubmissionKey?
    public init(
        ticket: Ticket, sender: AgencyCode, recipients: [String], urgency: Urgency, documentID: String,
        payloadLength: UInt64, lifetime: Milliseconds?, key: SubmissionKey? = nil
    ) {
        self.key = key
        self.ticket = ticket
        self.sender = sender
        self.recipients = recipients
        self.urgency = urgency
        self.documentID = documentID
        self.payloadLength = payloadLength
        self.lifetime = lifetime
    }
}

/// The reason with which a transfer is refused (RFC 9174, 5.2.4, table 7).
public enum Refusal: UInt8, Sendable, CaseIterable {
    case unknown = 0
    case completed = 1
    case noResources = 2
    case retransmit = 3
    case notAcceptable = 4
    case extensionFailure = 5
    case sessionTerminating = 6
    /// *Not Acceptable*, because another document is known under its number. Of private use; said only to who understands `returns`.
    case numberTaken = 0xf1
}
