// World: nodes, links, agencies, clocks and faults on one thread, from one seed. It runs the daemon's own engine on the memory
// store, and carries effects only out of the result of a commit. Checkers that share no code with the decisions look at the
// stores, at what agencies received and at what links carried. A run fails with a sentence; nothing here does I/O.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import RelaySession
import RelayStore
import Trap

/// One that a run may be asked to find.
public typealias PlantedMistake = PlantedBug

/// What is asked of one run.
public struct Plan: Sendable {
    public var topology: Topology
    public var seed: UInt64
    /// Simulated milliseconds with load and faults; afterwards the world is healed and has to come to rest.
    public var duration: UInt64
    /// Real session machines and codecs, instead of values.
    public var usesConversations: Bool
    public var hasFaults: Bool
    /// Documents handed in, about.
    public var documents: Int
    public var keepsLines: Bool
    /// Simulated milliseconds between two deeds of operators, about; zero: none. Only in a world with faults.
    public var operatorGap: UInt64
    /// Nodes are put back to earlier states, stopped or running, and clones take turns with their originals. Nothing else goes wrong.
    public var goesBack = false
    /// Simulated milliseconds between two deeds of the hostile, about; zero: none. Only in a world with faults.
    public var hostileGap: UInt64
    /// A mistake made on purpose in every node, to see whether it is found.
    public var planted: PlantedBug?
    /// One leaf wants more than its share of its neighbours (World+Hoarders.swift). For links of values only.
    public var hoards = false
    /// Each node that is no leaf has a tight share for every sender, and one of its neighbours is away for half of the time.
    public var isTight = false

    public init(
        topology: Topology, seed: UInt64, duration: UInt64 = 300_000, usesConversations: Bool = false,
        hasFaults: Bool = true, documents: Int = 120, keepsLines: Bool = false, operatorGap: UInt64 = 8_000,
        hostileGap: UInt64 = 12_000, planted: PlantedMistake? = nil
    ) {
        self.hostileGap = hostileGap
        self.planted = planted
        self.topology = topology
        self.seed = seed
        self.duration = duration
        self.usesConversations = usesConversations
        self.hasFaults = hasFaults
        self.documents = documents
        self.keepsLines = keepsLines
        self.operatorGap = operatorGap
    }
}

/// What became of one run.
public struct Outcome: Sendable {
    public var failure: String?
    public var hash: UInt64
    public var steps: UInt64
    public var summary: Summary
    public var lastLines: [String]
}

/// What happened in a run, in numbers.
public struct Summary: Sendable, Hashable {
    public var accepted = 0
    public var refusedSubmissions = 0
    public var pairs = 0
    public var delivered = 0
    public var endedOtherwise = 0
    public var batches = 0
    public var crashes = 0
    public var cuts = 0
    public var freezes = 0
    public var silences = 0
    public var fullCommits = 0
    /// Batches that were tried again in smaller parts, and inputs that had no room by themselves.
    public var narrowed = 0
    public var outgrown = 0
    public var faults = 0
    public var completedAnswers = 0
    public var operations = 0
    /// How often a node went back, and how many envelopes were renamed for it.
    public var wentBack = 0
    /// What a hoarder has tried.
    public var hoarded = 0
    /// Offers that were refused because the share of their sender was used up.
    public var shareRefusals = 0
    public var renamed = 0
    /// Transfers that links were asked for, and those that they gave back.
    public var recalls = 0
    public var recalled = 0
    /// Urgent documents whose time over a slow line was judged.
    public var timed = 0
}

