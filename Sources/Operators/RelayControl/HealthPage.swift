// HealthPage: GET /v1/health: what `edocctl check` and `doctor` ask: how the engine answers, whether the store commits, and what may become
// short: disk, certificates, time. It answers also when the engine does not, and when nothing that lies on the store's disk can be looked
// at: then with what is in memory, and within the same two seconds.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import Synchronization

extension ControlServer {
    /// A commit may wait for a slow disk; longer is a fault.
    static var commitPatience: Duration { .seconds(10) }

    func addHealth(to router: Router<ControlContext>) {
        router.get("v1/health") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["commit"])
            let commit: Bool
            switch try query.one("commit") {
            case nil, "false": commit = false
            case "true": commit = true
            default: throw ControlError.badRequest("commit is true or false")
            }
            return try json(try await health(commit: commit))
        }
    }

    /// The most that is waited for all that is shown.
    static var healthPatience: Duration { .milliseconds(1_800) }

    private func health(commit: Bool) async throws -> HealthAnswer {
        guard gathering.begin(),
            let figures = await node.first(
                within: Self.healthPatience,
                { [gathering] in
                    // Late or never: whoever has begun it does not wait any more.
                    defer { gathering.end() }
                    return try await figures(enginePatience: .milliseconds(1_500))
                })
        else { return bareHealth(commit: commit) }
        return try await health(figures, commit: commit)
    }

    /// What can be said while the disk of the store does not answer.
    private func bareHealth(commit: Bool) -> HealthAnswer {
        let settings = node.configuration.settings
        var answer = HealthAnswer(
            now: node.now.wall.timestamp, node: settings.node.name, version: ProgramVersion.text,
            engineMilliseconds: nil, mailbox: 0, disk: .init(freeBytes: 0, bytes: 0, mapBytes: settings.store.mapSize),
            certificates: .init(own: nil, authorities: nil, revocationLists: nil, peers: [:]), oldestSeconds: [:],
            configurationPath: "")
        answer.storeError = "the store cannot be read: its disk does not answer"
        if commit { answer.commitError = answer.storeError }
        return answer
    }

    private func health(_ figures: MetricsFigures, commit: Bool) async throws -> HealthAnswer {
        let watch = figures.watch
        var peers: [String: Timestamp] = [:]
        for session in figures.sessions {
            guard let expiry = session.certificateExpiry?.timestamp else { continue }
            peers[session.peer.name] = min(peers[session.peer.name] ?? expiry, expiry)
        }
        var oldest: [Int: UInt64] = [:]
        for (key, queue) in figures.rows.queues where queue.count > 0 {
            let urgency = Int(key.urgency.rawValue)
            oldest[urgency] = max(oldest[urgency] ?? 0, queue.oldestSeconds)
        }
        var answer = HealthAnswer(
            now: figures.now.wall.timestamp, node: figures.node, version: figures.facts.version,
            engineMilliseconds: figures.engine?.milliseconds, mailbox: watch.mailbox,
            disk: .init(freeBytes: watch.diskFreeBytes, bytes: watch.diskBytes, mapBytes: watch.mapBytes),
            certificates: .init(
                own: watch.certificateExpiry.map(Self.timestamp),
                authorities: watch.authorityExpiry.map(Self.timestamp),
                revocationLists: watch.revocationListUpdate.map(Self.timestamp), peers: peers),
            oldestSeconds: oldest, configurationPath: watch.configurationPath)
        answer.clockDoubted = figures.engine?.isClockDoubted
        answer.oldestArrivedSeconds = figures.oldestArrivedSeconds
        answer.lastBackup = figures.rows.backup?.timestamp
        if case .open(let address) = watch.metrics { answer.metricsAddress = address }
        answer.openFiles = watch.openFiles
        answer.openFilesMax = watch.openFilesMax
        if commit {
            answer.commitMicroseconds = await node.first(within: Self.commitPatience) { try await node.probeCommit() }
            if answer.commitMicroseconds == nil {
                answer.commitError = "the store has not committed a row: it is full, or its disk does not answer"
            }
        }
        return answer
    }

    private static func timestamp(unixSeconds: Int64) -> Timestamp {
        Timestamp(unixMilliseconds: unixSeconds.multipliedReportingOverflow(by: 1_000).partialValue)
    }
}

/// How many gather figures at this moment. Those that a dead disk holds up are never done: no more are begun then.
final class Gathering: Sendable {
    private static let countMax = 16
    private let count = Atomic(0)

    func begin() -> Bool {
        guard count.wrappingAdd(1, ordering: .relaxed).newValue <= Self.countMax else {
            end()
            return false
        }
        return true
    }

    func end() { count.wrappingSubtract(1, ordering: .relaxed) }
}
