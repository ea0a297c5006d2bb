// Reports: telling the submitter what became of each recipient, and believing what others tell about ours.
//
// A row waits in `outgoingReport` from the commit of the state that it reports until it is in a record; the record is an
// envelope like any other. No report changes custody or removes a queued envelope, and there are no reports about reports.

import RelayModel
import RelayRows

/// Destinations for which report rows are waiting to be gathered into one record.
struct ReportGathering {
    /// What was said in this turn and is not placed yet.
    var fresh: [NodeID: [ReportRow]] = [:]
    private(set) var pending: [(node: NodeID, count: Int, since: RelayTime)] = []
    /// Where a destination stands in it: a turn may report thousands of rows to hundreds of nodes.
    private var places: [NodeID: Int] = [:]
    /// Since when the first of them waits, and how many rows the fullest has: a turn in which nothing is due looks at none of them.
    private var earliest: RelayTime?
    private var fullest = 0

    mutating func load(_ rows: any RowReader, now: RelayTime) {
        var from = RowKey()
        while let found = rows.row(.outgoingReport, atOrAfter: from) {
            let text = String(decoding: found.key.prefix { $0 != 0 }, as: UTF8.self)
            guard let node = NodeID(text: text) else { return }
            add(node, now: now)
            from = RowKey()
            from.append(unended: text)
            from.append(UInt8(1))
        }
    }

    mutating func add(_ node: NodeID, now: RelayTime) {
        if let position = places[node] {
            pending[position].count += 1
            fullest = max(fullest, pending[position].count)
        } else {
            places[node] = pending.count
            pending.append((node, 1, now))
            earliest = earliest.map { min($0, now) } ?? now
        }
    }

    /// Destinations whose rows are to go now, at most so many.
    mutating func take(_ limits: CoreLimits, now: RelayTime, limit: Int) -> [NodeID] {
        guard let earliest, fullest >= limits.reportRowsMax || earliest + limits.reportGather <= now else { return [] }
        var due: [NodeID] = []
        var left: [(node: NodeID, count: Int, since: RelayTime)] = []
        for entry in pending {
            let isDue = entry.count >= limits.reportRowsMax || entry.since + limits.reportGather <= now
            if isDue, due.count < limit { due.append(entry.node) } else { left.append(entry) }
        }
        guard !due.isEmpty else { return [] }
        pending = left
        places = [:]
        for (position, entry) in left.enumerated() { places[entry.node] = position }
        self.earliest = left.lazy.map(\.since).min()
        fullest = left.lazy.map(\.count).max() ?? 0
        return due
    }

    func hasRows(for node: NodeID) -> Bool { places[node] != nil }

    func due(_ limits: CoreLimits) -> RelayTime? { earliest.map { $0 + limits.reportGather } }
}

extension RelayCore {
    /// Rows so long go into one record: as a record they stay below what every reader takes.
    private static let recordOctets = 512 << 10
    /// Records made in one turn; the others follow at once.
    private static let recordsPerTurn = 16

    /// Notes what became of one recipient, for the node that submitted the envelope.
    mutating func report(
        _ row: EnvelopeRow, _ recipient: RecipientRow, _ state: ReportedState?, _ turn: inout Turn,
        reason: ReportReason? = nil
    ) {
        guard let state else { return }
        switch row.kind {
        case .administrative: return
        case .foreign:
            statusEnded(row, state, recipient.reason, &turn)
        case .document:
            guard let source = row.bundle.source.node, let code = AgencyCode(recipient.name) else { return }
            let line = ReportRow(
                bundle: row.bundle, recipient: code, state: state, time: turn.now.wall,
                reason: reason ?? recipient.reason, path: row.path)
            if source == node {
                let successor = outcomes.successor
                if line.reason == .renamed { outcomes.successor = row.resubmittedAs.last }
                store(line, &turn)
                outcomes.successor = successor
            } else {
                gathering.fresh[source, default: []].append(line)
            }
        }
    }

