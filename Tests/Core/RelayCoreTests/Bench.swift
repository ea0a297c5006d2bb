// Bench: one engine on a memory store, with neighbours that the test speaks for. It owns the clocks: nothing happens unless a
// test says so. `breathe` restarts the process when the bench was made to do so, so that each scenario also runs with a restart
// between its steps.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import RelayStore
import Testing

func node(_ name: String) -> NodeID { NodeID(name: name)! }
func agency(_ code: String) -> AgencyCode { AgencyCode(code)! }

/// The middle of a star: `tam`, with the neighbours an, binh, chi and dao.
final class Bench {
    static let hub = node("tam")
    let store = MemoryStore()
    var configuration: CoreConfiguration
    var limits: CoreLimits { configuration.limits }
    private(set) var engine: Engine
    private(set) var sessions: [NodeID: Ticket] = [:]
    private var connected: [NodeID] = []
    var relay: UInt64 = 1_000_000_000
    var wall = Bench.epoch
    static let epoch: UInt64 = 820_454_400_000
    private let restarts: Bool
    private var lastTicket: UInt64 = 0
    private var lives: UInt64 = 1
    private var lastCounter: UInt64 = 0
    /// Every effect that came out, in order.
    private(set) var released: [Effect] = []

    init(restarts: Bool = false, _ change: (inout CoreConfiguration) -> Void = { _ in }) {
        self.restarts = restarts
        configuration = Self.configuration()
        change(&configuration)
        engine = Self.build(store, configuration, 1, relay, wall)
    }

    /// `moved`: agencies with another home than usual.
    static func directory(moved: [String: String] = [:]) -> Directory {
        var directory = Directory()
        for (code, home, aliases) in [
            ("A1", "an", []), ("A2", "an", []), ("B1", "binh", []), ("B2", "binh", []), ("C1", "chi", []),
            ("D1", "dao", []), ("T1", "tam", ["000.T1"]), ("T2", "tam", []),
        ] as [(String, String, [String])] {
            do {
                try directory.insert(
                    Directory.Agency(
                        code: agency(code), name: code, home: node(moved[code] ?? home),
                        aliases: aliases.map { agency($0) }))
            } catch {
                Issue.record("the directory of the bench is wrong: \(error)")
            }
        }
        return directory
    }

    static func routes(_ rows: [(String, [String])]) -> RouteTable {
        RouteTable(rows.map { Route(target: .node(node($0.0)), via: $0.1.map { node($0) }) })!
    }

    static let open = SendRights(fromNodes: [.any], fromAgencies: [.any], toAgencies: [.any])

    static func configuration(
        routes rows: [(String, [String])] = [
            ("an", ["an"]), ("binh", ["binh", "chi"]), ("chi", ["chi"]), ("dao", ["dao"]),
        ], _ limits: CoreLimits = CoreLimits(), rights: [String: SendRights] = [:]
    ) -> CoreConfiguration {
        CoreConfiguration(
            node: hub, directory: directory(), routes: routes(rows),
            peers: ["an", "binh", "chi", "dao"].map {
                Peer(node: node($0), dials: false, rights: rights[$0] ?? open)
            }, limits: limits)
    }

    private static func build(
        _ store: MemoryStore, _ configuration: CoreConfiguration, _ seed: UInt64, _ relay: UInt64, _ wall: UInt64
    ) -> Engine {
        let now = ClockReading(relay: RelayTime(milliseconds: relay), wall: WallTime(milliseconds: wall))
        let room = store.headRoom
        let result = store.batch { rows in
            Engine(
                configuration: configuration, seed: seed, now: now, room: room, rows: rows, hash: SHA256Hasher.digest)
        }
        return result.released!
    }

    // MARK: - Steps

