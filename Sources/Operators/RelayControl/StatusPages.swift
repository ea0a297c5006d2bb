// StatusPages: GET /v1/status, /v1/queue, /v1/limits and /v1/ledger: the node in figures, all of them counters. Nothing here looks at
// an envelope, so an answer costs the same with ten as with ten million.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    func addStatus(to router: Router<ControlContext>) {
        router.get("v1/status") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await status())
        }
        router.get("v1/queue") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await queue())
        }
        router.get("v1/limits") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await limits())
        }
        router.get("v1/ledger") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await ledger(of: nil))
        }
        router.get("v1/ledger/{peer}") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await ledger(of: try context.text("peer")))
        }
    }

    private func status() async throws -> StatusAnswer {
        let now = node.now
        let facts = try await node.facts()
        let live = try node.picture(of: [])
        let peers = live.peerViews
        let down = peers.filter { !$0.isUp }.map(\.node.name)
        let room = facts.headRoom
        let counted = try await node.read { rows in
            (
                states: Books.inStore(rows, admin: false),
                count: rows.number(.counter, CounterKey.stockCount(.everything).name),
                bytes: rows.number(.counter, CounterKey.stockBytes(.everything).name),
                corrupt: rows.number(.counter, CounterKey.corruptRecord.name), backup: LastBackup.read(rows),
                verified: ReckoningResult.read(rows), history: live.historyReach(rows, room, at: now.relay)
            )
        }
        let found = try await findings(at: now)
        var answer = StatusAnswer(
            node: node.configuration.settings.node.name, version: facts.version, now: now.wall.timestamp,
            started: facts.started.timestamp, uptimeSeconds: facts.started.timestamp.seconds(until: now.wall.timestamp),
            listening: facts.listening, batches: facts.batches, attention: Self.attention(found),
            memory: .init(rssAnon: facts.rssAnon, rssShmem: facts.rssShmem, rssFile: facts.rssFile),
            store: .init(
                envelopes: counted.count, payloadBytes: counted.bytes, usedBytes: room.usedBytes,
                freeBytes: room.freeBytes, reserveBytes: room.reserveBytes, acceptableBytes: room.acceptableBytes,
                fileBytes: facts.storeFileBytes),
            inStore: counted.states, links: .init(up: peers.count - down.count, down: down.count),
            active: UInt64(live.activeCount),
            stagedBytes: live.stagedOctets, corruptRecords: counted.corrupt, clockDoubted: live.isClockDoubted)
        answer.findings = found.map(FindingLine.init)
        answer.lastBackup = counted.backup?.timestamp
        if let oldest = counted.history.oldest, let from = now.wall(of: oldest) {
            answer.history = .init(
                from: from.timestamp, seconds: counted.history.span(at: now.relay).count / 1_000,
                memorySeconds: counted.history.memory.count / 1_000, isCut: counted.history.isCut)
        }
        if let verified = counted.verified, verified.ended.milliseconds != 0 {
            answer.verified = verified.ended.timestamp
            answer.verifiedClean = verified.isClean
        }
        return answer
    }

    /// A line each; of many links one for all.
    static func attention(_ findings: [Finding]) -> [String] {
        // So many stand with what was tried and what waits.
        let shownMax = 3
        let down = findings.filter { $0.code == .linkDown }
        if down.count <= shownMax { return findings.map(\.text) }
        // The worst come first; of notes nobody has to read each.
        let shown = Set(down.filter { $0.grade > .note }.prefix(shownMax).map(\.subject))
        let rest = down.map(\.subject).filter { !shown.contains($0) }
        // `peers --down` has all.
        let namesMax = 10
        var names = rest.prefix(namesMax).joined(separator: ", ")
        if rest.count > namesMax { names += ", …" }
        let sum =
            shown.isEmpty
            ? "links down: \(rest.count) (\(names))"
            : rest.count == 1 ? "1 more is down: \(names)" : "\(rest.count) more are down: \(names)"
        return findings.compactMap { finding in
            guard finding.code == .linkDown, !shown.contains(finding.subject) else { return finding.text }
            return finding.subject == rest.first ? sum : nil
        }
    }

    private func queue() async throws -> QueueAnswer {
        let now = node.now
        let lately = try await node.ask { core, _ in core.lately(now.relay) }
        let directory = node.configuration.directory
        let found = try await node.read { rows in
            let picture = QueuePicture(rows, now: now, lately: lately) { code in
                AgencyCode(code).flatMap(directory.name(of:))
            }
            let phase = RestorationRow.read(rows)?.phase
            return (
                picture: picture, arrived: rows.number(.counter, CounterKey.state(.arrived, admin: false).name),
                held: rows.number(.counter, CounterKey.state(.held, admin: false).name),
                deleting: rows.number(.counter, CounterKey.state(.deleting, admin: false).name),
                corrupt: rows.number(.counter, CounterKey.state(.corrupt, admin: false).name), restored: phase
            )
        }
        let spools = try node.picture(of: []).spoolViews
        var answer = QueueAnswer(
            now: now.wall.timestamp, bucketSeconds: QueuePicture.bucketSeconds, rows: found.picture.rows,
            arrived: found.picture.arrived, arrivedCount: found.arrived)
        answer.spools = spools.map { SpoolLine($0, now: now) }
        var attention: [String] = []
        if let phase = found.restored, phase != .released, found.held > 0 {
            attention = [
                "held since the store was restored from a copy: \(found.held); edocctl restore list, compare and release"
            ]
        } else if found.held > 0 {
            attention.append("held: \(found.held); edocctl queue list --state held")
        }
        if found.deleting > 0 {
            attention.append("being deleted: \(found.deleting); edocctl queue list --state deleting")
        }
        if found.corrupt > 0 { attention.append("set aside: \(found.corrupt); edocctl queue list --state corrupt") }
        if !attention.isEmpty { answer.attention = attention }
        return answer
    }

    private func limits() async throws -> LimitsAnswer {
        let now = node.now
        let facts = try await node.facts()
        let bounds = try await node.bounds()
        let views = try await node.ask { core, rows in core.limitViews(facts.headRoom, rows, now: now.relay) } + bounds
        let limits = views.map {
            LimitsAnswer.Limit(
                name: $0.name, setting: $0.setting, unit: $0.unit.rawValue, value: $0.value, used: $0.used,
                binds: $0.binds, effect: $0.effect)
        }
        return LimitsAnswer(now: now.wall.timestamp, limits: LimitsAnswer.sorted(limits))
    }

    private func ledger(of peer: String?) async throws -> LedgerAnswer {
        let now = node.now
        let name = node.configuration.settings.node.name
        let known = node.configuration.settings.peers.map(\.node)
        if let peer {
            guard let asked = NodeID(shortName: peer) ?? NodeID(text: peer) else {
                throw ControlError.badRequest("\(printable(peer)) is not a node name; edocctl peers lists them")
            }
            let line = try await node.read { rows in Books.peer(asked, rows) }
            guard known.contains(asked) || line.hasAny else {
                throw ControlError.notFound("no peer \(printable(peer)) is known here; edocctl peers lists them")
            }
            return LedgerAnswer(
                now: now.wall.timestamp, node: name, documents: nil, reports: nil, peers: [line], refusedTransfers: [:],
                refusedSubmissions: [:])
        }
        return try await node.read { rows in
            LedgerAnswer(
                now: now.wall.timestamp, node: name, documents: Books.book(rows, admin: false),
                reports: Books.book(rows, admin: true), peers: known.map { Books.peer($0, rows) },
                refusedTransfers: Books.causes(rows, RefusalCause.allCases.map(\.rawValue)) { .refusedToPeer($0) },
                refusedSubmissions: Books.causes(rows, SubmissionRefusal.allCases.map(\.rawValue)) {
                    .submissionRefused($0)
                })
        }
    }
}

