// FlipWorld: one node on a real store, with two neighbours and the agencies that the harness speaks for. It owns the store, the engine and
// the clock; one thread. What goes out is compared with what was handed in, byte by byte: document `d7` has the bytes that 7 makes.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import RelayStore

/// What became of one pair.
enum PairEnd: String {
    /// Handed to a neighbour, whole and right.
    case sent
    /// In its agency's inbox, whole and right.
    case inbox
    /// Set aside by name.
    case named
    /// Other bytes than were handed in.
    case wrong
}

struct PairOutcome: Hashable {
    var end: PairEnd
    /// `d7 A1`.
    var pair: String
    var line: String { "\(end.rawValue) \(pair)" }
}

/// Why the store, or the engine on it, goes no further.
struct FlipStop: Error {
    var sentence: String
    var code: Int32
}

final class FlipWorld {
    static let hub = NodeID(name: "tam")!
    static let peers = ["an", "binh"].map { NodeID(name: $0)! }
    private let store: LMDBStore
    private var engine: Engine
    private var now = ClockReading(
        relay: RelayTime(milliseconds: 1_000_000_000), wall: WallTime(milliseconds: 820_454_400_000))
    private var lastTicket: UInt64
    private var sessions: [NodeID: Ticket] = [:]
    private(set) var outcomes: [PairOutcome] = []
    /// Sentences of alarms.
    private(set) var alarms: [String] = []
    /// Neighbours answer what they are given; else it stays in doubt.
    var answers = true
    /// For the power-cut test.
    private let marks: CutMarks?
    /// Batches that are on the disk.
    private(set) var commits = 0

    static func settings() -> StoreSettings {
        var settings = StoreSettings(node: hub.text)
        settings.mapBytes = 64 << 20
        settings.growthBytes = 1 << 20
        settings.aheadBytes = 1 << 20
        settings.reserveBytes = 2 << 20
        settings.ballastBytes = 0
        settings.lookMilliseconds = 60_000
        return settings
    }

    init(directory: String, later milliseconds: UInt64, marks: CutMarks? = nil) throws(FlipStop) {
        self.marks = marks
        do throws(StoreFailure) {
            store = try LMDBStore(directory: directory, settings: Self.settings())
        } catch {
            throw FlipStop(sentence: error.sentence, code: error.kind == .system ? 1 : 78)
        }
        now.relay = now.relay + Milliseconds(milliseconds)
        now.wall.milliseconds += milliseconds
        lastTicket = milliseconds << 20
        let reading = now
        let room = store.headRoom
        let built = store.batch { rows in
            Engine(
                configuration: Self.configuration(), seed: 7 + milliseconds, now: reading, room: room, rows: rows,
                hash: SHA256Hasher.digest)
        }
        guard let engine = built.released else { throw Self.stop(built.map { _ in () }) }
        self.engine = engine
        if !store.findings.isEmpty {
            alarms.append(store.findings.sentence)
            try run([.event(.storeDamaged(why: store.findings.sentence))])
        }
        try run([.event(.suspected([]))])
    }

    private static func stop(_ result: CommitResult<Void>) -> FlipStop {
        switch result {
        case .full(let sentence): FlipStop(sentence: sentence, code: 71)
        case .fatal(let sentence): FlipStop(sentence: sentence, code: 70)
        case .durable, .unchanged: FlipStop(sentence: "", code: 0)
        }
    }

    static func configuration() -> CoreConfiguration {
        var directory = Directory()
        for (code, home) in [("T1", "tam"), ("T2", "tam"), ("A1", "an"), ("A2", "an"), ("B1", "binh")] {
            try? directory.insert(
                Directory.Agency(code: AgencyCode(code)!, name: code, home: NodeID(name: home)!))
        }
        let routes = RouteTable(peers.map { Route(target: .node($0), via: [$0]) })!
        let rights = SendRights(fromNodes: [.any], fromAgencies: [.any], toAgencies: [.any])
        return CoreConfiguration(
            node: hub, directory: directory, routes: routes,
            peers: peers.map { Peer(node: $0, dials: false, rights: rights) }, limits: CoreLimits())
    }