    /// Decides a batch and gives what came out of its commit; nil when there was no room.
    @discardableResult
    func run(_ inputs: [EngineInput]) -> [Effect]? {
        // In every scenario the store also fails at some change of each batch: nothing of it may be seen afterwards.
        for change in failingChanges {
            store.failingChange = change
            let effects = attempt(inputs)
            let isMet = store.failingChange == nil
            store.failingChange = nil
            if isMet {
                #expect(effects == nil, "a batch in which a change was not taken is durable")
                continue
            }
            if let effects { released += effects }
            return effects
        }
        let effects = attempt(inputs)
        if let effects { released += effects }
        return effects
    }

    private var answeredRecalls: Set<[Ticket]> = []

    /// The changes at which each batch fails before it is let through, counted from 1.
    var failingChanges: [UInt64] = [1, 2, 3, 5, 8, 13, 21, 34]

    private func attempt(_ inputs: [EngineInput]) -> [Effect]? {
        let now = ClockReading(relay: RelayTime(milliseconds: relay), wall: WallTime(milliseconds: wall))
        let room = store.headRoom
        let before = engine
        let result = store.batch { rows in engine.run(inputs[...], now: now, room: room, rows: rows).effects }
        guard let effects = result.released else {
            engine = before
            return nil
        }
        return effects
    }

    @discardableResult
    func event(_ event: Event) -> [Effect] { run([.event(event)]) ?? [] }

    /// Lets time pass by all clocks, in steps at which the engine has something to do.
    @discardableResult
    func advance(_ span: Milliseconds) -> [Effect] {
        let end = relay + span.count
        var effects: [Effect] = []
        while true {
            let next = (try? store.read { engine.core.nextDeadline($0) })?.map(\.milliseconds) ?? end
            let time = min(max(next, relay + 1), end)
            wall += time - relay
            relay = time
            effects += run([]) ?? []
            if relay == end { return effects }
        }
    }

    /// A restart, and all neighbours come back; or nothing.
    func breathe() {
        guard restarts else { return }
        restart()
        let back = connected
        for peer in back { connect(peer.name) }
    }

    func restart() {
        lives += 1
        sessions = [:]
        engine = Self.build(store, configuration, lives, relay, wall)
        run([])
    }

    func ticket() -> Ticket {
        lastTicket += 1
        return Ticket(1_000 + lastTicket)
    }

    @discardableResult
    func connect(_ name: String, greeting: Greeting? = nil, host: String = "") -> [Effect] {
        let peer = node(name)
        let session = ticket()
        sessions[peer] = session
        if !connected.contains(peer) { connected.append(peer) }
        return event(
            .sessionEstablished(
                session: session,
                SessionFacts(peer: peer, transferMRU: 1 << 30, isDialled: false, greeting: greeting, host: host)))
    }

    @discardableResult
    func lose(_ name: String, sentWhole: [Dispatch] = []) -> [Effect] {
        let peer = node(name)
        guard let session = sessions.removeValue(forKey: peer) else { return [] }
        connected.removeAll { $0 == peer }
        return event(.sessionEnded(session: session, sentWhole: sentWhole.map(\.ticket), reason: "lost"))
    }

    /// The links answer what they have been asked for since: they give these numbers back, and have begun all others.
    func answerRecalls(givingBack: Set<UInt64> = []) {
        for recall in released.recalls where answeredRecalls.insert([recall.session, recall.dispatch]).inserted {
            let number =
                released.dispatches.last { $0.session == recall.session && $0.ticket == recall.dispatch }?.number ?? 0
            if givingBack.contains(number) {
                event(.transferAnswered(session: recall.session, dispatch: recall.dispatch, .returned))
            } else {
                event(.transferBegun(session: recall.session, dispatch: recall.dispatch))
            }
        }
    }

    @discardableResult
    func answer(_ dispatch: Dispatch, _ answer: Answer) -> [Effect] {
        event(.transferAnswered(session: dispatch.session, dispatch: dispatch.ticket, answer))
    }

