// RelayCore: the decisions. A value that takes events and the time and gives back effects; it reads and changes rows only in
// the transaction that it is handed, opens no file, reads no clock, draws no random number but from its own seeded generator,
// and never sees a byte of payload. It is used by one thread (the engine's), and by the simulator.
//
// Failures: an unreadable row is set aside in the table `corrupt` and named in a notice; a row that cannot be written makes
// the transaction fail as a whole, and the engine then builds a new core from the store. A contradiction in its own books is a
// bug and traps with a sentence.

import RelayModel
import RelayRouting
import RelayRows
import Trap

/// Writes a report record's payload to an extent and answers its length in octets. The engine supplies it, because the core
/// knows no wire format.
public typealias ReportWriter =
    @Sendable (
        _ report: AdministrativeContent, _ extent: UInt64, _ rows: any RowTransaction
    ) -> UInt64

/// The two kinds of administrative record that a node makes.
public enum AdministrativeContent {
    /// Rows of our own report record, for one destination node.
    case rows([ReportRow])
    /// What is refused of what a neighbour has offered, or handed on.
    case refusals(RefusalNotice)
    /// An RFC status report (RFC 9171, 6.1.1) for a foreign envelope that asks for one.
    case status(StatusNote)

    /// Its rows are kept until there is a route.
    var waits: Bool { if case .rows = self { true } else { false } }
}

/// One decision's surroundings: the clocks and the head room as read once for the batch, the open transaction, and what is to
/// be done after it is durable.
public struct Turn {
    public let now: ClockReading
    public let room: HeadRoom
    public let rows: any RowTransaction
    public var effects: [Effect] = []
    /// Payload octets promised in this turn, which the head room does not show yet.
    var promisedBytes: UInt64 = 0
    /// What of the free room is kept for each neighbour; counted once a turn, when room is short.
    var keptRoom: KeptRoom?
    /// What was looked at for the inputs of this turn, in recipients of an envelope: what is asked in a hundred octets may be about
    /// envelopes of a thousand. The engine ends its batch by it.
    public private(set) var work = 0
    /// What history says of numbers that 0.3 has remembered.
    var pastOfNumbers: [NumberName: [String: NumberPast]] = [:]
    /// Chunk rows that this turn may still remove; more go by and by, so that no transaction grows without bound.
    var removalsLeft = 2_048
    /// Recipients that deadlines, reloads and the like may still change in this turn: each costs some rows.
    var recipientsLeft = 2_048
    /// Recipients that may still be looked at for what neighbours say of refusals. What is beyond that is not heard: it is a warning.
    var refusalLooksLeft = 8_192

    /// `isLean`: a batch before this one found no room, so that this one changes as little as it can.
    public init(now: ClockReading, room: HeadRoom, rows: any RowTransaction, isLean: Bool = false) {
        self.now = now
        self.room = room
        self.rows = rows
        guard room.isTight || isLean else { return }
        removalsLeft = isLean ? 16 : min(removalsLeft, room.removalsMax)
        if isLean { recipientsLeft = 16 }
    }

    /// An envelope's row was looked at, with so many recipients.
    mutating func looked(recipients: Int) { work += 8 + recipients }
    /// Rows of a few fields.
    mutating func looked(smallRows: Int) { work += smallRows * 4 }
}

/// The decisions of one node.
public struct RelayCore: Sendable {
    public internal(set) var configuration: CoreConfiguration
    var limits: CoreLimits { configuration.limits }
    var node: NodeID { configuration.node }

    /// Drawn at every start: the upper half of every sequence number made here.
    public internal(set) var incarnation: UInt32
    var nextNumber: UInt64
    var nextCounter: UInt32
    var metaChanged = false
    /// Documents that were put into inboxes since the start, for those who wait for them.
    var arrivals: UInt64 = 0