enum Happening {
    case batch(node: Int, life: Int)
    case release(node: Int, life: Int, effects: [Effect])
    case packets(session: Int, from: Int)
    case lost(session: Int, end: Int)
    case sessionTimer(session: Int, end: Int)
    case silence(session: Int, end: Int)
    case ratesReturn(session: Int, rates: [UInt64])
    case dialled(from: Int, life: Int, to: NodeID)
    case restart(node: Int)
    case submit
    case pick(node: Int)
    case spoolStep(node: Int, life: Int, HandOver, isEnd: Bool)
    case fault
    case fullDiskEnds(node: Int)
    case edgeOpens(Int, Int)
    case bytesOfSubmission(node: Int, life: Int, Ticket, ByteBuffer, Digest)
    case check
    case look
    case heal
    case operate
    case wish(node: Int, Operation.Wish)
    case mend(node: Int)
    case goBack(node: Int, SavedState, isResumed: Bool)
    case save(node: Int)
    case hostile
    case thaw(session: Int)
    case quickens(session: Int)
    case lookAtLinks
    case hoard
    case line
    case overLine(length: Int, urgency: Urgency)
    case lineTime(BundleID)
    case lineEnds
}

public final class World {
    public let plan: Plan
    var network: Network
    var nodes: [SimulatedNode] = []
    public internal(set) var now: UInt64 = 0
    var random: SplitMix64
    /// The operators' own, so that a world without them is the same world.
    var operators: SplitMix64
    /// That of the hostile, for the same reason.
    var hostile: SplitMix64
    /// The node that lies.
    let liar: Int?
    var belief = BeliefBooks()
    public internal(set) var trace: Trace
    var agenda = Agenda<Happening>()
    let tickets = TicketSource()
    var sessions: [Int: SimulatedSession] = [:]
    var sessionOfTicket: [Ticket: (session: Int, end: Int)] = [:]
    var nextSession = 0
    /// Pairs of nodes that cannot reach each other, and dials that are turned down.
    var closedEdges: Set<[Int]> = []
    var isHealed = false
    public internal(set) var summary = Summary()
    public internal(set) var failure: String?
    var steps: UInt64 = 0
    var books = Books()
    /// Of those that go back, so that a world without is the same world.
    var backward: SplitMix64
    /// Of the slow line, likewise.
    var slowness: SplitMix64
    /// Of the hoarder, likewise.
    var hoarders: SplitMix64
    /// By agency; the files of each.
    var spools: [AgencyCode: SimulatedSpool] = [:]
    let limits: CoreLimits

    public init(_ plan: Plan) {
        self.plan = plan
        random = SplitMix64(seed: plan.seed)
        operators = SplitMix64(seed: plan.seed ^ 0x6f70_6572)
        backward = SplitMix64(seed: plan.seed ^ 0x6261_636b)
        hostile = SplitMix64(seed: plan.seed ^ 0x6c69_6172)
        slowness = SplitMix64(seed: plan.seed ^ 0x6c69_6e65)
        hoarders = SplitMix64(seed: plan.seed ^ 0x686f_6172)
        trace = Trace(keepsLines: plan.keepsLines)
        network = Network(plan.topology, seed: plan.seed)
        network.usesSpools = !plan.goesBack
        if plan.hoards { network.hoarder = network.leaf }
        liar = Self.liar(of: network, &hostile)
        limits = Self.limits(&random)
        for index in network.nodes.indices {
            let offset = network.clockOffsets[index] ?? Int64(random.next(below: 20_000)) - 10_000
            let node = SimulatedNode(
                index: index, id: network.nodes[index],
                configuration: network.configuration(of: index, limits: limits, isRight: false),
                clock: SimulatedClock(offset: offset, drift: Int64(random.next(below: 200)) - 100))
            node.hasRightRoutes = false
            nodes.append(node)
        }
    }

    /// Small, so that bounds are reached and waits end within the run.
    private static func limits(_ random: inout SplitMix64) -> CoreLimits {
        var limits = CoreLimits()
        limits.activeMax = 8 + Int(random.next(below: 24))
        limits.windowTransfers = 2 + Int(random.next(below: 8))
        limits.windowBytes = 64 * 1_024 << random.next(below: 8)
        limits.dialBackoffMax = .seconds(20)
        limits.envelopeBackoffMin = .seconds(2)
        limits.envelopeBackoffMax = .minutes(1)
        limits.pauseMin = Milliseconds(500)
        limits.pauseMax = .seconds(10)
        limits.refusalGrace = .minutes(3 + random.next(below: 8))
        limits.inDoubtWait = .seconds(20)
        limits.transitMemory = .hours(12)
        limits.undoWindow = .seconds(30)
        limits.indexWindow = 6
        return limits
    }

