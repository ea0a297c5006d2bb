// ScriptedNode: one node of a script: its engine on an LMDB store, with the session machines and codecs of the daemon, run by whoever
// steps it. And a peer that has nothing but its end of a session, and takes whatever comes. No sockets, no TLS, no clock.

import Glibc
import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import RelaySession
import RelayStore
import TCPCL

/// One end of a session.
final class ScriptedEnd {
    private var conversation: Conversation
    private var output = ConversationOutput()
    /// In place of the handshake: both ends have asked for it.
    private var hasAskedForTLS = false
    private var isSecure = false
    private var unread: [ByteBuffer] = []
    private let peer: NodeID
    private weak var other: ScriptedEnd?
    let session: Ticket

    init(
        of node: NodeID, with peer: NodeID, dials: Bool, tickets: TicketSource,
        greet: @escaping @Sendable (NodeID?) -> Greeting?
    ) {
        self.peer = peer
        session = tickets.take()
        var settings = ConversationSettings(
            SessionConfiguration(role: dials ? .active : .passive, tls: .required, nodeID: node))
        settings.greet = greet
        conversation = Conversation(
            session: session, settings: settings, judge: IdentityJudge([PeerIdentity(node: peer)]),
            dialled: dials ? peer : nil, tickets: tickets)
    }

    static func connect(_ first: ScriptedEnd, _ second: ScriptedEnd, _ time: RelayTime) {
        first.other = second
        second.other = first
        for end in [first, second] { end.conversation.start(now: time, &end.output) }
    }

    private var waitsForTLS: Bool { hasAskedForTLS && !isSecure }

    /// Reads what came; true when anything did.
    func hear(_ now: RelayTime) -> Bool {
        var isBusy = false
        if waitsForTLS, other?.hasAskedForTLS ?? false {
            isSecure = true
            conversation.tlsEstablished(CertificateNames(bundleEIDs: [peer.text]), now: now, &output)
            isBusy = true
        }
        while !waitsForTLS, !unread.isEmpty {
            var buffer = unread.removeFirst()
            conversation.receive(&buffer, now: now, &output)
            if buffer.readableBytes > 0 { unread.insert(buffer, at: 0) }
            look()
            isBusy = true
        }
        return isBusy
    }

    func perform(_ effect: Effect, _ now: RelayTime) {
        conversation.perform(effect, now: now, &output)
        look()
    }

    /// Writes all that there is; true when there was anything.
    func speak(_ now: RelayTime, read: (ExtentRange) -> ByteBuffer?) -> Bool {
        while conversation.hasBytesToSend {
            conversation.pump(now: now, budget: 64 * 1_024, &output, read: read)
            look()
        }
        look()
        let bytes = output.takeBytes()
        other?.unread += bytes
        return !bytes.isEmpty
    }

    /// For the engine.
    func takeInputs() -> [EngineInput] { output.inputs.isEmpty ? [] : output.takeInputs() }

    private func look() {
        _ = output.takeNotices()
        if output.takeStartsTLS() { hasAskedForTLS = true }
    }
}

/// Engine, store, and an end of each session.
final class ScriptedNode {
    let id: NodeID
    private let store: LMDBStore
    private var engine: Engine
    private let board: PictureBoard
    private let tickets: TicketSource
    private var mailbox: [EngineInput] = []
    private var ends: [ScriptedEnd] = []
    private var places: [Ticket: Int] = [:]
    private(set) var accepted = 0
    private(set) var refused = 0
    /// Batches that had something to decide, and the processor time of the deciding alone, in nanoseconds.
    private(set) var batches = 0
    private(set) var deciding: UInt64 = 0

    init(directory: String, configuration: CoreConfiguration, tickets: TicketSource, now: ClockReading) throws {
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
        guard let engine = built.released else { throw BenchFailure("the store of \(id) takes no engine") }
        self.engine = engine
        board = PictureBoard(engine.core.picture)
    }

    func post(_ input: EngineInput) { mailbox.append(input) }

    /// This node's end of a session.
    func end(with peer: NodeID, dials: Bool) -> ScriptedEnd {
        let end = ScriptedEnd(of: id, with: peer, dials: dials, tickets: tickets) { [board] peer in
            board.picture(of: []).greeting(for: peer, version: "scripted")
        }
        places[end.session] = ends.count
        ends.append(end)
        return end
    }

    /// Reads what came, decides, and writes; true when anything happened. `looks`: also when there is nothing to decide.
    func step(_ now: ClockReading, looks: Bool) throws -> Bool {
        var isBusy = false
        for end in ends {
            isBusy = end.hear(now.relay) || isBusy
            mailbox += end.takeInputs()
        }
        if looks || !mailbox.isEmpty { isBusy = try decide(now) || isBusy }
        for end in ends {
            isBusy = end.speak(now.relay) { payload($0) } || isBusy
            mailbox += end.takeInputs()
        }
        return isBusy
    }

    private func decide(_ now: ClockReading) throws -> Bool {
        let room = store.headRoom
        let inputs = mailbox[...]
        let result = store.batch { rows in
            let start = ThreadTime.now()
            defer { deciding += ThreadTime.now() - start }
            return engine.run(inputs, now: now, room: room, rows: rows)
        }
        switch result {
        case .durable(let outcome), .unchanged(let outcome):
            batches += 1
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
        guard let place = places[session] else { return }
        ends[place].perform(effect, now)
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

/// A neighbour that takes whatever is offered, keeps nothing, and says nothing of its own.
final class ScriptedPeer {
    let id: NodeID
    let end: ScriptedEnd
    private(set) var taken = 0

    init(_ id: NodeID, hub: NodeID, tickets: TicketSource) {
        self.id = id
        end = ScriptedEnd(of: id, with: hub, dials: true, tickets: tickets) { _ in
            Greeting(version: "scripted", incarnation: 1, counter: 0, taken: [])
        }
    }

    func step(_ now: ClockReading) -> Bool {
        var isBusy = end.hear(now.relay)
        for input in end.takeInputs() {
            switch input {
            case .offerCompleted(let ticket, _):
                taken += 1
                end.perform(.acknowledge(session: end.session, offer: ticket), now.relay)
            case .event(.reported(let ticket, _, _, _, _)), .event(.refusalsTold(let ticket, _, _, _)):
                end.perform(.acknowledge(session: end.session, offer: ticket), now.relay)
            default: break
            }
        }
        isBusy = end.speak(now.relay) { _ in nil } || isBusy
        _ = end.takeInputs()
        return isBusy
    }
}

/// Processor time of this thread, in nanoseconds.
enum ThreadTime {
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
