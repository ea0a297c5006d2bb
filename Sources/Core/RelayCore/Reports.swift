// Reports: telling the submitter what became of each recipient, and believing what others tell about ours.
//
// A row waits in `outgoingReport` from the commit of the state that it reports until it is in a record; the record is an
// envelope like any other. No report changes custody or removes a queued envelope, and there are no reports about reports.

import RelayModel
import RelayRows

/// Destinations for which report rows are waiting to be gathered into one record.
struct ReportGathering {
    private(set) var pending: [(node: NodeID, count: Int, since: RelayTime)] = []

    mutating func load(_ rows: any RowReader, now: RelayTime) {
        var from = RowKey()
        while let found = rows.row(.outgoingReport, atOrAfter: from) {
            let text = String(decoding: found.key.prefix { $0 != 0 }, as: UTF8.self)
            guard let node = NodeID(text: text) else { return }
            pending.append((node, 1, now))
            from = RowKey()
            for byte in text.utf8 { from.append(byte) }
            from.append(UInt8(1))
        }
    }

    mutating func add(_ node: NodeID, now: RelayTime) {
        if let position = pending.firstIndex(where: { $0.node == node }) {
            pending[position].count += 1
        } else {
            pending.append((node, 1, now))
        }
    }

    /// Destinations whose rows are to go now.
    mutating func take(_ limits: CoreLimits, now: RelayTime) -> [NodeID] {
        let due = pending.filter { $0.count >= limits.reportRowsMax || $0.since + limits.reportGather <= now }
        pending.removeAll { entry in due.contains { $0.node == entry.node } }
        return due.map(\.node)
    }

    func due(_ limits: CoreLimits) -> RelayTime? { pending.map { $0.since + limits.reportGather }.min() }
}

extension RelayCore {
    private static let recordOctets = 1 << 20

    /// Notes what became of one recipient, for the node that submitted the envelope.
    mutating func report(
        _ row: EnvelopeRow, _ recipient: RecipientRow, _ state: ReportedState, _ turn: inout Turn,
        reason: ReportReason? = nil
    ) {
        switch row.kind {
        case .administrative: return
        case .foreign:
            guard row.wantsStatusReports, state != .arrived, state != .delayed, let node = row.reportTo.node,
                node != self.node
            else {
                return
            }
            makeRecord(
                .status(
                    bundle: row.bundle, piece: nil, state: state, time: turn.now.wall, reason: recipient.reason),
                for: row.reportTo, node, &turn)
        case .document:
            guard let source = row.bundle.source.node, let code = AgencyCode(recipient.name) else { return }
            let line = ReportRow(
                bundle: row.bundle, recipient: code, state: state, time: turn.now.wall,
                reason: reason ?? recipient.reason, path: row.path)
            if source == node {
                store(line, &turn)
            } else {
                turn.rows.put(
                    .outgoingReport, Keys.outgoingReport(source, order: takeNumber()), line.encoded())
                gathering.add(source, now: turn.now.relay)
            }
        }
    }

