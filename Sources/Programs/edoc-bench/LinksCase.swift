// LinksCase: what a batch costs a hub for the links that have nothing to do. The engine on a store, without sockets: so many neighbours,
// each with a session and a route class of its own, and one document that comes and goes a batch. Idle links should cost nothing.

import Glibc
import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import RelayStore

enum LinksCase {
    private static let counts = [1, 125, 250, 500]

    static func run(_ place: Place) throws -> CaseResult {
        let batches = place.isQuick ? 40 : 400
        var costs: [Double] = []
        for count in counts {
            let hub = try HubOfLinks(directory: "\(place.directory)/links-\(count)", links: count)
            try hub.openClasses()
            costs.append(try hub.costOfBatch(batches))
        }
        var result = CaseResult()
        result.targets = [
            .atMost(
                "decisions of a batch with one document, 500 links and 500 route classes", 1_000, "µs of processor",
                costs.last ?? .infinity)
        ]
        result.figures = zip(counts, costs).map { ("microsecondsWith\($0)Links", .real($1)) }
        return result
    }
}

/// One node and its neighbours, of which only the answers are played.
private final class HubOfLinks {
    private let store: LMDBStore
    private var engine: Engine
    private let codes: [AgencyCode]
    private let sessions: [Ticket]
    private var time: UInt64 = 1_000_000
    private var tickets: UInt64 = 1_000
    private let payload = ByteBuffer(repeating: 0x41, count: 512)
    private let digest: Digest
    /// Processor time of the decisions of the last batch, in nanoseconds.
    private var lastCost: UInt64 = 0

    init(directory: String, links: Int) throws {
        try Folder.make(directory)
        digest = payload.withUnsafeReadableBytes(SHA256Hasher.digest(of:))
        guard let node = NodeID(name: "truc"), let own = AgencyCode("T1") else { throw BenchFailure("no names") }
        let nodes = (0..<links).compactMap { NodeID(name: "n\($0)") }
        codes = [own] + (0..<links).compactMap { AgencyCode("A\($0)") }
        sessions = nodes.indices.map { Ticket(UInt64($0) + 1) }
        var settings = StoreSettings(node: node.text)
        settings.mapBytes = 512 << 20
        settings.reserveBytes = settings.mapBytes / 50
        settings.aheadBytes = min(settings.aheadBytes, settings.mapBytes / 16)
        store = try LMDBStore(directory: directory, settings: settings)
        var agencies = Directory()
        for (code, home) in zip(codes, [node] + nodes) {
            try agencies.insert(Directory.Agency(code: code, name: code.text, home: home, aliases: []))
        }
        guard let routes = RouteTable(nodes.map { Route(target: .node($0), via: [$0]) }) else {
            throw BenchFailure("no routes")
        }
        let configuration = CoreConfiguration(
            node: node, directory: agencies, routes: routes,
            peers: nodes.map { Peer(node: $0, dials: false, hasUrgentSession: false) }, limits: CoreLimits())
        let now = Self.reading(time)
        let room = store.headRoom
        let built = store.batch { rows in
            Engine(configuration: configuration, seed: 1, now: now, room: room, rows: rows, hash: SHA256Hasher.digest)
        }
        guard let engine = built.released else { throw BenchFailure("the store takes no engine") }
        self.engine = engine
        _ = try decide(
            zip(sessions, nodes).map { session, node in
                .event(
                    .sessionEstablished(
                        session: session, SessionFacts(peer: node, transferMRU: 1 << 40, isDialled: false)))
            })
    }

    /// One document for every neighbour, so that each has its class.
    func openClasses() throws {
        var answers: [EngineInput] = []
        for code in codes.dropFirst() { answers = try decide(answers + submission(for: code)) }
        while !answers.isEmpty { answers = try decide(answers) }
    }

    /// The median processor time of the decisions of a batch, in microseconds.
    func costOfBatch(_ batches: Int) throws -> Double {
        var costs: [UInt64] = []
        var answers: [EngineInput] = []
        for _ in 0..<batches {
            answers = try decide(answers + submission(for: codes[1]))
            costs.append(lastCost)
        }
        return Double(costs.sorted()[costs.count / 2]) / 1_000
    }

    private func submission(for code: AgencyCode) -> [EngineInput] {
        tickets += 1
        let ticket = Ticket(tickets)
        let submission = Submission(
            ticket: ticket, sender: codes[0], recipients: [code.text], urgency: .normal,
            documentID: "\(tickets)", payloadLength: UInt64(payload.readableBytes), lifetime: nil)
        return [
            .submitted(submission), .submissionBytes(ticket, payload), .submissionCompleted(ticket, digest: digest),
        ]
    }

    /// Decides a batch; answers what the neighbours say to what was sent.
    private func decide(_ inputs: [EngineInput]) throws -> [EngineInput] {
        time += 5
        let now = Self.reading(time)
        let room = store.headRoom
        var cost: UInt64 = 0
        let result = store.batch { rows in
            let start = Self.processorTime()
            let outcome = engine.run(inputs[...], now: now, room: room, rows: rows)
            _ = engine.core.nextDeadline(rows)
            cost = Self.processorTime() - start
            return outcome
        }
        lastCost = cost
        guard let outcome = result.released, outcome.taken == inputs.count else {
            throw BenchFailure("a batch was not taken")
        }
        return outcome.effects.compactMap { effect in
            guard case .send(let dispatch) = effect else { return nil }
            return .event(
                .transferAnswered(session: dispatch.session, dispatch: dispatch.ticket, .acknowledged))
        }
    }

    private static func reading(_ time: UInt64) -> ClockReading {
        ClockReading(relay: RelayTime(milliseconds: time), wall: WallTime(milliseconds: 820_454_400_000 + time))
    }

    private static func processorTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
