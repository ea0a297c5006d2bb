// FindingsPage: GET /v1/findings: the one list of what a person should know of the node (RelayModel, Finding), put together from what the
// decisions have in memory, what stands in the store, and what only the process knows. Everything that judges a node shows this list. It
// comes also when the engine does not answer: pictures are taken beside it.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    func addFindings(to router: Router<ControlContext>) {
        router.get("v1/findings") { request, context in
            try await requireSee(context)
            let bounds = try FindingBounds(try ControlQuery(request, known: Set(FindingParameter.all)))
            return try json(try await findingsAnswer(bounds))
        }
    }

    private func findingsAnswer(_ bounds: FindingBounds) async throws -> FindingsAnswer {
        let now = node.now
        // Whoever asks is told that the disk hangs, and does not hang with it.
        let found: Result<[Finding], any Error>? = await node.first(within: Self.healthPatience) {
            do { return .success(try await findings(at: now, bounds)) } catch { return .failure(error) }
        }
        let silent = Finding(.critical, .storeSilent, "the store cannot be read: its disk does not answer")
        return FindingsAnswer(
            now: now.wall.timestamp, node: node.configuration.settings.node.name,
            findings: try (found?.get() ?? [silent]).map(FindingLine.init))
    }

    /// The worst first; among those of one grade in the order in which they are found.
    func findings(at now: ClockReading, _ bounds: FindingBounds = FindingBounds()) async throws -> [Finding] {
        let live = try node.picture(of: [])
        let facts = try await node.facts()
        let watch = try? await node.watchFacts()
        let peers = node.configuration.settings.peers.map(\.node)
        let stored = try await node.read { [directory = node.configuration.directory] rows in
            let reach = live.historyReach(rows, facts.headRoom, at: now.relay)
            return (
                findings: Finding.ofStore(rows, at: now) + reach.findings(at: now.relay),
                reserved: rows.number(.counter, CounterKey.reservedBytes.name),
                queues: QueueFigures.all(rows, peers: peers, now: now.relay),
                inboxes: OldestArrived(rows, now: now.relay),
                hidden: HiddenInbox.found(in: directory, rows).map(\.finding),
                backup: LastBackup.read(rows)
            )
        }
        var found = Self.ofRoom(facts.headRoom, live, reserved: stored.reserved, at: now, bounds)
        found += live.findings(at: now, bounds, waiting: Self.backlogs(stored.queues)) + stored.findings
        found += stored.hidden
        if let watch {
            let sessions = (try? await node.sessions()) ?? []
            found += Self.ofProcess(watch) + Self.ofCertificates(watch, sessions, at: now, bounds)
            found += Self.ofBackups(
                stored.backup, watch, maxAge: node.configuration.settings.backup.maxAge, at: now)
        }
        let handing = live.spoolViews.compactMap(\.oldest).min()
        found += Self.ofWaiting(stored.queues, at: now, bounds)
        found += Self.ofInboxes(stored.inboxes, handing: handing, at: now, bounds)
        // A stable order: `sorted` keeps none by itself.
        return found.enumerated().sorted { left, right in
            left.element.grade != right.element.grade
                ? left.element.grade > right.element.grade : left.offset < right.offset
        }.map(\.element)
    }

    private static func backlogs(_ queues: [QueueFigures.Key: QueueFigures]) -> [NodeID: [LinkBacklog]] {
        var result: [NodeID: [LinkBacklog]] = [:]
        for (key, figures) in queues {
            guard case .peer(let node) = key.place else { continue }
            result[node, default: []].append(
                LinkBacklog(
                    urgency: Int(key.urgency.rawValue), count: figures.count, oldestSeconds: figures.oldestSeconds))
        }
        return result
    }

    private static func ofRoom(
        _ room: HeadRoom, _ live: CorePicture, reserved: UInt64, at now: ClockReading, _ bounds: FindingBounds
    ) -> [Finding] {
        var found: [Finding] = []
        if let old = room.oldReader {
            found.append(
                Finding(
                    .warning, .readerOld, subject: String(old.process),
                    since: now.wall.before(.seconds(old.seconds)),
                    "process \(old.process) reads the store from outside: \(room.pinnedBytes) bytes that are free cannot be used until it ends"
                ))
        }
        if room.acceptableBytes == 0 {
            return found + [
                Finding(
                    .critical, .storeFull,
                    "the store is full up to its reserve: nothing is accepted, what waits is still forwarded")
            ]
        }
        let whole = max(room.usedBytes &+ room.freeBytes, 1)
        let percent = UInt64(Double(room.acceptableBytes) / Double(whole) * 100)
        if let grade = bounds.room.grade(left: percent) {
            found.append(Finding(grade, .roomLow, "\(percent) % of the store's room is left"))
        }
        if let largest = live.largestRefused(room, reserved: reserved, at: now.relay) {
            found.append(
                Finding(
                    .warning, .roomShort,
                    "documents are not taken for want of room: at this time the largest that fits has \(largest) bytes"
                ))
        }
        return found
    }

    private static func ofProcess(_ watch: WatchFacts) -> [Finding] {
        var found = watch.findings
        if case .troubled(let address, let why) = watch.metrics {
            found.append(
                Finding(
                    .warning, .metricsTroubled, subject: address,
                    "no figures are served: metrics.listen \(address) cannot be opened: \(why)"))
        }
        return found
    }

    private static func ofCertificates(
        _ watch: WatchFacts, _ sessions: [SessionInfo], at now: ClockReading, _ bounds: FindingBounds
    ) -> [Finding] {
        let seconds = Int64(clamping: now.wall.unixMilliseconds / 1_000)
        func day(_ end: Int64) -> String {
            String(Timestamp(unixMilliseconds: end.multipliedReportingOverflow(by: 1_000).partialValue).text.prefix(10))
        }
        func grade(_ end: Int64) -> FindingGrade? { bounds.certificate.grade(left: UInt64(clamping: end - seconds)) }
        var found: [Finding] = []
        if let end = watch.certificateExpiry, let grade = grade(end) {
            found.append(
                end <= seconds
                    ? Finding(
                        .critical, .certificateEnds,
                        "this node's certificate has ended: no link comes up until it is renewed")
                    : Finding(grade, .certificateEnds, "this node's certificate ends on \(day(end))"))
        }
        if let end = watch.authorityExpiry, let grade = grade(end) {
            found.append(
                Finding(grade, .authorityEnds, "the certificate of an authority in tls.ca ends on \(day(end))"))
        }
        var ends: [NodeID: Int64] = [:]
        for session in sessions {
            guard let expiry = session.certificateExpiry else { continue }
            let end = Int64(clamping: expiry.unixMilliseconds / 1_000)
            ends[session.peer] = min(ends[session.peer] ?? end, end)
        }
        for (peer, end) in ends.sorted(by: { $0.key < $1.key }) {
            guard let grade = grade(end) else { continue }
            found.append(
                Finding(
                    grade, .peerCertificateEnds, subject: peer.name,
                    "the certificate of \(peer.name) ends on \(day(end))"))
        }
        if let update = watch.revocationListUpdate, update < seconds {
            found.append(Finding(.warning, .revocationListOld, "a revocation list is out of date since \(day(update))"))
        }
        return found
    }

    /// Where copies are made: the timer is enabled, or there was one.
    static func ofBackups(
        _ last: WallTime?, _ watch: WatchFacts, maxAge: Milliseconds, at now: ClockReading
    ) -> [Finding] {
        guard maxAge > .zero, let since = last ?? watch.backupTimer else { return [] }
        let age = Milliseconds(now.wall > since ? now.wall.milliseconds - since.milliseconds : 0)
        guard age > maxAge else { return [] }
        let sentence =
            last == nil
            ? "edoc-backup.timer has been enabled for \(age.text), and no backup was made"
            : "the last good backup is \(age.text) old"
        return [
            Finding(
                .warning, .backupOld, since: since,
                watch.backupFailure.map { "\(sentence); the last try failed: \($0)" } ?? sentence)
        ]
    }

    private static func ofWaiting(
        _ queues: [QueueFigures.Key: QueueFigures], at now: ClockReading, _ bounds: FindingBounds
    ) -> [Finding] {
        Urgency.allCases.reversed().compactMap { urgency in
            let cells = queues.filter { $0.key.urgency == urgency && $0.value.count > 0 }
            guard let oldest = cells.map(\.value.oldestSeconds).max() else { return nil }
            let number = Int(urgency.rawValue)
            let grade: FindingGrade
            if let bound = bounds.waitingCritical[number], oldest >= bound {
                grade = .critical
            } else if let bound = bounds.waitingWarning[number], oldest >= bound {
                grade = .warning
            } else {
                return nil
            }
            let span = Milliseconds.seconds(oldest)
            return Finding(
                grade, .oldWaiting, subject: String(number), since: now.wall.before(span),
                "urgency \(number) (\(urgency.nameInLaw)) has waited for \(span.text)")
        }
    }

    private static func ofInboxes(
        _ inboxes: OldestArrived, handing: RelayTime?, at now: ClockReading, _ bounds: FindingBounds
    ) -> [Finding] {
        let ages = [
            inboxes.agencies > 0 ? inboxes.oldestSeconds : nil, handing.map { now.relay.since($0).count / 1_000 },
        ].compactMap(\.self)
        guard let oldest = ages.max(), oldest >= bounds.arrivedWarning else { return [] }
        let span = Milliseconds.seconds(oldest)
        return [
            Finding(
                .warning, .oldArrived, since: now.wall.before(span),
                "the oldest in an inbox or on its way into a spool has waited for \(span.text)")
        ]
    }
}