    @discardableResult
    func reload(_ configuration: CoreConfiguration) -> [Effect] {
        self.configuration = configuration
        return event(.reconfigured(configuration))
    }

    // MARK: - Documents

    func bundle(of source: String, created: UInt64? = nil) -> BundleID {
        lastCounter += 1
        return BundleID(source: node(source).endpoint, creationTime: created ?? wall, sequence: 77 << 32 | lastCounter)
    }

    func document(
        _ sender: String, _ recipients: [String], length: UInt64 = 100, urgency: Urgency = .normal, digest: UInt64 = 1
    ) -> DocumentDescription {
        DocumentDescription(
            sender: agency(sender), recipients: recipients.map { agency($0) }, urgency: urgency, documentID: "1/VB",
            payloadLength: length, digest: Digest(words: (digest, 0, 0, 0)))
    }

    func path(_ names: String...) -> [PathStop] {
        names.enumerated().map { PathStop(node: node($1), time: WallTime(milliseconds: Self.epoch + UInt64($0) + 5)) }
    }

    /// A neighbour hands over a record of its own for this node, which says what its clock shows.
    @discardableResult
    func hear(_ name: String, stamp: UInt64, age: Milliseconds = .zero) -> [Effect] {
        let peer = node(name)
        if sessions[peer] == nil { connect(name) }
        let ticket = ticket()
        return run([
            .event(.recordHeard(ticket: ticket, age: age)),
            .event(
                .reported(
                    ticket: ticket, session: sessions[peer]!, reporter: peer,
                    bundle: bundle(of: name, created: stamp), rows: [])),
        ]) ?? []
    }

    /// A peer offers a copy and sends all of it. `piece`: offset and length.
    @discardableResult
    func offer(
        _ from: String, _ bundle: BundleID, _ document: DocumentDescription, for recipients: [String]? = nil,
        path: [PathStop], piece: (UInt64, UInt64)? = nil, lifetime: Milliseconds = .days(1), age: Milliseconds = .zero,
        digest: Digest? = nil, content: ((UInt64) -> UInt8)? = nil, former: BundleID? = nil, isReturn: Bool = false
    ) -> [Effect] {
        run(
            inputs(
                from, bundle, document, for: recipients, path: path, piece: piece, lifetime: lifetime, age: age,
                digest: digest, content: content, former: former, isReturn: isReturn)) ?? []
    }

    /// The same, to be run together with others.
    func inputs(
        _ from: String, _ bundle: BundleID, _ document: DocumentDescription, for recipients: [String]? = nil,
        path: [PathStop], piece: (UInt64, UInt64)? = nil, lifetime: Milliseconds = .days(1), age: Milliseconds = .zero,
        digest: Digest? = nil, content: ((UInt64) -> UInt8)? = nil, former: BundleID? = nil, isReturn: Bool = false
    ) -> [EngineInput] {
        let range = piece.map { PieceRange(offset: $0.0, length: $0.1, total: document.payloadLength)! }
        let length = range?.length ?? document.payloadLength
        var offer = Offer(
            ticket: ticket(), session: sessions[node(from)] ?? Ticket(1), bundle: bundle,
            destination: .dtn("edoc/~agencies"), reportTo: bundle.source, piece: range, payloadLength: length,
            lifetime: lifetime, age: age, hopLimit: 32, hopCount: UInt64(path.count), isAdministrative: false,
            wantsStatusReports: false, document: document,
            copy: CopyDescription(
                recipients: recipients?.map { agency($0) } ?? document.recipients, path: path), header: [1])
        offer.formerName = former
        offer.isReturn = isReturn
        var bytes = ByteBuffer(repeating: 7, count: Int(length))
        if let content {
            let start = range?.offset ?? 0
            bytes = ByteBuffer(bytes: (0..<length).map { content(start + $0) })
        }
        return [
            .offered(offer), .offerBytes(offer.ticket, bytes),
            .offerCompleted(offer.ticket, digest: piece == nil ? digest ?? document.digest : nil),
        ]
    }