    // MARK: - Running

    public func run() -> Outcome {
        planTightShares()
        for node in nodes { restart(node) }
        let gap = max(1, plan.duration / UInt64(max(1, plan.documents)))
        var at: UInt64 = 500
        for _ in 0..<plan.documents {
            agenda.insert(.submit, at: at)
            at += random.next(below: 2 * gap)
        }
        for node in nodes { agenda.insert(.pick(node: node.index), at: 1_000 + random.next(below: 2_000)) }
        if plan.hasFaults {
            var at: UInt64 = 3_000
            while at < plan.duration {
                agenda.insert(.fault, at: at)
                at += 500 + random.next(below: 12_000)
            }
        }
        if plan.hasFaults, plan.operatorGap > 0 {
            var at: UInt64 = 2_000
            while at < plan.duration {
                agenda.insert(.operate, at: at)
                at += 1 + operators.next(below: 2 * plan.operatorGap)
            }
        }
        if plan.goesBack { planGoingBack() }
        if plan.hasFaults, plan.hostileGap > 0 {
            var at: UInt64 = 4_000
            while at < plan.duration {
                agenda.insert(.hostile, at: at)
                at += 1 + hostile.next(below: 2 * plan.hostileGap)
            }
        }
        for time in stride(from: Self.lookGap, to: plan.duration + 120_000, by: Int(Self.lookGap)) {
            agenda.insert(.lookAtLinks, at: time)
        }
        planHoarding()
        if plan.usesConversations, plan.hasFaults, !plan.goesBack, !plan.hoards {
            agenda.insert(.line, at: plan.duration + Self.lineAfter)
        }
        for time in stride(from: UInt64(5_000), to: plan.duration, by: 10_000) { agenda.insert(.check, at: time) }
        // Most that ends after the healing ends soon.
        for time in stride(from: 0, to: Self.quietTime, by: 30_000) where time <= 360_000 || time % 120_000 == 0 {
            agenda.insert(.look, at: plan.duration + time)
        }
        agenda.insert(.heal, at: plan.duration)
        let end = plan.duration + Self.quietTime
        while failure == nil, let next = agenda.nextTime, next <= end { step() }
        if failure == nil { finalCheck() }
        if let failure { trace.note(now, 0, "failure", 0) { "FAILED: \(failure)" } }
        return Outcome(
            failure: failure, hash: trace.hash, steps: steps, summary: summary, lastLines: trace.last(Trace.linesMax))
    }

    /// Longer than every backoff, grace and wait of `limits` together.
    private static let quietTime: UInt64 = 40 * 60_000

    func plan(_ happening: Happening, at time: UInt64) { agenda.insert(happening, at: max(time, now)) }

    /// The first failure counts.
    func fail(_ sentence: String) { if failure == nil { failure = sentence } }

    func note(_ node: Int, _ kind: StaticString, _ number: UInt64, _ text: @autoclosure () -> String) {
        trace.note(now, node, kind, number) { "\(nodes.indices.contains(node) ? nodes[node].id.name : "-") \(text())" }
    }