    /// What was said in this turn. Where it is much it goes into records at once, under the same commit, and is never a row by itself;
    /// what is said behind the look at what is due waits as rows.
    mutating func placeFreshReports(_ turn: inout Turn, intoRecords: Bool) {
        guard !gathering.fresh.isEmpty else { return }
        let fresh = gathering.fresh
        gathering.fresh = [:]
        for node in fresh.keys.sorted() {
            var lines = fresh[node].map { $0[...] } ?? []
            while intoRecords, lines.count >= Self.recordLinesMin, !gathering.hasRows(for: node) {
                let portion = portion(of: lines)
                guard makeRecord(.rows(Array(portion)), for: node.endpoint, node, &turn) else { break }
                lines.removeFirst(portion.count)
            }
            for line in lines {
                turn.rows.put(.outgoingReport, Keys.outgoingReport(node, order: takeNumber()), line.encoded())
                gathering.add(node, now: turn.now.relay)
            }
        }
    }

    /// So many lines are worth a record of their own.
    private static let recordLinesMin = 16

    /// The first lines, as many as go into one record: at least one.
    private func portion(of lines: ArraySlice<ReportRow>) -> ArraySlice<ReportRow> {
        var octets = 0
        return lines.prefix(limits.reportRowsMax).prefix { line in
            defer { octets += line.octetsAtMost }
            return octets <= Self.recordOctets
        }
    }

    mutating func gatherReports(_ turn: inout Turn) {
        placeFreshReports(&turn, intoRecords: true)
        for node in gathering.take(limits, now: turn.now.relay, limit: Self.recordsPerTurn) {
            var lines: [ReportRow] = []
            var keys: [RowKey] = []
            var unreadable: [(RowKey, [UInt8])] = []
            var isMore = false
            var octets = 0
            turn.rows.scan(.outgoingReport, prefix: Keys.outgoingReport(node)) { key, value in
                // Long paths count, too: the record must stay below what its reader takes.
                if lines.count == limits.reportRowsMax || octets > Self.recordOctets {
                    isMore = true
                    return false
                }
                octets += value.count
                if let line = ReportRow(record: value) {
                    lines.append(line)
                    keys.append(RowKey(copying: key))
                } else {
                    unreadable.append((RowKey(copying: key), [UInt8](value)))
                }
                return true
            }
            for (key, record) in unreadable { setAside(.outgoingReport, key, record, &turn) }
            if isMore { gathering.add(node, now: turn.now.relay) }
            guard !lines.isEmpty else { continue }
            guard makeRecord(.rows(lines), for: node.endpoint, node, &turn) else {
                // The rows stay; routes come back.
                gathering.add(node, now: turn.now.relay + .minutes(1))
                continue
            }
            for key in keys { turn.rows.delete(.outgoingReport, key) }
        }
    }

    /// Makes an administrative envelope of this node and puts it on its way.
    @discardableResult
    mutating func makeRecord(
        _ record: AdministrativeContent, for destination: EndpointID, _ destinationNode: NodeID, _ turn: inout Turn
    ) -> Bool {
        guard case .away(let hops) = destiny(ofNode: destinationNode, avoiding: [], origin: nil) else {
            ledger.count(.reportUnroutable)
            turn.effects.append(
                .notice(
                    Notice(
                        .warning, "no route for reports to \(destinationNode.name)\(record.waits ? "; they wait" : "")",
                        kind: .reportsUnroutable)))
            return false
        }
        let number = takeNumber()
        let length = writeReport(record, number, turn.rows)
        var row = EnvelopeRow(
            number: number, bundle: takeBundleID(&turn), kind: .administrative, urgency: Self.recordUrgency,
            lifetime: limits.reportLifetime, ageAtArrival: .zero, arrival: turn.now, origin: nil,
            destination: destination, reportTo: .none, payloadLength: length)
        row.receivedBytes = length
        row.hopLimit = limits.hopLimit
        row.path = [PathStop(node: node, time: turn.now.wall)]
        row.recipients = [
            RecipientRow(
                name: destination.text, state: .waiting, routeClass: routeClass(for: hops, turn.rows),
                due: turn.now.relay, since: turn.now.relay)
        ]
        ledger.count(.recordMade)
        self.record(&row, isComplete: true, &turn)
        return true
    }

