// CorePicture: the decisions as they stood behind a durable batch, for those who look at them from other threads. A copy of the core
// without what grows with the traffic (queues' places, offers, transfers, the active set), so that making one costs the same whatever
// is queued and under way. Of the active set it hands over what has changed; whoever keeps the pictures puts that together. To be asked,
// never to be run.

import RelayModel
import RelayRows

/// A copy of an envelope that is on a link.
public struct OnLink: Sendable, Hashable {
    public var peer: NodeID
    /// Indexes of the recipients in the envelope's row.
    public var recipients: [Int]
}

/// What one batch has changed of what operators see.
public struct PictureUpdate: Sendable {
    public let picture: CorePicture
    /// Envelopes of which other copies are on links than before; none: it is on no link any more.
    public let onLinks: [(number: UInt64, copies: [OnLink])]
}

/// The decisions at one moment.
public struct CorePicture: Sendable {
    private let core: RelayCore
    /// For the other files that answer from a picture.
    var asked: RelayCore { core }
    /// What is on links, of the envelopes that were asked for.
    public var onLinks: [UInt64: [OnLink]] = [:]
    public let activeCount: Int
    public let stagedOctets: UInt64

    fileprivate init(_ core: borrowing RelayCore) {
        activeCount = core.active.count
        stagedOctets = core.stagedBytes
        var kept = copy core
        kept.active = [:]
        kept.activeChanges = []
        kept.fresh = [:]
        kept.lateRows = LateRows()
        kept.lanes = [:]
        kept.wetLanes = WetLanes()
        kept.laneWaits = [:]
        kept.dispatches = [:]
        kept.offers = [:]
        kept.submissions = [:]
        kept.wakeups = WakeupList()
        kept.gathering = ReportGathering()
        kept.ledger = Ledger()
        kept.unindexed = []
        kept.unmarked = []
        kept.openShares = OpenShares()
        kept.jobs = JobBook()
        kept.recallWait = nil
        kept.verifying = []
        kept.damaged = []
        kept.auditLog = AuditLog()
        kept.restoration?.comparisons = []
        kept.sweep = nil
        kept.indexing = nil
        kept.startNotices = []
        kept.hopTimes = HopTimes()
        kept.inHand = { _ in }
        self.core = kept
    }

    /// The largest document that there is room for, when larger ones have lately been refused; nil: none was, or the store is full.
    /// `reserved`: the counter of what is promised to documents whose pieces are coming in.
    public func largestRefused(_ room: HeadRoom, reserved: UInt64, at now: RelayTime) -> UInt64? {
        guard core.hasRefusedLately(now) else { return nil }
        let largest = core.largestDocument(stagedOctets.addingSaturating(reserved), room)
        return largest > 0 && largest < core.configuration.limits.documentBytesMax ? largest : nil
    }

    public var peerViews: [PeerView] { core.peerViews }
    public func peerViews(at now: RelayTime) -> [PeerView] { core.peerViews(at: now) }
    /// The order of the last change of outcomes, and the epoch in which it counts.
    public var outcomeHead: (epoch: UInt32, order: UInt64) { core.outcomeHead }
    public var outcomeStart: UInt64 { core.outcomeStart }
    public var isClockDoubted: Bool { core.isClockDoubted }
    /// Documents that were put into inboxes since the start.
    public var arrivals: UInt64 { core.arrivals }
    public var spoolViews: [SpoolView] { core.spoolViews }
    /// What to tell a node that is, or says that it is, this one.
    public func greeting(for node: NodeID?, version: String, wall: WallTime? = nil) -> Greeting {
        core.greeting(for: node, version: version, wall: wall)
    }
    public var drainRow: DrainRow? { core.drainRow }
    public var suspensionRows: [SuspensionRow] { core.suspensionRows }

    public func explainRoute(_ asked: String, now: RelayTime) -> RouteView { core.explainRoute(asked, now: now) }

    /// Why one recipient of an envelope waits. `onLinks` says what is on links of it.
    public func wait(_ row: EnvelopeRow, _ index: Int, now: RelayTime) -> WaitView {
        core.wait(row, index, onLinks[row.number] ?? [], now: now)
    }

    /// Why a deed would pass over this pair; nil when it would not. `onLinks` says what is on links of its envelope.
    public func obstacle(
        _ deed: DeedCase, _ row: EnvelopeRow, _ index: Int, _ context: SelectorContext, now: RelayTime
    ) -> SkipCause? {
        core.obstacle(deed, row, index, onLinks[row.number] ?? [], context, now)
    }

    /// Would a release end it, because its lifetime is over?
    public func isEndedByRelease(_ row: EnvelopeRow, _ index: Int, now: RelayTime) -> Bool {
        core.isEndedByRelease(row, index, now: now)
    }

    /// What selectors need to know besides the rows.
    public func selectorContext(now: RelayTime) -> SelectorContext {
        var context = core.selectorContext(now: now, withActive: false)
        context.active = onLinks.mapValues { $0.flatMap(\.recipients) }
        return context
    }
}

extension RelayCore {
    /// The picture as of now, with what is on links.
    public var picture: CorePicture {
        var picture = CorePicture(self)
        picture.onLinks = active.mapValues { $0.onLinks }
        return picture
    }

    /// The picture behind this batch, and what of the active set is another than at the last call.
    public mutating func takePicture() -> PictureUpdate {
        // A document for many homes changes many times in a batch.
        var told: Set<UInt64> = []
        let changes = activeChanges.filter { told.insert($0).inserted }
            .map { (number: $0, copies: active[$0]?.onLinks ?? []) }
        activeChanges.removeAll(keepingCapacity: true)
        return PictureUpdate(picture: CorePicture(self), onLinks: changes)
    }
}

extension ActiveEnvelope {
    var onLinks: [OnLink] { copies.map { OnLink(peer: $0.peer, recipients: $0.recipients) } }
}