extension LimitsAnswer {
    /// What binds first, then the closest; bounds on single things last. The order is otherwise that in which they were given.
    static func sorted(_ limits: [Limit]) -> [Limit] {
        func rank(_ limit: Limit) -> (Int, UInt64) {
            (limit.binds ? 0 : limit.used == nil ? 2 : 1, .max - (limit.percent ?? 0))
        }
        return limits.enumerated().sorted { left, right in
            let (mine, yours) = (rank(left.element), rank(right.element))
            return (mine.0, mine.1, left.offset) < (yours.0, yours.1, right.offset)
        }.map(\.element)
    }
}

/// The counters of one snapshot.
enum Books {
    static func book(_ rows: any RowReader, admin: Bool) -> LedgerAnswer.Book {
        var ended: [String: UInt64] = [:]
        for state in RecipientState.allCases where state.isEnd {
            ended[state.word] = rows.number(.counter, CounterKey.state(state, admin: admin).name)
        }
        return LedgerAnswer.Book(
            submitted: rows.number(.counter, CounterKey.acceptedSubmitted(admin: admin).name),
            taken: rows.number(.counter, CounterKey.acceptedTaken(admin: admin).name), ended: ended,
            inStore: inStore(rows, admin: admin))
    }

    static func inStore(_ rows: any RowReader, admin: Bool) -> [String: UInt64] {
        var result: [String: UInt64] = [:]
        for state in RecipientState.allCases where !state.isEnd {
            result[state.word] = rows.number(.counter, CounterKey.state(state, admin: admin).name)
        }
        return result
    }

    static func peer(_ node: NodeID, _ rows: any RowReader) -> LedgerAnswer.Peer {
        func count(_ key: CounterKey) -> UInt64 { rows.number(.counter, key.name) }
        return LedgerAnswer.Peer(
            node: node.name, taken: count(.takenFrom(node)), takenBytes: count(.takenBytesFrom(node)),
            forwarded: count(.forwardedTo(node)), forwardedBytes: count(.forwardedBytesTo(node)),
            refusals: count(.refusedByPeer(node)), pauses: count(.paused(node)), linkUps: count(.linkUp(node)))
    }

    /// The causes that have occurred.
    static func causes(
        _ rows: any RowReader, _ causes: [String], _ key: (String) -> CounterKey
    ) -> [String: UInt64] {
        var result: [String: UInt64] = [:]
        for cause in causes {
            let count = rows.number(.counter, key(cause).name)
            if count > 0 { result[cause] = count }
        }
        return result
    }
}

extension LedgerAnswer.Peer {
    fileprivate var hasAny: Bool { taken | takenBytes | forwarded | forwardedBytes | refusals | pauses | linkUps != 0 }
}