    func ticket() -> Ticket {
        lastTicket += 1
        return Ticket(lastTicket)
    }

    // MARK: Turns

    func run(_ inputs: [EngineInput]) throws(FlipStop) {
        var inputs = inputs
        repeat {
            let reading = now
            let room = store.headRoom
            let result = store.batch { rows in engine.run(inputs[...], now: reading, room: room, rows: rows) }
            guard let outcome = result.released else { throw Self.stop(result.map { _ in () }) }
            if case .durable = result { commits += 1 }
            inputs.removeFirst(outcome.taken)
            for effect in outcome.effects { inputs += perform(effect) }
        } while !inputs.isEmpty
        marks?.settle()
    }

    /// Time passes, in steps at which the engine has something to do.
    func advance(_ milliseconds: UInt64, turns: Int = 3_000) throws(FlipStop) {
        let end = now.relay + Milliseconds(milliseconds)
        for _ in 0..<turns {
            let next: RelayTime?
            do throws(StoreFailure) {
                next = try store.read { engine.core.nextDeadline($0) }
            } catch {
                throw FlipStop(sentence: error.sentence, code: 70)
            }
            guard let next, next <= end else { break }
            if next > now.relay { pass(next.since(now.relay).count) }
            try run([])
        }
        if end > now.relay { pass(end.since(now.relay).count) }
        try run([])
    }

    private func pass(_ milliseconds: UInt64) {
        now.relay = now.relay + Milliseconds(milliseconds)
        now.wall.milliseconds += milliseconds
    }

    private func perform(_ effect: Effect) -> [EngineInput] {
        switch effect {
        case .notice(let notice):
            // What else is an alarm (a document that is late) is one of the unchanged store as well.
            let kinds: [EventKind] = [
                .recordCorrupt, .payloadUnreadable, .digestMismatch, .storeReckoned, .jobUnreadable, .headerUnmakeable,
            ]
            if notice.grade == .alarm, let kind = notice.kind, kinds.contains(kind) { alarms.append(notice.text) }
            return []
        case .verify(let number, let payload, let digest):
            let hasher = SHA256Hasher()
            for range in payload {
                guard let bytes = self.bytes(range) else { return [.event(.documentUnreadable(number: number))] }
                bytes.withUnsafeReadableBytes { hasher.update($0) }
            }
            return [.event(.documentVerified(number: number, matches: hasher.finish() == digest))]
        case .send(let dispatch): return send(dispatch)
        case .answerSubmission(let ticket, .accepted):
            marks?.kept(ticket)
            return []
        case .acknowledge(_, let offer):
            marks?.kept(offer)
            return []
        default: return []
        }
    }

    private func bytes(_ range: ExtentRange) -> ByteBuffer? {
        var buffer = ByteBuffer()
        let outcome = try? store.read { rows in
            PayloadReader.copy(range.offset..<range.offset + range.length, of: range.extent, from: rows, into: &buffer)
        }
        return outcome == .complete ? buffer : nil
    }

    // MARK: Documents

