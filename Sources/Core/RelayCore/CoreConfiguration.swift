// CoreConfiguration: everything the decisions need to know that operators decide.

import RelayModel
import RelayRouting

/// How much may wait here for one origin; 0 is no limit.
public struct Quota: Sendable, Hashable {
    public var bytes: UInt64
    public var count: UInt64
    public init(bytes: UInt64 = 0, count: UInt64 = 0) {
        self.bytes = bytes
        self.count = count
    }
    public static let unlimited = Quota()
}

/// A neighbour, as the decisions see it.
public struct Peer: Sendable {
    private struct Fields: Sendable {
        var node: NodeID
        var dials: Bool
        var isEdoc: Bool
        var takesFragments: Bool
        var rights: SendRights
        var quota: Quota
        var allowsForeign: Bool = true
        var address: String
        var hasUrgentSession: Bool
    }

    private var place: Place<Fields>
    private var own: Place<Fields> { mutating get { Place.own(&place) } }

    public var node: NodeID {
        _read { yield place.fields.node }
        _modify { yield &own.fields.node }
    }
    public var dials: Bool {
        _read { yield place.fields.dials }
        _modify { yield &own.fields.dials }
    }
    /// Understands the document and copy blocks.
    public var isEdoc: Bool {
        _read { yield place.fields.isEdoc }
        _modify { yield &own.fields.isEdoc }
    }
    public var takesFragments: Bool {
        _read { yield place.fields.takesFragments }
        _modify { yield &own.fields.takesFragments }
    }
    /// What it may hand over, and to whom.
    public var rights: SendRights {
        _read { yield place.fields.rights }
        _modify { yield &own.fields.rights }
    }
    public var quota: Quota {
        _read { yield place.fields.quota }
        _modify { yield &own.fields.quota }
    }
    /// It may hand over bundles without a document block, for whose sender nobody vouches.
    public var allowsForeign: Bool {
        _read { yield place.fields.allowsForeign }
        _modify { yield &own.fields.allowsForeign }
    }
    /// Where it is dialled, as text: another one is tried at once.
    public var address: String {
        _read { yield place.fields.address }
        _modify { yield &own.fields.address }
    }
    /// A second session is kept with it, for what is urgent.
    public var hasUrgentSession: Bool {
        _read { yield place.fields.hasUrgentSession }
        _modify { yield &own.fields.hasUrgentSession }
    }
    public init(
        node: NodeID, dials: Bool, isEdoc: Bool = true, takesFragments: Bool = true,
        rights: SendRights = SendRights(), quota: Quota = .unlimited, address: String = "",
        hasUrgentSession: Bool = true
    ) {
        place = Place(
            Fields(
                node: node, dials: dials, isEdoc: isEdoc, takesFragments: takesFragments, rights: rights, quota: quota,
                address: address, hasUrgentSession: hasUrgentSession))
    }
}