    /// A record on a session that is not one of a neighbour: not yet, or not any more. Only of the latter it is said that it ends, or the
    /// neighbour would never use it.
    func refuseOfNobody(_ ticket: Ticket, _ session: Ticket, _ turn: inout Turn) {
        let (refusal, why) =
            isPending(session)
            ? (Refusal.noResources, "it is not known yet who the peer is")
            : (.sessionTerminating, "the session is over")
        turn.effects.append(.refuse(session: session, offer: ticket, refusal, .unknownPeer, why: why))
    }

    /// A report record for this node has come in.
    mutating func reported(
        _ ticket: Ticket, _ session: Ticket, reporter: NodeID, bundle: BundleID, _ lines: [ReportRow],
        _ turn: inout Turn
    ) {
        guard let from = sessions.look(session, { $0.peer }), let peer = peers.look(from, { $0.peer }) else {
            return refuseOfNobody(ticket, session, &turn)
        }
        guard peer.rights.allowsSource(reporter, peer: peer.node), reporter != node
        else {
            ledger.count(.refusedToPeer(RefusalCause.forgedReport.rawValue))
            turn.effects.append(
                .refuse(
                    session: session, offer: ticket, .notAcceptable, .forgedReport,
                    why: "reports of \(reporter.name) may not come this way"))
            return
        }
        guard turn.room.acceptableBytes > 0 else {
            // The reserve is for what accepts nothing; the reporter asks again.
            ledger.count(.refusedToPeer(RefusalCause.noResources.rawValue))
            turn.effects.append(
                .refuse(
                    session: session, offer: ticket, .noResources, .noResources,
                    why: "the store is full up to its reserve"))
            return
        }
        var believed = 0
        var refused = 0
        var doubtful: ReportRow?
        // What the books say of an envelope is read once for all of its rows.
        for group in Self.byEnvelope(lines) {
            var evidence = ReportEvidence(group[0].bundle, reporter)
            for line in group {
                switch belief(in: line, &evidence, turn) {
                case .none:
                    doubtful = doubtful ?? line
                    refused += 1
                case .hearsay: storeHearsay(line, &turn)
                case .word:
                    store(line, &turn)
                    evidence.said(line)
                    if isOfHome(line) { carriers.learn(line) }
                    believeAsCustody(line, &turn)
                    believed += 1
                }
            }
        }
        ledger.count(.recordTaken)
        noteTaken(bundle, turn.rows)
        if refused > 0 {
            ledger.add(.reportRowRefused, Int64(refused))
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm, "\(refused) report rows of \(reporter.name) are not believed",
                        peer: peer.node, envelope: doubtful?.bundle, agency: doubtful?.recipient,
                        kind: .reportsDisbelieved)))
        }
        learnFeatures(of: reporter, ticket, isBelieved: believed > 0)
        clockHeard(ofRecord: bundle, ticket, from: from, &turn)
        turn.effects.append(.acknowledge(session: session, offer: ticket))
    }
}

extension RelayCore {
    /// The rows of a record, those of one envelope together, as each comes first.
    private static func byEnvelope(_ lines: [ReportRow]) -> [[ReportRow]] {
        var groups: [[ReportRow]] = []
        var places: [BundleID: Int] = [:]
        for line in lines {
            if let place = places[line.bundle] {
                groups[place].append(line)
            } else {
                places[line.bundle] = groups.count
                groups.append([line])
            }
        }
        return groups
    }
}

extension RecipientState {
    /// What is said of such an end; nil: nothing.
    var reported: ReportedState? {
        switch self {
        case .delivered: .delivered
        case .refused: .refused
        case .expired: .expired
        case .deleted: .deleted
        default: nil
        }
    }
}
