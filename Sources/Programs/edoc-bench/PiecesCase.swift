// PiecesCase: what a store takes when its free pages lie in pieces. The engine on a store of 512 MiB, without links: documents of the
// sizes of real mail are handed in for an agency at home, and the agency takes any of them, so that the store is filled, thinned and
// filled again, ten times between 70 and 95 % of the map. All that is accepted must be read back as it was and be delivered once; and
// documents must be accepted at half of the rate of an empty store.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import RelayStore

enum PiecesCase {
    static func run(_ place: Place) throws -> CaseResult {
        let map: UInt64 = (place.isQuick ? 256 : 512) << 20
        let rounds = place.isQuick ? 3 : 10
        let disk = try DiskRate.measure(place)
        let hub = try LoneHub(directory: place.directory + "/pieces", mapBytes: map)
        // An empty store, as far as to 70 %.
        let empty = try hub.fill(to: 70)
        var rates: [Double] = []
        var full: UInt64 = 0
        for _ in 0..<rounds {
            rates.append(try hub.fill(to: 95))
            full += hub.divided
            try hub.thin(to: 70)
        }
        let slowest = rates.min() ?? 0
        let median = rates.sorted()[rates.count / 2]
        let lost = try hub.deliverAll()
        var result = CaseResult()
        result.targets = [
            .atLeast("median rate of a round, of that of an empty store", 0.5, "", median / max(empty, 1)),
            .atMost("accepted and not delivered, or not as it was", 0, "", Double(lost)),
            .atMost("documents refused below 95 % of the map", 0, "", Double(hub.refused)),
            .reach("slowest round, of an empty store", "", slowest / max(empty, 1)),
        ]
        result.figures = [
            ("mapBytes", .count(map)), ("rounds", .count(rounds)), ("accepted", .count(hub.accepted)),
            ("emptyMBs", .real(empty / 1e6)), ("roundsMBs", .list(rates.map { .real($0 / 1e6) })),
            ("batchesDivided", .count(full)), ("pagesMoved", .count(hub.pagesMoved)), ("disk", disk.figure),
        ]
        return result
    }
}

/// One node without neighbours: its engine and its store, run by this thread as the daemon's engine thread does.
private final class LoneHub {
    private static let agency = AgencyCode("T1")
    /// Octets, and how many of a hundred documents have about so many.
    private static let sizes: [(bytes: Int, share: UInt64)] = [
        (4 << 10, 40), (20 << 10, 30), (200 << 10, 20), (1 << 20, 8), (4 << 20, 2),
    ]

    private let store: LMDBStore
    private let mapBytes: UInt64
    private var engine: Engine
    private var narrowing = Narrowing()
    private var random = SplitMix64(seed: 10)
    private var time: UInt64 = 1_000_000
    private var tickets: UInt64 = 0
    private var waiting: [(number: UInt64, digest: Digest)] = []
    private var lastTogether = Instant.now()
    private let bytes: [UInt8]
    private(set) var accepted: UInt64 = 0
    private(set) var refused: UInt64 = 0
    /// Batches of the last filling that were tried again.
    private(set) var divided: UInt64 = 0
    private var delivered: UInt64 = 0
    var pagesMoved: UInt64 { store.pagesMoved }