    var numbers = Numbers()
    /// Envelopes of this node that get a new name; nothing is sent before all have it.
    var renaming: RenamePass?
    /// Sessions of a node that has another one already, and is asked for a sign of life.
    var pendingSessions: [PendingSession] = []
    /// The clocks at the last offer or arrival.
    var reading: ClockReading?
    /// Of the memory of arrivals; nil before the first of them.
    var seenKey: KeyedHash?
    var peers: PeerTable
    var sessions = ApartTable<Ticket, SessionState>()
    /// Session tickets in the order of their establishment; iteration must not depend on hashing.
    var sessionOrder: [Ticket] = []
    var classes = RouteClasses()
    var lanes: [LaneKey: Lane] = [:]
    var wetLanes = WetLanes()
    /// The lanes whose first row is not due yet, and when it is.
    var laneWaits: [LaneKey: RelayTime] = [:]
    var active: [UInt64: ActiveEnvelope] = [:]
    /// Rows that were written in this turn, as they were written: most go on a link at its end, and need not be read for that.
    var fresh: [UInt64: EnvelopeRow] = [:]
    /// Active envelopes whose rows in the store are behind.
    var lateRows = LateRows()
    /// Envelopes whose copies on links are others than at the last picture (CorePicture.swift).
    var activeChanges: [UInt64] = []
    var dispatches: [Ticket: DispatchState] = [:]
    var nextDispatch: UInt64 = 1
    var offers: [Ticket: OpenOffer] = [:]
    var submissions: [Ticket: OpenSubmission] = [:]
    var openOnes = OpenOnes()
    var stagedBytes: UInt64 = 0
    /// What is being received for sender agencies.
    var openShares = OpenShares()
    /// Opened since the last commit: `staging` does not name them yet.
    var unmarked: [Ticket] = []
    var shareRefusals = ShareRefusals()
    /// When a document was last refused for want of room.
    var shortageAt: RelayTime?
    var doubts = Doubts()
    var wakeups = WakeupList()
    /// Shares at next hops that are used up.
    var reoffers = Reoffers()
    var gathering = ReportGathering()
    var ledger = Ledger()
    /// For monitors.
    public internal(set) var hopTimes = HopTimes()
    var clockJudge = ClockJudge()
    /// What the record that comes next said of its age.
    var recordHeard: RecordHeard?
    var homeFeatures = HomeFeatures()
    var sweep: RouteSweep?
    /// Counts what may have changed the books: an offer that comes whole with nothing between is judged once.
    var decisions: UInt64 = 0
    var indexing: IndexPass?
    /// Envelopes with lower numbers have their index rows; those in the store that have none yet.
    var indexedBelow: UInt64 = 0
    var unindexed: Set<UInt64> = []
    var jobs = JobBook()
    /// A job that waits for links to give back what they have not begun.
    var recallWait: RecallWait?
    /// Where the look for deletions without a job goes on.
    var deletionSweep = ScanPlace()
    var suspensions = Suspensions()
    var drain: DrainRow?
    /// The queues were found empty; nothing is accepted any more.
    var hasDrained = false
    /// Extents in `staging` are to be removed. Which ones, the table says: memory does not grow with them.
    var hasRemovals = false
    /// Whatever stands in `staging` below this number was left by the process before.
    let firstNumber: UInt64
    /// The last look at the lanes ended by its budget, not by their ends.
    var hasMoreToFeed = false
    /// Documents whose payload is being read back.
    var verifying: Set<UInt64> = []
    /// What was found at the start and has not been told: the transaction of the start has nobody to tell.
    var startNotices: [Effect] = []
    /// Envelopes of which a piece's record cannot be read.
    var damaged: Set<UInt64> = []
    /// Where the look at report rows without a creation time goes on.
    var timelessSweep: RowKey?
    var spools = SpoolTable()
    var housekeepingDue: RelayTime
    var started: RelayTime
    var random: SplitMix64
    var auditLog = AuditLog()
    var restoration: Restoration?
    var outcomes = OutcomeBook()
    var refusals = RefusalBook()
    var carriers = Carriers()
    /// The books are being made anew, and how it ended last.
    var reckoning: Reckoning?
    /// Tables whose damage is known and waits for the next start.
    var knownDamage = TableSet()
    public internal(set) var reckoned: ReckoningResult?
    /// Nil but in the simulator.
    var plantedBug: PlantedBug?
    let writeReport: ReportWriter
    /// Always nil: a value with an existential in it is used where it stands. Without one the compiler takes all of it, three thousand
    /// octets, to a place of its own before many calls of a method that changes nothing; fifty times an envelope.
    private let staysInPlace: (any Sendable)? = nil
    /// SHA-256, for the chain of the operator log; handed in, as the core knows no library for it.
    let hash: AuditHash
    /// Built to be asked only, from the store of a daemon that does not run.
    let isOffline: Bool
    /// Told which envelope is taken in hand, for the case of a crash; 0 when none is.
    public var inHand: @Sendable (UInt64) -> Void = { _ in }