extension FindingLine {
    init(_ finding: Finding) {
        self.init(
            code: finding.code.rawValue, check: finding.code.check, grade: finding.grade.rawValue,
            subject: finding.subject, since: finding.since?.timestamp, text: finding.text)
    }
}

extension WallTime {
    public func before(_ span: Milliseconds) -> WallTime {
        WallTime(milliseconds: milliseconds > span.count ? milliseconds - span.count : 0)
    }
}

extension FindingBounds {
    /// What is not given stays as it is.
    init(_ query: ControlQuery) throws {
        self.init()
        func numbers(_ name: String) throws -> [UInt64]? {
            guard let text = try query.one(name) else { return nil }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { UInt64($0) }
            guard parts.allSatisfy({ $0 != nil }) else { throw ControlError.badRequest("\(name) is a list of numbers") }
            return parts.compactMap(\.self)
        }
        func pair(_ name: String) throws -> Pair? {
            guard let found = try numbers(name) else { return nil }
            guard found.count == 2 else { throw ControlError.badRequest("\(name) is two numbers such as 600,3600") }
            return Pair(found[0], found[1])
        }
        // `0=14400,3=900`: an urgency that is not there may wait for ever.
        func urgencies(_ name: String) throws -> [Int: UInt64]? {
            guard let text = try query.one(name) else { return nil }
            var result: [Int: UInt64] = [:]
            for part in text.split(separator: ",") {
                let sides = part.split(separator: "=", omittingEmptySubsequences: false)
                guard sides.count == 2, let urgency = Int(sides[0]), (0...4).contains(urgency),
                    let seconds = UInt64(sides[1])
                else { throw ControlError.badRequest("\(name) is seconds by urgency such as 0=14400,3=900") }
                result[urgency] = seconds
            }
            return result
        }
        if let found = try urgencies(FindingParameter.waitingWarning) { waitingWarning = found }
        if let found = try urgencies(FindingParameter.waitingCritical) { waitingCritical = found }
        if let found = try numbers(FindingParameter.arrivedWarning)?.first { arrivedWarning = found }
        if let found = try pair(FindingParameter.linkDown) { linkDown = found }
        if let found = try pair(FindingParameter.linkShare) { linkShare = found }
        if let found = try pair(FindingParameter.linkWaiting) { linkWaiting = found }
        if let found = try urgencies(FindingParameter.linkWaitingWarning) { linkWaitingWarning = found }
        if let found = try urgencies(FindingParameter.linkWaitingCritical) { linkWaitingCritical = found }
        if let found = try pair(FindingParameter.room) { room = found }
        if let found = try pair(FindingParameter.certificate) { certificate = found }
    }
}
