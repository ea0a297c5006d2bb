// ScriptedRow: three nodes in a row, A, hub and C, on one thread: engines on LMDB stores, with the session machines and codecs of the
// daemon between them; no sockets, no TLS, no clock. What happens is the same each time, so that what it costs can be counted. The
// far home reports arrivals, as a daemon does; nobody takes anything out.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import RelaySession
import RelayStore
import TCPCL

/// One node: engine, store, and an end of each session.
final class ScriptedNode {
    let id: NodeID
    let store: LMDBStore
    private var engine: Engine
    private let board: PictureBoard
    private let tickets: TicketSource
    private var mailbox: [EngineInput] = []
    private var speakers: [Speaker] = []
    private(set) var accepted = 0
    private(set) var refused = 0

    /// One end of a session.
    final class Speaker {
        var conversation: Conversation
        var output = ConversationOutput()
        /// In place of the handshake: both ends have asked for it.
        var hasAskedForTLS = false
        var isSecure = false
        var unread: [ByteBuffer] = []
        let peer: NodeID
        weak var other: Speaker?

        var waitsForTLS: Bool { hasAskedForTLS && !isSecure }

        init(_ conversation: consuming Conversation, peer: NodeID) {
            self.conversation = conversation
            self.peer = peer
        }
    }

    init(
        _ name: String, directory: String, configuration: CoreConfiguration, tickets: TicketSource, now: ClockReading
    ) throws {
        id = configuration.node
        self.tickets = tickets
        try Folder.make(directory)
        var settings = StoreSettings(node: id.text)
        settings.mapBytes = 1 << 30
        settings.ballastBytes = 0
        store = try LMDBStore(directory: directory, settings: settings)
        let room = store.headRoom
        let built = store.batch { rows in
            Engine(
                configuration: configuration, seed: 1, now: now, room: room, rows: rows, hash: SHA256Hasher.digest)
        }
        guard let engine = built.released else { throw BenchFailure("the store of \(name) takes no engine") }
        self.engine = engine
        board = PictureBoard(engine.core.picture)
    }

    func post(_ input: EngineInput) { mailbox.append(input) }

    /// Opens a session with another node.
    func dial(_ other: ScriptedNode, _ time: RelayTime) {
        let ends = [(self, other), (other, self)].enumerated().map { index, pair in
            pair.0.speaker(with: pair.1.id, dials: index == 0)
        }
        ends[0].other = ends[1]
        ends[1].other = ends[0]
        for (node, end) in zip([self, other], ends) {
            node.speakers.append(end)
            end.conversation.start(now: time, &end.output)
        }
    }

    private func speaker(with peer: NodeID, dials: Bool) -> Speaker {
        let session = SessionConfiguration(role: dials ? .active : .passive, tls: .required, nodeID: id)
        var settings = ConversationSettings(session)
        settings.greet = { [board] peer in board.picture(of: []).greeting(for: peer, version: "scripted") }
        return Speaker(
            Conversation(
                session: tickets.take(), settings: settings, judge: IdentityJudge([PeerIdentity(node: peer)]),
                dialled: dials ? peer : nil, tickets: tickets), peer: peer)
    }

    /// Reads what came, decides, and writes; true when anything happened. `looks`: also when there is nothing to decide.
    func step(_ now: ClockReading, looks: Bool) throws -> Bool {
        var isBusy = false
        for speaker in speakers { isBusy = hear(speaker, now.relay) || isBusy }
        if looks || !mailbox.isEmpty { isBusy = try decide(now) || isBusy }
        for speaker in speakers { isBusy = speak(speaker, now.relay) || isBusy }
        return isBusy
    }

    private func hear(_ speaker: Speaker, _ now: RelayTime) -> Bool {
        var isBusy = false
        if speaker.waitsForTLS, speaker.other?.hasAskedForTLS ?? false {
            speaker.isSecure = true
            let names = CertificateNames(bundleEIDs: [speaker.peer.text])
            speaker.conversation.tlsEstablished(names, now: now, &speaker.output)
            isBusy = true
        }
        while !speaker.waitsForTLS, !speaker.unread.isEmpty {
            var buffer = speaker.unread.removeFirst()
            speaker.conversation.receive(&buffer, now: now, &speaker.output)
            if buffer.readableBytes > 0 { speaker.unread.insert(buffer, at: 0) }
            collect(speaker)
            isBusy = true
        }
        return isBusy
    }

    private func decide(_ now: ClockReading) throws -> Bool {
        let room = store.headRoom
        let inputs = mailbox[...]
        switch store.batch({ rows in engine.run(inputs, now: now, room: room, rows: rows) }) {
        case .durable(let outcome), .unchanged(let outcome):
            mailbox.removeFirst(outcome.taken)
            board.publish(outcome.picture)
            for effect in outcome.effects { perform(effect, now.relay) }
            return outcome.taken > 0 || !outcome.effects.isEmpty
        case .full(let why), .fatal(let why): throw BenchFailure(why)
        }
    }

    private func perform(_ effect: Effect, _ now: RelayTime) {
        switch effect {
        case .answerSubmission(_, .accepted): accepted += 1
        case .answerSubmission: refused += 1
        case .send(let dispatch): tell(dispatch.session, effect, now)
        case .acknowledge(let session, _), .refuse(let session, _, _, _, _), .recall(let session, _),
            .endSession(let session, _), .probe(let session):
            tell(session, effect, now)
        default: break
        }
    }

    private func tell(_ session: Ticket, _ effect: Effect, _ now: RelayTime) {
        guard let speaker = speakers.first(where: { $0.conversation.session == session }) else { return }
        speaker.conversation.perform(effect, now: now, &speaker.output)
        collect(speaker)
    }