    init(directory: String, mapBytes: UInt64) throws {
        try Folder.make(directory)
        self.mapBytes = mapBytes
        guard let node = NodeID(name: "truc"), let agency = Self.agency else { throw BenchFailure("no names") }
        var settings = StoreSettings(node: node.text)
        settings.mapBytes = mapBytes
        settings.reserveBytes = mapBytes / 50
        settings.aheadBytes = min(settings.aheadBytes, mapBytes / 16)
        store = try LMDBStore(directory: directory, settings: settings)
        var agencies = Directory()
        try agencies.insert(Directory.Agency(code: agency, name: "T1", home: node, aliases: []))
        guard let routes = RouteTable([]) else { throw BenchFailure("no routes") }
        let configuration = CoreConfiguration(
            node: node, directory: agencies, routes: routes, peers: [], limits: CoreLimits())
        let now = ClockReading(
            relay: RelayTime(milliseconds: time), wall: WallTime(milliseconds: 820_454_400_000 + time))
        let room = store.headRoom
        let built = store.batch { rows in
            Engine(
                configuration: configuration, seed: 1, now: now, room: room, rows: rows, hash: SHA256Hasher.digest)
        }
        guard let engine = built.released else { throw BenchFailure("the store takes no engine") }
        self.engine = engine
        bytes = (0..<(5 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
    }

    private var usedPercent: UInt64 { store.headRoom.usedBytes * 100 / mapBytes }

    /// Hands in documents until so much of the map is in use; answers payload octets a second.
    func fill(to percent: UInt64) throws -> Double {
        divided = 0
        var taken = 0
        let start = Instant.now()
        while usedPercent < percent {
            var inputs: [EngineInput] = []
            var digests: [Ticket: (Digest, Int)] = [:]
            var octets = 0
            while octets < 4 << 20, inputs.count < 600 {
                tickets += 1
                let count = nextSize()
                let first = Int(random.next(below: UInt64(bytes.count - count)))
                let part = bytes[first..<first + count]
                let digest = part.withUnsafeBytes(SHA256Hasher.digest(of:))
                let ticket = Ticket(tickets)
                digests[ticket] = (digest, count)
                inputs += try submission(ticket, part, digest)
                octets += count
            }
            for effect in try run(inputs) {
                guard case .answerSubmission(let ticket, let answer) = effect, let known = digests[ticket] else {
                    continue
                }
                switch answer {
                case .accepted(_, let number), .repeated(_, let number):
                    waiting.append((number, known.0))
                    accepted += 1
                    taken += known.1
                case .refused: refused += 1
                }
            }
            if Instant.seconds(since: start) > 600 { throw BenchFailure("the store is not filled in ten minutes") }
        }
        return Double(taken) / Instant.seconds(since: start)
    }

    private func nextSize() -> Int {
        var place = random.next(below: 100)
        for size in Self.sizes {
            if place < size.share { return size.bytes / 2 + Int(random.next(below: UInt64(size.bytes))) * 7 / 10 }
            place -= size.share
        }
        return 4_096
    }

    private func submission(_ ticket: Ticket, _ part: ArraySlice<UInt8>, _ digest: Digest) throws -> [EngineInput] {
        guard let agency = Self.agency else { return [] }
        let submission = Submission(
            ticket: ticket, sender: agency, recipients: [agency.text], urgency: .normal,
            documentID: "\(ticket.number)", payloadLength: UInt64(part.count), lifetime: nil)
        return [
            .submitted(submission), .submissionBytes(ticket, ByteBuffer(bytes: part)),
            .submissionCompleted(ticket, digest: digest),
        ]
    }

    /// The agency takes documents out of turn until no more than so much of the map is in use.
    func thin(to percent: UInt64) throws {
        while usedPercent > percent, !waiting.isEmpty {
            var numbers: [UInt64] = []
            for _ in 0..<min(64, waiting.count) {
                let place = Int(random.next(below: UInt64(waiting.count)))
                waiting.swapAt(place, waiting.count - 1)
                numbers.append(waiting.removeLast().number)
            }
            try take(numbers)
        }
    }

    private func take(_ numbers: [UInt64]) throws {
        guard let agency = Self.agency else { return }
        tickets += 1
        for effect in try run([
            .event(.inboxAcknowledged(ticket: Ticket(tickets), agency: agency, envelopes: numbers))
        ]) {
            if case .answerInbox(_, let taken) = effect { delivered += UInt64(taken) }
        }
    }

    /// Reads what is left, and lets the agency take it; answers how many are not as they were, or not there.
    func deliverAll() throws -> UInt64 {
        var wrong: UInt64 = 0
        for (number, digest) in waiting {
            let found = try store.read { rows -> Digest? in
                guard let raw = rows.value(.envelope, Keys.envelope(number)),
                    let row = EnvelopeRow(number: number, record: raw)
                else { return nil }
                var buffer = ByteBuffer()
                let outcome = PayloadReader.copy(0..<row.payloadLength, of: row.extent, from: rows, into: &buffer)
                guard outcome == .complete else { return nil }
                return buffer.withUnsafeReadableBytes(SHA256Hasher.digest(of:))
            }
            if found != digest { wrong += 1 }
        }
        while !waiting.isEmpty {
            let part = waiting.suffix(256).map(\.number)
            waiting.removeLast(part.count)
            try take(part)
        }
        return wrong + (accepted - delivered)
    }

    /// A batch as the daemon runs it, with the effects of all that it was divided into.
    private func run(_ inputs: [EngineInput]) throws -> [Effect] {
        var effects = try decide(inputs)
        // What has more than one piece is read back before the agency sees it; here `deliverAll` looks at what is left.
        var read: [EngineInput] = []
        for effect in effects {
            guard case .verify(let number, _, _) = effect else { continue }
            read.append(.event(.documentVerified(number: number, matches: true)))
        }
        if !read.isEmpty { effects += try run(read) }
        return effects
    }

    private func decide(_ inputs: [EngineInput]) throws -> [Effect] {
        var rest = inputs[...]
        var effects: [Effect] = []
        var isRetry = false
        repeat {
            isRetry = false
            time += 5
            let now = ClockReading(
                relay: RelayTime(milliseconds: time), wall: WallTime(milliseconds: 820_454_400_000 + time))
            let room = store.headRoom
            let before = room.isTight ? engine : nil
            let share = rest.prefix(narrowing.share(of: rest.count))
            let isLean = narrowing.isLean
            let result = store.batch { rows in engine.run(share, now: now, room: room, rows: rows, isLean: isLean) }
            switch result {
            case .durable(let outcome), .unchanged(let outcome):
                rest = rest.dropFirst(outcome.taken)
                effects += outcome.effects
                if narrowing.went() == .refuseFirst, let first = rest.popFirst() {
                    rest = [.foundNoRoom(first)] + rest
                }
            case .full(let why):
                divided += 1
                guard let before else { throw BenchFailure("full without being tight: \(why)") }
                engine = before
                isRetry = true
                if case .startOver = narrowing.foundNoRoom(first: rest.first) {
                    throw BenchFailure("the store takes nothing any more: \(why)")
                }
            case .fatal(let why): throw BenchFailure(why)
            }
            if Instant.seconds(since: lastTogether) >= 0.1 {
                _ = store.bringTogether()
                lastTogether = Instant.now()
            }
        } while !rest.isEmpty || isRetry
        return effects
    }
}