    static func byte(_ document: UInt64, _ index: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: (document &* 131 &+ index &* 7) ^ (index >> 8))
    }

    static func content(_ document: UInt64, _ range: Range<UInt64>) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeBytes(range.map { byte(document, $0) })
        return buffer
    }

    static func digest(_ document: UInt64, _ length: UInt64) -> Digest {
        let hasher = SHA256Hasher()
        content(document, 0..<length).withUnsafeReadableBytes { hasher.update($0) }
        return hasher.finish()
    }

    private static func document(_ documentID: String) -> UInt64? {
        documentID.hasPrefix("d") ? UInt64(documentID.dropFirst()) : nil
    }

    private func send(_ dispatch: Dispatch) -> [EngineInput] {
        func answer(_ answer: Answer) -> [EngineInput] {
            guard answers else { return [] }
            return [.event(.transferAnswered(session: dispatch.session, dispatch: dispatch.ticket, answer))]
        }
        guard let document = dispatch.document else { return answer(.acknowledged) }
        var read = ByteBuffer()
        for range in dispatch.payload {
            guard var bytes = bytes(range) else { return answer(.unreadable) }
            read.writeBuffer(&bytes)
        }
        let start = dispatch.piece?.offset ?? 0
        let number = Self.document(document.documentID)
        let isRight =
            number.map { Self.content($0, start..<start + UInt64(read.readableBytes)) == read } ?? false
            && (dispatch.piece != nil || UInt64(read.readableBytes) == document.payloadLength)
        for recipient in dispatch.copy?.recipients ?? [] where answers && (start == 0 || !isRight) {
            note(isRight ? .sent : .wrong, "\(document.documentID) \(recipient.text)")
            marks?.ends("\(document.documentID) \(recipient.text)")
        }
        return answer(.acknowledged)
    }

    private func note(_ end: PairEnd, _ pair: String) { outcomes.append(PairOutcome(end: end, pair: pair)) }

    func submit(_ document: UInt64, to recipients: [String], length: UInt64, urgency: Urgency) throws(FlipStop) {
        let ticket = ticket()
        marks?.begins(ticket, "d\(document)", recipients)
        try run([
            .submitted(
                Submission(
                    ticket: ticket, sender: AgencyCode("T1")!, recipients: recipients, urgency: urgency,
                    documentID: "d\(document)", payloadLength: length, lifetime: nil)),
            .submissionBytes(ticket, Self.content(document, 0..<length)),
            .submissionCompleted(ticket, digest: Self.digest(document, length)),
        ])
    }

    /// A document from the first neighbour, by its counter.
    func offer(_ document: UInt64, counter: UInt64, to recipients: [String], length: UInt64) throws(FlipStop) {
        guard let session = sessions[Self.peers[0]] else { return }
        let source = Self.peers[0]
        let description = DocumentDescription(
            sender: AgencyCode("A1")!, recipients: recipients.map { AgencyCode($0)! }, urgency: .normal,
            documentID: "d\(document)", payloadLength: length, digest: Self.digest(document, length))
        let ticket = ticket()
        marks?.begins(ticket, "d\(document)", recipients)
        let bundle = BundleID(
            source: source.endpoint, creationTime: now.wall.milliseconds, sequence: 77 << 32 | counter)
        let offer = Offer(
            ticket: ticket, session: session, bundle: bundle, destination: .dtn("edoc/~agencies"),
            reportTo: source.endpoint, piece: nil, payloadLength: length, lifetime: .days(30), age: .zero, hopLimit: 32,
            hopCount: 1, isAdministrative: false, wantsStatusReports: false, document: description,
            copy: CopyDescription(
                recipients: description.recipients, path: [PathStop(node: source, time: now.wall)]), header: [1, 2, 3])
        try run([
            .offered(offer), .offerBytes(ticket, Self.content(document, 0..<length)),
            .offerCompleted(ticket, digest: description.digest),
        ])
    }

    func connect(_ peer: NodeID) throws(FlipStop) {
        let session = ticket()
        sessions[peer] = session
        try run([
            .event(
                .sessionEstablished(
                    session: session, SessionFacts(peer: peer, transferMRU: 1 << 30, isDialled: false)))
        ])
    }

    func lose(_ peer: NodeID) throws(FlipStop) {
        guard let session = sessions.removeValue(forKey: peer) else { return }
        try run([.event(.sessionEnded(session: session, sentWhole: [], reason: "lost"))])
    }

    func audit(_ verb: String) throws(FlipStop) {
        try run([.event(.audited(Deed(uid: 0, login: "root", verb: verb, subject: "test"), ticket: nil))])
    }

    // MARK: What is left

    /// The state of each pair of which the store knows: `d7 A1 waiting`.
    func states() throws(FlipStop) -> [String] {
        var lines: [String] = []
        do throws(StoreFailure) {
            try store.read { rows in
                rows.scan(.envelope, prefix: RowKey()) { key, value in
                    guard let row = EnvelopeRow(number: key.number(at: 0), record: value), let document = row.document
                    else { return true }
                    for recipient in row.recipients {
                        lines.append("\(document.documentID) \(recipient.name) \(recipient.state)")
                    }
                    return true
                }
            }
        } catch {
            throw FlipStop(sentence: error.sentence, code: 70)
        }
        return lines
    }

    /// An agency takes the oldest of its documents, so many at once.
    func takeSome(_ count: Int) throws(FlipStop) {
        var pairs: [(number: UInt64, name: String)] = []
        do throws(StoreFailure) {
            try store.read { rows in
                rows.scan(.inbox, prefix: RowKey(text: "T2")) { key, _ in
                    let number = key.number(at: key.count - 8)
                    guard pairs.count < count, let raw = rows.value(.envelope, Keys.envelope(number)),
                        let document = EnvelopeRow(number: number, record: raw)?.document
                    else { return false }
                    pairs.append((number, document.documentID + " T2"))
                    return true
                }
            }
        } catch {
            throw FlipStop(sentence: error.sentence, code: 70)
        }
        if pairs.isEmpty { return }
        for pair in pairs { marks?.ends(pair.name) }
        try run([
            .event(
                .inboxAcknowledged(ticket: ticket(), agency: AgencyCode("T2")!, envelopes: pairs.map(\.number)))
        ])
    }

    /// Takes all that lies in the inboxes, and notes what is set aside by name.
    func takeStock() throws(FlipStop) {
        var waiting: [(agency: String, number: UInt64, document: DocumentDescription, payload: [ExtentRange])] = []
        var named: [String] = []
        do throws(StoreFailure) {
            try store.read { rows in
                rows.scan(.envelope, prefix: RowKey()) { key, value in
                    guard let row = EnvelopeRow(number: key.number(at: 0), record: value), let document = row.document
                    else { return true }
                    for recipient in row.recipients where recipient.state == .corrupt {
                        named.append("\(document.documentID) \(recipient.name)")
                    }
                    return true
                }
                rows.scan(.inbox, prefix: RowKey()) { key, _ in
                    let number = key.number(at: key.count - 8)
                    let agency = String(decoding: key.dropLast(9), as: UTF8.self)
                    guard let raw = rows.value(.envelope, Keys.envelope(number)),
                        let row = EnvelopeRow(number: number, record: raw), let document = row.document,
                        row.recipients.contains(where: { $0.name == agency && $0.state == .arrived })
                    else { return true }
                    waiting.append(
                        (
                            agency, number, document,
                            [ExtentRange(extent: row.extent, offset: 0, length: row.payloadLength)]
                        ))
                    return true
                }
            }
        } catch {
            throw FlipStop(sentence: error.sentence, code: 70)
        }
        for pair in named { note(.named, pair) }
        for item in waiting {
            let pair = "\(item.document.documentID) \(item.agency)"
            guard let bytes = item.payload.first.flatMap(bytes) else {
                // Whoever fetches it is told that it cannot be read, by its name.
                note(.named, pair)
                continue
            }
            let isRight =
                Self.document(item.document.documentID).map {
                    Self.content($0, 0..<item.document.payloadLength) == bytes
                } ?? false
            note(isRight ? .inbox : .wrong, pair)
            guard let agency = AgencyCode(item.agency) else { continue }
            try run([.event(.inboxAcknowledged(ticket: ticket(), agency: agency, envelopes: [item.number]))])
        }
    }
}