    /// Hands in a document at this node.
    @discardableResult
    func submit(
        _ recipients: [String], sender: String = "T1", length: Int = 100, urgency: Urgency = .normal,
        lifetime: Milliseconds? = nil
    ) -> [Effect]? {
        let ticket = ticket()
        return run([
            .submitted(
                Submission(
                    ticket: ticket, sender: agency(sender), recipients: recipients, urgency: urgency,
                    documentID: "7/VB",
                    payloadLength: UInt64(length), lifetime: lifetime)),
            .submissionBytes(ticket, ByteBuffer(repeating: 9, count: length)),
            .submissionCompleted(ticket, digest: Digest(words: (2, 0, 0, 0))),
        ])
    }

    // MARK: - What the store says

    func read<Result>(_ body: (any RowReader) -> Result) -> Result {
        do {
            return try store.read(body)
        } catch {
            preconditionFailure("the memory store cannot be read: \(error)")
        }
    }

    var allRows: [EnvelopeRow] {
        read { rows in
            var result: [EnvelopeRow] = []
            rows.scan(.envelope, prefix: RowKey()) { key, value in
                if let row = EnvelopeRow(number: key.number(at: 0), record: value) { result.append(row) }
                return true
            }
            return result
        }
    }

    func rows(of bundle: BundleID) -> [EnvelopeRow] { allRows.filter { $0.bundle == bundle } }

    func states(of bundle: BundleID) -> [String: RecipientState] {
        var states: [String: RecipientState] = [:]
        for row in rows(of: bundle) { for recipient in row.recipients { states[recipient.name] = recipient.state } }
        return states
    }

    /// What was reported, but for delays.
    func reports(of bundle: BundleID) -> [ReportRow] { allReports(of: bundle).filter { $0.state != .delayed } }

    func allReports(of bundle: BundleID) -> [ReportRow] {
        read { rows in
            var result: [ReportRow] = []
            rows.scan(.report, prefix: Keys.report(bundle)) { _, value in
                if let row = ReportRow(record: value) { result.append(row) }
                return true
            }
            return result
        }
    }

    func counter(_ key: CounterKey) -> UInt64 { read { $0.number(.counter, key.name) } }
}

extension [Effect] {
    var dispatches: [Dispatch] {
        compactMap { if case .send(let dispatch) = $0 { dispatch } else { nil } }
    }
    /// What links are asked to give back.
    var recalls: [(session: Ticket, dispatch: Ticket)] {
        compactMap { if case .recall(let session, let dispatch) = $0 { (session, dispatch) } else { nil } }
    }
    /// Dispatches of documents, without records.
    var documents: [Dispatch] { dispatches.filter { $0.document != nil } }
    var refusals: [Refusal] {
        compactMap { if case .refuse(_, _, let refusal, _, _) = $0 { refusal } else { nil } }
    }
    var reasons: [String] {
        compactMap { if case .refuse(_, _, _, _, let why) = $0 { why } else { nil } }
    }
    var acknowledgements: Int { count { if case .acknowledge = $0 { true } else { false } } }
    var alarms: [String] {
        compactMap { if case .notice(let notice) = $0, notice.grade == .alarm { notice.text } else { nil } }
    }
    var notices: [Notice] { compactMap { if case .notice(let notice) = $0 { notice } else { nil } } }
    var accepted: BundleID? {
        for effect in self {
            if case .answerSubmission(_, .accepted(let bundle, _)) = effect { return bundle }
        }
        return nil
    }
    var submissionCause: SubmissionRefusal? {
        for effect in self {
            if case .answerSubmission(_, .refused(_, let cause)) = effect { return cause }
        }
        return nil
    }
    var submissionProblems: [String] {
        for effect in self {
            if case .answerSubmission(_, .refused(let problems, _)) = effect { return problems }
        }
        return []
    }
}