    /// Builds the core from the store, in a transaction of its own. Costs as much with ten envelopes as with ten million.
    public init(
        configuration: CoreConfiguration, seed: UInt64, turn: inout Turn, writeReport: @escaping ReportWriter,
        hash: @escaping AuditHash, isOffline: Bool = false
    ) {
        self.configuration = configuration
        self.writeReport = writeReport
        self.hash = hash
        self.isOffline = isOffline
        random = SplitMix64(seed: seed)
        started = turn.now.relay
        housekeepingDue = turn.now.relay
        incarnation = UInt32(truncatingIfNeeded: turn.rows.number(.meta, "incarnation"))
        nextNumber = max(1, turn.rows.number(.meta, "nextNumber"), Self.numberAfterLast(turn.rows))
        firstNumber = nextNumber
        nextCounter = UInt32(truncatingIfNeeded: max(1, turn.rows.number(.meta, "nextCounter")))
        // Nobody knows how far an unreadable counter had come.
        if turn.rows.isUnreadable(.meta, "nextCounter") { nextCounter = .max }
        peers = PeerTable(configuration.peers, now: turn.now.relay)
        loadNumbers(turn.rows)
        loadSeenKey(turn.rows)
        let lastIncarnation = incarnation
        // Copies, roll-backs and clones that start must not give a number twice.
        if !isOffline || incarnation == 0 { drawIncarnation(turn.rows) }
        clockJudge.restore(turn.rows.number(.meta, "clockDoubted"))
        configureClock()
        let unreadable = classes.load(turn.rows)
        openLanes()
        hasRemovals = turn.rows.row(.staging, atOrAfter: RowKey()) != nil
        loadIndex(turn.rows)
        jobs.load(turn.rows)
        suspensions.load(turn.rows)
        drain = DrainRow.read(turn.rows)
        hasDrained = drain?.isDone ?? false
        markSuspendedPeers()
        gathering.load(turn.rows, now: turn.now.relay)
        ledger.load(turn.rows, now: turn.now.relay)
        doubts.load(turn.rows, now: turn.now.relay)
        auditLog.load(turn.rows, hash)
        outcomes.load(turn.rows)
        if outcomes.epoch == 0, !isOffline { beginOutcomes(after: lastIncarnation, &turn) }
        carriers.load(node, turn.rows) { configuration.directory.home(of: $0.recipient) == $0.reporter }
        loadRestoration(&turn)
        // Peers that were up before may come back at once; then others take over.
        wakeForFailover(turn.now.relay)
        if turn.rows.number(.meta, "routesDigest") != configuration.routesDigest {
            sweep = RouteSweep()
        }
        for (key, record) in unreadable {
            // What waited under this list of hops is routed anew.
            sweep = RouteSweep()
            setAside(.routeClass, key, record, &turn)
        }
        loadSpools(&turn)
        loadReckoning(&turn)
        startNotices = turn.effects
    }

    /// The decisions of a daemon that does not run, to be asked and never to be run.
    public init(offline configuration: CoreConfiguration, turn: inout Turn, hash: @escaping AuditHash) {
        self.init(
            configuration: configuration, seed: 0, turn: &turn,
            writeReport: { _, _, _ in trap("Decisions that are only asked make no reports.") },
            hash: hash, isOffline: true)
    }