    private func step() {
        guard let entry = agenda.removeFirst() else { return }
        demand(entry.time >= now, "the simulated time ran backward")
        now = entry.time
        steps += 1
        switch entry.happening {
        case .batch(let node, let life): batch(nodes[node], life)
        case .release(let node, let life, let effects): release(nodes[node], life, effects)
        case .packets(let session, let from): deliver(session, from)
        case .lost(let session, let end): sessions[session]?.lost(end, self)
        case .sessionTimer(let session, let end): sessions[session]?.timer(end, self)
        case .silence(let session, let end): sessions[session]?.judgeSilence(end, self)
        case .ratesReturn(let session, let rates):
            for way in [0, 1] { sessions[session]?.directions[way].rate = rates[way] }
        case .dialled(let from, let life, let to): dialled(from, life, to)
        case .restart(let node): restart(nodes[node])
        case .submit: submit()
        case .pick(let node): pick(nodes[node])
        case .spoolStep(let node, let life, let step, let isEnd): spoolStep(nodes[node], life, step, isEnd: isEnd)
        case .fault: fault()
        case .fullDiskEnds(let node): emptyDisk(nodes[node])
        case .edgeOpens(let a, let b): closedEdges.remove([a, b])
        case .bytesOfSubmission(let node, let life, let ticket, let bytes, let digest):
            guard nodes[node].life == life, nodes[node].isUp else { return }
            post(.submissionBytes(ticket, bytes), to: node)
            post(.submissionCompleted(ticket, digest: digest), to: node)
        case .check: check()
        case .look: for node in nodes where failure == nil { noteEnds(node) }
        case .heal: heal()
        case .operate: operate()
        case .wish(let node, let wish): self.wish(nodes[node], wish)
        case .mend(let node): mend(nodes[node])
        case .save(let node): save(nodes[node])
        case .hoard: hoard()
        case .goBack(let node, let state, let isResumed): goBack(nodes[node], to: state, isResumed: isResumed)
        case .hostile: hostileDeed()
        case .thaw(let session): thaw(session)
        case .quickens(let session): quicken(session)
        case .lookAtLinks: lookAtLinks()
        case .line: beginLine()
        case .overLine(let length, let urgency): handOverLine(length, urgency)
        case .lineTime(let bundle): judgeTime(of: bundle)
        case .lineEnds: endLine()
        }
    }

    // MARK: - One node's process

    func post(_ input: EngineInput, to index: Int) {
        let node = nodes[index]
        guard node.isUp else { return }
        guard intercept(input, node) else { return }
        node.mailbox.append(input)
        wake(node, at: now)
    }

    func wake(_ node: SimulatedNode, at time: UInt64) {
        guard !node.isCommitting else { return }
        if let planned = node.wakesAt, planned <= time { return }
        node.wakesAt = time
        plan(.batch(node: node.index, life: node.life), at: time)
    }

    private func batch(_ node: SimulatedNode, _ life: Int) {
        guard node.life == life, node.isUp, !node.isCommitting, node.wakesAt.map({ $0 <= now }) ?? false else { return }
        node.wakesAt = nil
        let inputs = node.mailbox.prefix(node.narrowing.share(of: node.mailbox.count))
        node.store.nextCommit = node.nextFate
        let reading = node.clock.reading(now)
        let room = node.store.headRoom
        let before = room.isTight ? node.engine : nil
        let result = node.store.batch { rows in
            node.engine!.run(inputs, now: reading, room: room, rows: rows, isLean: node.narrowing.isLean)
        }
        node.clock.persist(now)
        summary.batches += 1
        switch result {
        case .durable(let outcome): committed(node, outcome, isIdle: false)
        case .unchanged(let outcome): committed(node, outcome, isIdle: inputs.isEmpty && outcome.effects.isEmpty)
        case .full:
            summary.fullCommits += 1
            if node.store.failingChange == nil, node.failuresLeft > 0 {
                // The next one soon: in the batch that tries again, or in one that refuses.
                node.failuresLeft -= 1
                node.store.failingChange = 1 + random.next(below: 12)
            }
            note(node.index, "full", UInt64(inputs.count), "commit refused: full")
            if let before, narrow(node, to: before) { return }
            // The decisions are gone with their transaction: sessions end, and the engine is built again from the store.
            stop(node, restartAfter: 50)
        case .fatal(let sentence):
            node.nextFate = .durable
            note(node.index, "crash", UInt64(inputs.count), "process ends at its commit: \(sentence)")
            summary.crashes += 1
            stop(node, restartAfter: 200 + random.next(below: 20_000))
        }
    }