    mutating func gatherReports(_ turn: inout Turn) {
        for node in gathering.take(limits, now: turn.now.relay) {
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
    private mutating func makeRecord(
        _ record: AdministrativeContent, for destination: EndpointID, _ destinationNode: NodeID, _ turn: inout Turn
    ) -> Bool {
        guard case .away(let hops) = destiny(ofNode: destinationNode, avoiding: [], origin: nil) else {
            ledger.count(.reportUnroutable)
            turn.effects.append(
                .notice(
                    Notice(
                        .warning, "no route for reports to \(destinationNode.name); they wait", kind: .reportsUnroutable
                    )))
            return false
        }
        let number = takeNumber()
        let length = writeReport(record, number, turn.rows)
        var row = EnvelopeRow(
            number: number, bundle: takeBundleID(&turn), kind: .administrative, urgency: .flash,
            lifetime: limits.reportLifetime, ageAtArrival: .zero, arrival: turn.now, origin: nil,
            destination: destination, reportTo: .none, payloadLength: length)
        row.receivedBytes = length
        row.hopLimit = limits.hopLimit
        row.path = [PathStop(node: node, time: turn.now.wall)]
        row.recipients = [
            RecipientRow(
                name: destination.text, state: .waiting, routeClass: classes.number(for: hops, turn.rows),
                due: turn.now.relay, since: turn.now.relay)
        ]
        ledger.count(.recordMade)
        self.record(&row, isComplete: true, &turn)
        return true
    }

    /// A report record for this node has come in.
    mutating func reported(
        _ ticket: Ticket, _ session: Ticket, reporter: NodeID, bundle: BundleID, _ lines: [ReportRow],
        _ turn: inout Turn
    ) {
        guard let from = sessions[session]?.peer, let peer = peers[from]?.peer else {
            if isPending(session) {
                turn.effects.append(
                    .refuse(session: session, offer: ticket, .noResources, why: "it is not known yet who the peer is"))
                return
            }
            turn.effects.append(
                .refuse(session: session, offer: ticket, .sessionTerminating, why: "the session is over"))
            return
        }
        guard peer.rights.allowsSource(reporter, peer: peer.node), reporter != node
        else {
            ledger.count(.refusedToPeer(RefusalCause.forgedReport.rawValue))
            turn.effects.append(
                .refuse(
                    session: session, offer: ticket, .notAcceptable,
                    why: "reports of \(reporter.name) may not come this way"))
            return
        }
        guard turn.room.acceptableBytes > 0 else {
            // The reserve is for what accepts nothing; the reporter asks again.
            ledger.count(.refusedToPeer(RefusalCause.noResources.rawValue))
            turn.effects.append(
                .refuse(
                    session: session, offer: ticket, .noResources, why: "the store is full up to its reserve"))
            return
        }
        var believed = 0
        for line in lines where isBelievable(line, reporter, turn) {
            store(line, &turn)
            believed += 1
        }
        ledger.count(.recordTaken)
        noteTaken(bundle, turn.rows)
        if believed < lines.count {
            ledger.add(.reportRowRefused, Int64(lines.count - believed))
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm, "\(lines.count - believed) report rows of \(reporter.name) are not believed",
                        peer: peer.node, kind: .reportsDisbelieved)))
        }
        turn.effects.append(.acknowledge(session: session, offer: ticket))
    }

    /// Rows are believed of the recipient's home, or of the one that it had when the copy arrived; a non-delivery or a delay also of
    /// any node that the copy has passed.
    private func isBelievable(_ line: ReportRow, _ reporter: NodeID, _ turn: Turn) -> Bool {
        guard line.bundle.source == node.endpoint, line.path.last?.node == reporter,
            line.path.first?.node == node, isOurs(line, turn)
        else { return false }
        if configuration.directory.home(of: line.recipient) == reporter { return true }
        // An agency that has moved takes at its old home what came before; that home was believed when it said so.
        if line.state == .delivered {
            let arrived = Keys.report(
                line.bundle, recipient: line.recipient, order: UInt64(ReportedState.arrived.rawValue))
            if let value = turn.rows.value(.report, arrived), let row = ReportRow(record: value) {
                return row.path.last?.node == reporter
            }
        }
        return line.state != .arrived && line.state != .delivered
    }

    /// Was this envelope submitted here, for this recipient?
    private func isOurs(_ line: ReportRow, _ turn: Turn) -> Bool {
        let rows = turn.rows
        let prefix = Keys.bundle(line.bundle)
        if let found = rows.row(.bundle, atOrAfter: prefix), prefix.isPrefix(of: found.key) {
            let number = found.key.number(at: found.key.count - 8)
            guard let raw = rows.value(.envelope, Keys.envelope(number)),
                let row = EnvelopeRow(number: number, record: raw)
            else { return false }
            return row.document?.recipients.contains(line.recipient) ?? false
        }
        // Its row has gone with the transit memory; the counter was given out by this store. Nothing here knows its creation time any
        // more, so a reporter could make up any number of names: only as many are kept as history may take.
        guard hasGiven(line.bundle, rows) else { return false }
        let created = line.bundle.creationTime
        let wall = turn.now.wall.milliseconds
        if !clockJudge.isDoubted, created > 0 {
            guard created <= wall.addingSaturating(limits.clockAheadMax.count),
                created.addingSaturating(limits.historyMemory.count) > wall
            else { return false }
        }
        return rows.count(.report) < historyRowsMax(turn.room)
    }

    mutating func store(_ line: ReportRow, _ turn: inout Turn) {
        // One row a state, the first that came: a reporter cannot fill the table by repeating itself. Delays one for each stop of
        // the way, of which there are at most 64.
        var order = UInt64(line.state.rawValue)
        if line.state == .delayed { order = order << 32 | UInt64(min(line.path.count, PathStop.pathStopsMax)) }
        let key = Keys.report(line.bundle, recipient: line.recipient, order: order)
        if turn.rows.value(.report, key) == nil {
            turn.rows.put(.report, key, line.encoded(received: turn.now.relay))
            noteOutcome(line, &turn)
        }
    }
}