    /// One above the last envelope that is here, whatever the counter's row says.
    private static func numberAfterLast(_ rows: any RowReader) -> UInt64 {
        guard let last = rows.row(.envelope, before: Keys.envelope(.max)) else { return 1 }
        return last.key.number(at: 0) + 1
    }

    /// What happened, one at a time.
    public mutating func handle(_ event: Event, _ turn: inout Turn) {
        decisions += 1
        if !event.leavesRowsLate { writeLateRows(turn.rows) }
        switch event {
        case .sessionEstablished(let session, let facts): sessionEstablished(session, facts, &turn)
        case .sessionEnding(let session): sessionEnding(session, turn.now.relay)
        case .sessionEnded(let session, let sentWhole, let reason):
            sessionEnded(session, sentWhole: sentWhole, reason: reason, &turn)
        case .dialFailed(let peer, let reason): dialFailed(peer, reason, &turn)
        case .contactRefused(let peer, let reason): contactRefused(peer, reason)
        case .transferAnswered(let session, let dispatch, let answer):
            // After the engine has started over, an old session's answer must not settle another envelope's transfer.
            if dispatches[dispatch]?.session == session { answered(dispatch, answer, &turn) }
        case .transferBegun(let session, let dispatch):
            if dispatches[dispatch]?.session == session { begun(dispatch, &turn) }
        case .reported(let ticket, let session, let reporter, let bundle, let rows):
            reported(ticket, session, reporter: reporter, bundle: bundle, rows, &turn)
        case .refusalsTold(let ticket, let session, let bundle, let notice):
            refusalsTold(ticket, session, bundle: bundle, notice, &turn)
        case .inboxAcknowledged(let ticket, let agency, let envelopes):
            inboxAcknowledged(ticket, agency, envelopes, &turn)
        case .documentVerified(let number, let matches): documentVerified(number, matches, &turn)
        case .refusedOutside(let key): ledger.count(key)
        case .documentUnreadable(let number): documentUnreadable(number, &turn)
        case .recordHeard(let ticket, let age): recordHeard = RecordHeard(ticket: ticket, age: age)
        case .featuresHeard(let ticket, let features): homeFeatures.heard = (ticket, features)
        case .reconfigured(let configuration):
            reconfigure(configuration, &turn)
            reconfigureSpools()
        case .handedOver(let ticket, let folder): handedOver(ticket, folder: folder, &turn)
        case .handOverFailed(let ticket, let failure): handOverFailed(ticket, failure, &turn)
        case .spoolStalled(let agency, let directory, let time): spoolStalled(agency, directory, after: time, &turn)
        case .spoolAnswers(let agency): spoolAnswers(agency, &turn)
        case .suspected(let numbers): suspected(numbers, &turn)
        case .clockDoubted(let isDoubted, let why): clockDoubted(isDoubted, why, &turn)
        case .audited(let deed, let ticket): audit(deed, &turn, ticket: ticket)
        case .restoredReleased(let ticket, let deed): restoredReleased(ticket, deed, &turn)
        case .restoredCompared(let ticket, let deed, let portion): restoredCompared(ticket, deed, portion, &turn)
        case .operated(let operation): operated(operation, &turn)
        case .sessionAnswered(let session): sessionAnswered(session, &turn)
        case .identityTwice(let session): identityTwice(session, &turn)
        case .storeDamaged(let why):
            // A list of next hops may be gone with its record: what waited under it is routed anew.
            sweep = RouteSweep()
            reckon(why, turn.rows)
        case .sessionMeasured(let session, let rate, let acknowledged): measured(session, rate, acknowledged)
        case .sessionSilent(let session): fellSilent(session, &turn)
        case .sessionAcknowledgesAgain(let session): answersAgain(session)
        }
    }