    private func speak(_ speaker: Speaker, _ now: RelayTime) -> Bool {
        while speaker.conversation.hasBytesToSend {
            speaker.conversation.pump(now: now, budget: 64 * 1_024, &speaker.output) { payload($0) }
            collect(speaker)
        }
        collect(speaker)
        let bytes = speaker.output.takeBytes()
        speaker.other?.unread += bytes
        return !bytes.isEmpty
    }

    private func collect(_ speaker: Speaker) {
        mailbox += speaker.output.takeInputs()
        _ = speaker.output.takeNotices()
        if speaker.output.takeStartsTLS() { speaker.hasAskedForTLS = true }
    }

    /// Bytes of one range of an extent; nil when they are not there.
    private func payload(_ range: ExtentRange) -> ByteBuffer? {
        var buffer = ByteBuffer()
        let outcome = try? store.read { rows in
            PayloadReader.copy(range.offset..<range.offset + range.length, of: range.extent, from: rows, into: &buffer)
        }
        return outcome == .complete ? buffer : nil
    }

    /// Envelopes that have arrived and were not taken.
    func arrived() throws -> Int {
        try store.read { rows in
            var found = 0
            rows.scan(.inbox, prefix: RowKey()) { _, _ in
                found += 1
                return true
            }
            return found
        }
    }
}

/// The three nodes, and what is handed in at the first.
final class ScriptedRow {
    static let names = ["A", "hub", "C"]
    private let nodes: [ScriptedNode]
    private let tickets = TicketSource()
    private var time: UInt64 = 1_000_000
    private let payload: ByteBuffer
    private let digest: Digest
    private let counts: SharedCounts?
    /// Where the work of this script itself is counted.
    private static let elsewhere = 3

    init(directory: String, payloadBytes: Int, counts: SharedCounts?) throws {
        self.counts = counts
        counts?.slot = Self.elsewhere
        var random = PseudoRandom(state: 11)
        let bytes = random.bytes(payloadBytes)
        payload = ByteBuffer(bytes: bytes)
        digest = bytes.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
        let ids = ["vpcp", "truc", "hcm"].compactMap { NodeID(name: $0) }
        guard ids.count == 3, let first = AgencyCode("G22"), let last = AgencyCode("H29") else {
            throw BenchFailure("no names")
        }
        var agencies = Directory()
        try agencies.insert(Directory.Agency(code: first, name: "G22", home: ids[0], aliases: []))
        try agencies.insert(Directory.Agency(code: last, name: "H29", home: ids[2], aliases: []))
        let now = Self.reading(time)
        let tickets = tickets
        nodes = try ids.indices.map { index in
            let ways: [Route] =
                index == 1
                ? [Route(target: .node(ids[0]), via: [ids[0]]), Route(target: .node(ids[2]), via: [ids[2]])]
                : [Route(target: .anything, via: [ids[1]])]
            guard let routes = RouteTable(ways) else { throw BenchFailure("no routes") }
            let open = SendRights(fromNodes: [.any], fromAgencies: [.any], toAgencies: [.any])
            let neighbours = index == 1 ? [ids[0], ids[2]] : [ids[1]]
            let peers = neighbours.map { Peer(node: $0, dials: index != 1, rights: open) }
            let configuration = CoreConfiguration(
                node: ids[index], directory: agencies, routes: routes, peers: peers, limits: CoreLimits())
            return try ScriptedNode(
                Self.names[index], directory: "\(directory)-\(index)", configuration: configuration,
                tickets: tickets, now: now)
        }
        for leaf in [nodes[0], nodes[2]] { leaf.dial(nodes[1], now.relay) }
        try settle()
    }

    private static func reading(_ time: UInt64) -> ClockReading {
        ClockReading(
            relay: RelayTime(milliseconds: time), wall: WallTime(milliseconds: 820_454_400_000 + time))
    }

    /// Hands in so many, a batch at a time, and lets each batch go through; answers how many have arrived in all.
    func pass(_ count: Int, batch: Int = 128) throws -> Int {
        for start in stride(from: 0, to: count, by: batch) {
            for _ in start..<min(start + batch, count) { submit() }
            try run()
        }
        try settle()
        counts?.slot = Self.elsewhere
        guard nodes[0].refused == 0 else { throw BenchFailure("\(nodes[0].refused) documents were refused") }
        return try nodes[2].arrived()
    }

    private func submit() {
        guard let sender = AgencyCode("G22") else { return }
        let ticket = tickets.take()
        let submission = Submission(
            ticket: ticket, sender: sender, recipients: ["H29"], urgency: .normal, documentID: "\(ticket.number)",
            payloadLength: UInt64(payload.readableBytes), lifetime: nil)
        nodes[0].post(.submitted(submission))
        nodes[0].post(.submissionBytes(ticket, payload))
        nodes[0].post(.submissionCompleted(ticket, digest: digest))
    }

    /// Steps until nothing happens any more; a millisecond for each turn of the three.
    private func run(looks: Bool = false) throws {
        var isBusy = true
        var turns = 0
        while isBusy {
            isBusy = false
            time += 1
            for (index, node) in nodes.enumerated() {
                counts?.slot = index
                isBusy = try node.step(Self.reading(time), looks: looks && turns == 0) || isBusy
                counts?.slot = Self.elsewhere
            }
            turns += 1
            guard turns < 100_000 else { throw BenchFailure("the script does not come to rest") }
        }
    }

    /// Reports are gathered for a few milliseconds; whoever waits for the time to pass finds it passed.
    private func settle() throws {
        for _ in 0..<4 {
            time += 25
            try run(looks: true)
        }
    }
}