/// Named limits of the core, all settable.
public struct CoreLimits: Sendable {
    public var lifetimeDefault = Milliseconds.days(30)
    public var lifetimeMax = Milliseconds.days(180)
    public var documentBytesMax: UInt64 = 8 << 30
    /// Envelopes chosen for links at the same time.
    public var activeMax = 20_000
    public var windowBytes: UInt64 = 16 << 20
    public var windowTransfers = 1_024
    public var dialBackoffMin = Milliseconds.seconds(1)
    public var dialBackoffMax = Milliseconds.minutes(5)
    public var envelopeBackoffMin = Milliseconds.seconds(5)
    public var envelopeBackoffMax = Milliseconds.minutes(30)
    public var pauseMin = Milliseconds.seconds(1)
    public var pauseMax = Milliseconds.minutes(1)
    public var refusalGrace = Milliseconds.hours(4)
    public var inDoubtWait = Milliseconds.minutes(2)
    public var inDoubtWaitUrgent = Milliseconds.seconds(5)
    public var failoverWait = Milliseconds.seconds(5)
    public var transitMemory = Milliseconds.days(7)
    public var historyMemory = Milliseconds.days(400)
    /// Of the store, used and free together; 0 is no limit.
    public var historyPercent: UInt64 = 0
    public var dedupMemory = Milliseconds.days(400)
    public var reportGather = Milliseconds(20)
    public var reportRowsMax = 500
    /// RFC status reports for foreign bundles that ask for them.
    public var statusReports = false
    public var reportLifetime = Milliseconds.days(30)
    /// How long a document may wait somewhere before its submitter is told; zero: never.
    public var delayAfter = Milliseconds.hours(4)
    public var delayAfterUrgent = Milliseconds.minutes(15)
    public var clockAheadMax = Milliseconds.hours(1)
    public var clockDisagreementMax = Milliseconds.minutes(5)
    public var hopLimit: UInt64 = 32
    public var senderQuota = Quota.unlimited
    /// Administrative records of others, by the peer that they came from.
    public var recordQuota = Quota.unlimited
    /// So long at most a record of others is kept, whatever its sender says.
    public var recordLifetimeMax = Milliseconds.days(30)
    /// Octets of a header beside its recipients and its path.
    public var headerBytesMax: UInt64 = 32 << 10
    /// Recipients of one document that is handed in here.
    public var recipientsMax = DocumentDescription.recipientsMax
    /// After so long without an octet a promise of room is taken back; zero: never.
    public var incomingWait = Milliseconds.hours(2)
    /// So many of the newest numbers are not indexed for operators yet: most envelopes leave before.
    public var indexWindow: UInt64 = 32_768
    /// How long a deed that can be undone can be undone.
    public var undoWindow = Milliseconds.minutes(15)
    /// How often the store is verified by itself; zero: never. Payloads are read at so many octets a second.
    public var verifyEvery = Milliseconds.zero
    public var verifyRate: UInt64 = 4 << 20
    public init() {}
}

/// Directory, routes, peers and limits of one node: replaced whole on reload.
public struct CoreConfiguration: Sendable {
    public var node: NodeID
    public var directory: Directory
    public var routes: RouteTable
    /// In the order of the configuration file.
    public var peers: [Peer]
    public var limits: CoreLimits
    /// Agencies at home here that take their documents from a directory; each once.
    public var spools: [Spool] = []
    /// The ways of other nodes, as far as the file of the network tells them.
    public var transit = TransitMap()
    /// Changes when a route, a home or the list of peers changes: the queue is then swept once.
    public let routesDigest: UInt64

    public init(node: NodeID, directory: Directory, routes: RouteTable, peers: [Peer], limits: CoreLimits) {
        self.node = node
        self.directory = directory
        self.routes = routes
        self.peers = peers
        self.limits = limits
        var hash = TextHash()
        // A reload makes this of a hundred thousand agencies, at home on few nodes.
        var homes: [NodeID: String] = [:]
        directory.each { code, home in
            hash.add(code.text)
            let text = homes[home] ?? home.text
            homes[home] = text
            hash.add(text)
        }
        for route in routes.rows {
            hash.add(route.target.text)
            for hop in route.via { hash.add(hop.text) }
        }
        for peer in peers { hash.add(peer.node.text) }
        routesDigest = hash.value
    }
}

/// A 64-bit FNV-1a over texts; tells whether something changed, nothing more.
private struct TextHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325
    mutating func add(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        value = (value ^ 0xff) &* 0x100_0000_01b3
    }
}

extension RouteTable {
    /// Next hops of an agency's copy, in order of preference; empty when no row fits.
    func hops(for agency: AgencyCode, home: NodeID) -> [NodeID] { lookup(agency, home: home)?.route.via ?? [] }
    /// Next hops to a node.
    func hops(forNode node: NodeID) -> [NodeID] { lookup(node: node)?.route.via ?? [] }
}