    /// Ends a batch: what is due by time, then what the links can take, then the counters. Call once before each commit.
    public mutating func finish(_ turn: inout Turn) {
        // Behind a change that was not taken reads answer nothing: there is nothing to decide by.
        if turn.rows.isFailed { return }
        decisions += 1
        writeLateRows(turn.rows)
        wake(turn.now.relay)
        suspensionsDue(&turn)
        pendingSessionsDue(&turn)
        if !isHoldingRestored { runJobs(&turn) }
        peersDue(&turn)
        silencesDue(&turn)
        holdRestored(&turn)
        compareRestored(&turn)
        releaseRestored(&turn)
        if !isHoldingRestored { deadlinesDue(&turn) }
        removeLeftovers(&turn)
        if !isHoldingRestored {
            sweepRoutes(&turn)
            buildIndex(&turn)
            verifyDocuments(&turn)
            feedSpools(&turn)
        }
        renameSince(&turn)
        setDamagedAside(&turn)
        runReckoning(&turn)
        gatherReports(&turn)
        tellRefusals(&turn)
        housekeeping(&turn)
        if !isHoldingRestored, renaming == nil { feedLinks(&turn) }
        placeFreshReports(&turn, intoRecords: false)
        fresh.removeAll(keepingCapacity: true)
        if turn.rows.isFailed { return }
        noticeEmpty(&turn)
        markStaged(&turn)
        publishAuditHead(&turn)
        writeNumbers(&turn)
        ledger.write(to: turn.rows, turn.now.relay)
        inHand(0)
    }

    /// The next time at which `finish` has something to do though nothing happened; nil when there is no such time.
    public func nextDeadline(_ rows: any RowReader) -> RelayTime? {
        var next = peers.nextDeadline
        func take(_ time: RelayTime?) {
            guard let time, time != .never else { return }
            if next == nil || time < next! { next = time }
        }
        take(linkDeadline)
        take(wakeups.first)
        take(gathering.due(limits))
        take(refusals.due)
        take(laneWaits.values.min())
        take(housekeepingDue)
        take(auditLog.due)
        if let row = rows.row(.deadline, atOrAfter: RowKey()) {
            take(RelayTime(milliseconds: row.key.number(at: 0)))
        }
        if hasRemovals || hasMoreToFeed || indexing != nil || restoration?.isBusy ?? false { take(.zero) }
        take(sweep?.notBefore)
        take(pendingSessions.map(\.due).min())
        if renaming != nil { take(.zero) }
        take(spools.due)
        take(jobsDeadline)
        take(suspensions.due)
        take(reckoningDue)
        return next
    }

    mutating func takeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        metaChanged = true
        return nextNumber
    }

    /// A bundle ID of this node, never given out before: the counter is durable, and a new incarnation begins when it is used up.
    mutating func takeBundleID(_ turn: inout Turn) -> BundleID {
        if nextCounter == .max { drawIncarnation(turn.rows) }
        let sequence = UInt64(incarnation) << 32 | UInt64(nextCounter)
        nextCounter += 1
        metaChanged = true
        // RFC 9171, 4.2.6: a node whose clock is not accurate says 0, and the age block tells the rest.
        return BundleID(
            source: node.endpoint, creationTime: clockJudge.isDoubted ? 0 : turn.now.wall.milliseconds,
            sequence: sequence)
    }
}

/// The generator that is passed in by its seed (Steele, Lea, Flood 2014): small, and the same everywhere.
public struct SplitMix64: Sendable {
    private var state: UInt64
    public init(seed: UInt64) { state = seed }
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
    /// A number in 0..<bound; the bias is below 2^-40 for the bounds used here.
    public mutating func next(below bound: UInt64) -> UInt64 { bound == 0 ? 0 : next() % bound }
}

/// Exponential backoff with full jitter in its upper half: between half the step and the step.
struct Backoff: Sendable {
    var minimum: Milliseconds
    var maximum: Milliseconds

    func delay(attempt: UInt32, random: inout SplitMix64) -> Milliseconds {
        let doublings = UInt64(min(attempt > 0 ? attempt - 1 : 0, 32))
        let step = min(minimum.count.saturatingTimes(1 << doublings), maximum.count)
        return Milliseconds(step / 2 + random.next(below: step / 2 + 1))
    }
}