    /// As the daemon does where free pages may not lie together: the engine is put back, and smaller batches find out what has no room.
    private func narrow(_ node: SimulatedNode, to before: Engine) -> Bool {
        switch node.narrowing.foundNoRoom(first: node.mailbox.first) {
        case .again, .refuseFirst:
            node.engine = before
            wake(node, at: now)
        case .wait(let milliseconds):
            node.engine = before
            wake(node, at: now + UInt64(milliseconds))
        case .startOver: return false
        }
        summary.narrowed += 1
        return true
    }

    private func committed(_ node: SimulatedNode, _ outcome: BatchOutcome, isIdle: Bool) {
        for input in node.mailbox.prefix(outcome.taken) where failure == nil { judgeTaken(input, node) }
        node.mailbox.removeFirst(outcome.taken)
        if node.narrowing.went() == .refuseFirst, let first = node.mailbox.first {
            note(node.index, "outgrown", 0, "one input has no room by itself")
            node.mailbox[0] = .foundNoRoom(first)
            summary.outgrown += 1
        }
        node.board?.publish(outcome.picture)
        node.isCommitting = true
        node.idleTurns = isIdle ? node.idleTurns + 1 : 0
        if node.idleTurns > 200 {
            return fail("\(node.id) spins: its engine asks to be run again and again, and does nothing")
        }
        checkBounds(node)
        let latency = isIdle ? 0 : node.commitLatency / 2 + random.next(below: node.commitLatency)
        plan(.release(node: node.index, life: node.life, effects: outcome.effects), at: now + latency)
    }

    /// The commit is on disk: only now does anything leave.
    private func release(_ node: SimulatedNode, _ life: Int, _ effects: [Effect]) {
        guard node.life == life, node.isUp else { return }
        node.isCommitting = false
        for effect in effects where failure == nil { perform(effect, node) }
        guard let engine = node.engine, node.life == life else { return }
        if !node.mailbox.isEmpty {
            wake(node, at: now)
        } else if let deadline = node.read({ engine.core.nextDeadline($0) }) {
            wake(node, at: node.clock.trueTime(of: deadline, now: now))
        }
    }

    func restart(_ node: SimulatedNode) {
        guard !node.isUp else { return }
        node.isRestartPlanned = false
        node.life += 1
        node.clock.start(now)
        let reading = node.clock.reading(now)
        let room = node.store.headRoom
        let configuration = node.configuration
        let seed = plan.seed &* 31 &+ UInt64(node.index) &* 7 &+ UInt64(node.life)
        let result = node.store.batch { rows in
            Engine(
                configuration: configuration, seed: seed, now: reading, room: room, rows: rows,
                hash: SHA256Hasher.digest)
        }
        guard var engine = result.released else {
            node.isRestartPlanned = true
            return plan(.restart(node: node.index), at: now + 3_000)
        }
        engine.plant(plan.planted)
        belief.startedAt[node.index] = now
        for link in belief.established.keys where link.node == node.index { belief.established[link] = nil }
        belief.flights = belief.flights.filter { $0.key.node != node.index }
        node.engine = engine
        node.board = PictureBoard(engine.core.picture)
        note(node.index, "start", UInt64(node.life), "starts, life \(node.life)")
        wake(node, at: now)
    }

    /// The process is gone with all that is not on disk.
    func stop(_ node: SimulatedNode, restartAfter delay: UInt64) {
        guard node.isUp else { return }
        node.engine = nil
        node.narrowing = Narrowing()
        node.mailbox = []
        node.isCommitting = false
        node.wakesAt = nil
        node.idleTurns = 0
        node.submissions = [:]
        node.pickups = [:]
        node.offers = [:]
        for session in sessions.keys.sorted().compactMap({ sessions[$0] }) {
            guard let end = session.ends.firstIndex(where: { $0.node == node.index && !$0.isOver }) else { continue }
            session.ends[end].isOver = true
            closed(session, end)
        }
        if !node.isRestartPlanned {
            node.isRestartPlanned = true
            plan(.restart(node: node.index), at: now + delay)
        }
        checkStore(node)
    }
}
