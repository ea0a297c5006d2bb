// Offer: what a peer proposes to hand over, as far as the decisions need it. The payload itself never comes here.

import RelayModel

/// Names one offer, one dispatch or one session within the life of the process. Given out by the shell, never reused.
public struct Ticket: Hashable, Sendable, Comparable {
    public var number: UInt64
    public init(_ number: UInt64) { self.number = number }
    /// Tickets are looked up several times for every envelope. They are given out here, one after the other, so their places in a table
    /// need no protection from who would choose them.
    public func _rawHashValue(seed: Int) -> Int {
        let mixed = (number ^ UInt64(truncatingIfNeeded: seed)) &* 0x9e37_79b9_7f4a_7c15
        return Int(truncatingIfNeeded: mixed ^ mixed >> 32)
    }
    public static func < (left: Ticket, right: Ticket) -> Bool { left.number < right.number }
}

/// A bundle as offered by a peer: its header in values, and the header's bytes to be stored with it.
public struct Offer: Sendable {
    private struct Fields: Sendable {
        var ticket: Ticket
        var session: Ticket
        var bundle: BundleID
        var destination: EndpointID
        var reportTo: EndpointID
        var piece: PieceRange?
        var payloadLength: UInt64
        var lifetime: Milliseconds
        var age: Milliseconds?
        var hopLimit: UInt64?
        var hopCount: UInt64?
        var isAdministrative: Bool
        var wantsStatusReports: Bool
        var document: DocumentDescription?
        var copy: CopyDescription?
        var statusRequest: StatusRequest = []
        var payloadCover: String?
        var header: [UInt8]
        var formerName: BundleID?
        var isReturn: Bool = false
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
    public var bundle: BundleID {
        _read { yield place.fields.bundle }
        _modify { yield &own.fields.bundle }
    }
    public var destination: EndpointID {
        _read { yield place.fields.destination }
        _modify { yield &own.fields.destination }
    }
    public var reportTo: EndpointID {
        _read { yield place.fields.reportTo }
        _modify { yield &own.fields.reportTo }
    }
    /// Nil for a whole bundle.
    public var piece: PieceRange? {
        _read { yield place.fields.piece }
        _modify { yield &own.fields.piece }
    }
    /// Octets of payload in this transfer.
    public var payloadLength: UInt64 {
        _read { yield place.fields.payloadLength }
        _modify { yield &own.fields.payloadLength }
    }
    /// Milliseconds, as the primary block says.
    public var lifetime: Milliseconds {
        _read { yield place.fields.lifetime }
        _modify { yield &own.fields.lifetime }
    }
    /// From the bundle age block, when there is one.
    public var age: Milliseconds? {
        _read { yield place.fields.age }
        _modify { yield &own.fields.age }
    }
    /// From the hop count block, when there is one.
    public var hopLimit: UInt64? {
        _read { yield place.fields.hopLimit }
        _modify { yield &own.fields.hopLimit }
    }
    public var hopCount: UInt64? {
        _read { yield place.fields.hopCount }
        _modify { yield &own.fields.hopCount }
    }
    public var isAdministrative: Bool {
        _read { yield place.fields.isAdministrative }
        _modify { yield &own.fields.isAdministrative }
    }
    /// True when the bundle's flags ask for RFC status reports (only foreign ones do).
    public var wantsStatusReports: Bool {
        _read { yield place.fields.wantsStatusReports }
        _modify { yield &own.fields.wantsStatusReports }
    }
    public var document: DocumentDescription? {
        _read { yield place.fields.document }
        _modify { yield &own.fields.document }
    }
    public var copy: CopyDescription? {
        _read { yield place.fields.copy }
        _modify { yield &own.fields.copy }
    }
    /// Which of them, each by itself, and whether with the time.
    public var statusRequest: StatusRequest {
        _read { yield place.fields.statusRequest }
        _modify { yield &own.fields.statusRequest }
    }
    /// "BIB" or "BCB": the payload is under a block of RFC 9172, which nobody here can check or open.
    public var payloadCover: String? {
        _read { yield place.fields.payloadCover }
        _modify { yield &own.fields.payloadCover }
    }
    /// The bundle's header, encoded, from which the next hop's header is made. Opaque here.
    public var header: [UInt8] {
        _read { yield place.fields.header }
        _modify { yield &own.fields.header }
    }
    /// The name that it had before, from its block 242.
    public var formerName: BundleID? {
        _read { yield place.fields.formerName }
        _modify { yield &own.fields.formerName }
    }
    /// It goes back along its path (block 243).
    public var isReturn: Bool {
        _read { yield place.fields.isReturn }
        _modify { yield &own.fields.isReturn }
    }

    public init(
        ticket: Ticket, session: Ticket, bundle: BundleID, destination: EndpointID, reportTo: EndpointID,
        piece: PieceRange?, payloadLength: UInt64, lifetime: Milliseconds, age: Milliseconds?, hopLimit: UInt64?,
        hopCount: UInt64?, isAdministrative: Bool, wantsStatusReports: Bool, document: DocumentDescription?,
        copy: CopyDescription?, header: [UInt8]
    ) {
        place = Place(
            Fields(
                ticket: ticket, session: session, bundle: bundle, destination: destination, reportTo: reportTo,
                piece: piece, payloadLength: payloadLength, lifetime: lifetime, age: age, hopLimit: hopLimit,
                hopCount: hopCount, isAdministrative: isAdministrative, wantsStatusReports: wantsStatusReports,
                document: document, copy: copy, header: header))
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
