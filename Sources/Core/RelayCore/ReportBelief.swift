// ReportBelief: what a report row proves. Whoever can reach this node may send rows about any envelope whose name he knows, so each
// is compared with what its reporter can know: the home of the recipient speaks for it; others speak for copies that they had.
//
// That a node had the copy is known from the books (it was handed there, or is under way), from earlier reports whose path names it,
// or from the routes. Beyond that, a node that is the home of another recipient had a copy for that one, and says nothing of this one;
// a node that is neither can only know of the envelope because it carried it.

import RelayModel
import RelayRows

extension RelayCore {
    /// True when the row may be stored as said.
    func isBelievable(_ line: ReportRow, _ reporter: NodeID, _ turn: Turn) -> Bool {
        guard line.bundle.source == node.endpoint, line.path.last?.node == reporter, line.path.first?.node == node
        else { return false }
        let copies = ownCopies(of: line.bundle, turn.rows)
        guard isOurs(line, copies, turn) else { return false }
        if configuration.directory.home(of: line.recipient) == reporter { return true }
        // An agency that has moved takes at its old home what came before; that home was believed when it said so.
        if hasSaid(.arrived, reporter, of: line, turn.rows) { return true }
        return !line.isArrival && hadCopy(reporter, line, copies, turn.rows)
    }

    private func ownCopies(of bundle: BundleID, _ rows: any RowReader) -> [EnvelopeRow] {
        var copies: [EnvelopeRow] = []
        let prefix = Keys.bundle(bundle)
        rows.scan(.bundle, prefix: prefix) { key, _ in
            guard key.count == prefix.bytes.count + 8 else { return true }
            let number = key.number(at: key.count - 8)
            if let row = active[number]?.row
                ?? rows.value(.envelope, Keys.envelope(number)).flatMap({ EnvelopeRow(number: number, record: $0) })
            {
                copies.append(row)
            }
            return copies.count < 64
        }
        return copies
    }

    /// Was this envelope submitted here, for this recipient?
    private func isOurs(_ line: ReportRow, _ copies: [EnvelopeRow], _ turn: Turn) -> Bool {
        if let document = copies.first(where: { $0.document != nil })?.document {
            return document.recipients.contains(line.recipient)
        }
        guard copies.isEmpty else { return false }
        // Its row has gone with the transit memory; the counter was given out by this store. Nothing here knows its creation time any
        // more, so a reporter could make up any number of names: only as many are kept as history may take.
        // What a neighbour has taken, and this store has lost with what was newer than its copy, is expected.
        guard hasGiven(line.bundle, turn.rows) || Outcomes.state(line.bundle, line.recipient, turn.rows) != nil else {
            return false
        }
        let created = line.bundle.creationTime
        let wall = turn.now.wall.milliseconds
        if !clockJudge.isDoubted, created > 0 {
            guard created <= wall.addingSaturating(limits.clockAheadMax.count),
                created.addingSaturating(limits.historyMemory.count) > wall
            else { return false }
        }
        return turn.rows.count(.report) < historyRowsMax(turn.room)
    }

    private func hasSaid(
        _ state: ReportedState, _ reporter: NodeID, of line: ReportRow, _ rows: any RowReader
    ) -> Bool {
        let key = Keys.report(line.bundle, recipient: line.recipient, order: UInt64(state.rawValue))
        return rows.value(.report, key).flatMap { ReportRow(record: $0) }?.reporter == reporter
    }

    /// Had this node, which is not the recipient's home, a copy for this recipient?
    private func hadCopy(
        _ reporter: NodeID, _ line: ReportRow, _ copies: [EnvelopeRow], _ rows: any RowReader
    ) -> Bool {
        for row in copies {
            guard let index = row.recipients.firstIndex(where: { $0.name == line.recipient.text }) else { continue }
            if row.recipients[index].state == .forwarded, row.recipients[index].peer == reporter { return true }
            let doubted = doubts.rows[row.number] ?? []
            if doubted.contains(where: { $0.peer == reporter && $0.recipients.contains(UInt64(index)) }) { return true }
            let carried = active[row.number]?.copies ?? []
            if carried.contains(where: { $0.peer == reporter && $0.recipients.contains(index) }) { return true }
        }
        var isOnTheWay = false
        var isHomeOfAnother = false
        rows.scan(.report, prefix: Keys.report(line.bundle)) { _, value in
            guard let row = ReportRow(record: value) else { return true }
            if row.recipient == line.recipient {
                // Its own word proves nothing.
                if row.reporter != reporter, row.path.contains(where: { $0.node == reporter }) { isOnTheWay = true }
            } else if row.isArrival, row.reporter == reporter {
                isHomeOfAnother = true
            }
            return !isOnTheWay
        }
        if isOnTheWay { return true }
        let directory = configuration.directory
        let others = copies.lazy.compactMap(\.document).first?.recipients ?? []
        if others.contains(where: { $0 != line.recipient && directory.home(of: $0) == reporter }) {
            isHomeOfAnother = true
        }
        guard isHomeOfAnother else { return true }
        guard let home = directory.home(of: line.recipient) else { return false }
        let hops = configuration.routes.hops(for: line.recipient, home: home)
        return configuration.transit.leads(hops, to: line.recipient, home: home, by: reporter)
    }

    /// Stores a row, once for each state: a reporter cannot fill the table by repeating itself. Delays one for each stop of the way, of
    /// which there are at most 64. An arrival and another node's word against it are told together.
    mutating func store(_ line: ReportRow, _ turn: inout Turn) {
        var order = UInt64(line.state.rawValue)
        if line.state == .delayed { order = order << 32 | UInt64(min(line.path.count, PathStop.pathStopsMax)) }
        let key = Keys.report(line.bundle, recipient: line.recipient, order: order)
        if let known = turn.rows.value(.report, key) {
            // What another said first does not keep the home from saying it: that is the word which counts.
            guard line.isNonDelivery, configuration.directory.home(of: line.recipient) == line.reporter,
                ReportRow(record: known)?.reporter != line.reporter
            else { return }
        }
        for state in ReportedState.allCases where state != .delayed && state != line.state {
            let other = Keys.report(line.bundle, recipient: line.recipient, order: UInt64(state.rawValue))
            guard let row = turn.rows.value(.report, other).flatMap({ ReportRow(record: $0) }), row.contradicts(line)
            else { continue }
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm,
                        "\(line.recipient): \(line.reporter?.name ?? "?") says \(line.state), \(row.reporter?.name ?? "?") says \(row.state)",
                        envelope: line.bundle, agency: line.recipient, kind: .reportsContradict)))
            break
        }
        turn.rows.put(.report, key, line.encoded(received: turn.now.relay))
        noteOutcome(line, &turn)
    }
}
