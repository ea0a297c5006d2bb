// ReportBelief: what a report row proves. Whoever can reach this node may send rows about any envelope whose name he knows, so each
// is compared with what its reporter can know: the home of the recipient speaks for it; others speak for copies that they had.
//
// That a node had the copy is known from the books (it was handed there, or is under way), from earlier reports whose path names it, or
// from the routes of the network's file. Where the file is silent, a node behind the next hop is believed when homes have said of other
// documents that it hands on (Carriers.swift). Of any other node behind the next hop nothing here can know whether it had the copy: what
// it says is heard as a warning, and ends nothing. That a lifetime is over the books know by themselves.

import RelayModel
import RelayRows

/// What proves, or does not, what one reporter says of one envelope: read from the books when it is asked for, and once for all rows of a
/// record, so that a record of five hundred rows about one envelope of a thousand recipients costs as much as its rows.
struct ReportEvidence {
    let bundle: BundleID
    let reporter: NodeID
    fileprivate var known: Known?
    fileprivate var word: Word?

    fileprivate struct Known {
        var copies: [EnvelopeRow]
        /// All recipients of its document; nil where no copy here says.
        var recipients: Set<AgencyCode>?
    }

    /// The recipients of whom the reporter can know something.
    fileprivate struct Word {
        /// To whom it was handed from here, or is under way.
        var nextHops: [String: Set<NodeID>] = [:]
        /// Others' reports name it on the way.
        var onTheWay: Set<AgencyCode> = []
        /// At home there, by the directory or by its own word.
        var atHome: Set<AgencyCode> = []
    }

    init(_ bundle: BundleID, _ reporter: NodeID) {
        self.bundle = bundle
        self.reporter = reporter
    }

    /// A row of it has been believed.
    mutating func said(_ line: ReportRow) { if line.isArrival { word?.atHome.insert(line.recipient) } }
}

/// What a row is worth.
enum Belief {
    case none
    /// Nothing proves it, and nothing speaks against it.
    case hearsay
    /// It may be stored as said.
    case word
}

extension RelayCore {
    func belief(in line: ReportRow, _ evidence: inout ReportEvidence, _ turn: Turn) -> Belief {
        let reporter = evidence.reporter
        // That it goes on under another name is said by its source alone, which is this node.
        if line.reason == .renamed { return .none }
        guard line.bundle.source == node.endpoint, line.path.last?.node == reporter, line.path.first?.node == node
        else { return .none }
        // Nearly all that comes: the home speaks, of a pair that is waited for. Then the copies need not be looked at.
        if evidence.known == nil, isOfHome(line), Outcomes.state(line.bundle, line.recipient, turn.rows) != nil {
            return .word
        }
        let known = evidence.known ?? known(of: line.bundle, turn.rows)
        evidence.known = known
        guard isOurs(line, known, turn) else { return .none }
        if isOfHome(line) { return .word }
        // An agency that has moved takes at its old home what came before; that home was believed when it said so.
        if hasSaid(.arrived, reporter, of: line, turn.rows) { return .word }
        if line.isArrival { return .none }
        let word = evidence.word ?? word(of: reporter, line.bundle, known, turn.rows)
        evidence.word = word
        if hadCopy(reporter, line, word) { return .word }
        guard let home = configuration.directory.home(of: line.recipient), isBehindNextHop(line, home, known, word)
        else { return .none }
        if line.path.dropFirst(2).allSatisfy({ carriers.nodes.contains($0.node) }) { return .word }
        // The home of another recipient knows the name because it had a copy for that one.
        if !word.atHome.isEmpty { return .none }
        return line.state == .expired && isOver(known, turn) ? .word : .hearsay
    }

    /// Does the home of the recipient, by the directory, say it?
    func isOfHome(_ line: ReportRow) -> Bool {
        line.reporter.map { configuration.directory.home(of: line.recipient) == $0 } ?? false
    }

    /// Does the way that it names begin with a hop that was handed the copy, and lead further, not by its end?
    private func isBehindNextHop(
        _ line: ReportRow, _ home: NodeID, _ known: ReportEvidence.Known, _ word: ReportEvidence.Word
    ) -> Bool {
        guard line.path.count > 2, !line.path.contains(where: { $0.node == home }) else { return false }
        let first = line.path[1].node
        if word.nextHops[line.recipient.text]?.contains(first) == true { return true }
        return known.copies.isEmpty && configuration.routes.hops(for: line.recipient, home: home).contains(first)
    }

    /// By the books here, the lifetime of all copies has ended.
    private func isOver(_ known: ReportEvidence.Known, _ turn: Turn) -> Bool {
        !known.copies.isEmpty && known.copies.allSatisfy { $0.expiry <= turn.now.relay + limits.clockDisagreementMax }
    }

    private func known(of bundle: BundleID, _ rows: any RowReader) -> ReportEvidence.Known {
        let copies = ownCopies(of: bundle, rows)
        return ReportEvidence.Known(
            copies: copies, recipients: copies.lazy.compactMap(\.document).first.map { Set($0.recipients) })
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
    private func isOurs(_ line: ReportRow, _ known: ReportEvidence.Known, _ turn: Turn) -> Bool {
        if let recipients = known.recipients { return recipients.contains(line.recipient) }
        guard known.copies.isEmpty else { return false }
        guard turn.rows.count(.report) < historyRowsMax(turn.room) else { return false }
        // Its row has gone with the transit memory; what is waited for, or was said, stands for longer, under its whole name. What a
        // neighbour has taken, and this store has lost with what was newer than its copy, is waited for as well.
        return Outcomes.state(line.bundle, line.recipient, turn.rows) != nil || hasSaying(line, turn.rows)
            || wasGivenBeforeOutcomes(line.bundle, turn)
    }

    /// Has anything been said of this very pair?
    private func hasSaying(_ line: ReportRow, _ rows: any RowReader) -> Bool {
        var prefix = Keys.report(line.bundle)
        prefix.append(text: line.recipient.text)
        return rows.row(.report, atOrAfter: prefix).map { prefix.isPrefix(of: $0.key) } ?? false
    }

    /// Of what was handed in before outcomes were kept nothing here knows the creation time once its row has gone, so a reporter could
    /// make one up. Only the counter is known, and that nothing else here has it.
    private func wasGivenBeforeOutcomes(_ bundle: BundleID, _ turn: Turn) -> Bool {
        guard bundle.incarnation == outcomes.incarnationBefore, hasGiven(bundle, turn.rows) else { return false }
        let created = bundle.creationTime
        let wall = turn.now.wall.milliseconds
        if !clockJudge.isDoubted, created > 0 {
            // What is younger than the memory would have its row.
            guard created.addingSaturating(limits.transitMemory.count) <= wall,
                created.addingSaturating(limits.historyMemory.count) > wall
            else { return false }
        }
        return !hasOtherName(bundle, turn.rows)
    }

    /// Is another bundle here, or waited for, under this number?
    private func hasOtherName(_ bundle: BundleID, _ rows: any RowReader) -> Bool {
        for isBad in [false, true] {
            let prefix = Keys.outcomes(isBad: isBad, of: bundle)
            guard let found = rows.row(.outcome, atOrAfter: prefix), prefix.isPrefix(of: found.key) else { continue }
            if OutcomeRow(record: found.value)?.about.bundle != bundle { return true }
        }
        // Within an incarnation numbers grow with time, so the place of a number is found by halving; later incarnations stand behind.
        let source = RowKey(text: bundle.source.text)
        var low: UInt64 = 1
        var high = UInt64(1) << 48
        while low < high {
            let middle = low + (high - low) / 2
            guard let sequence = firstSequence(source, from: middle, rows),
                UInt32(truncatingIfNeeded: sequence >> 32) == bundle.incarnation, sequence < bundle.sequence
            else {
                high = middle
                continue
            }
            low = middle + 1
        }
        return firstSequence(source, from: low, rows) == bundle.sequence
    }

    /// The number of the first bundle of this source that was made then or later.
    private func firstSequence(_ source: RowKey, from created: UInt64, _ rows: any RowReader) -> UInt64? {
        guard let found = rows.row(.bundle, atOrAfter: source.adding(created)), source.isPrefix(of: found.key),
            found.key.count == source.bytes.count + 24
        else { return nil }
        return found.key.number(at: source.bytes.count + 8)
    }

    private func hasSaid(
        _ state: ReportedState, _ reporter: NodeID, of line: ReportRow, _ rows: any RowReader
    ) -> Bool {
        let key = Keys.report(line.bundle, recipient: line.recipient, order: UInt64(state.rawValue))
        return rows.value(.report, key).flatMap { ReportRow(record: $0) }?.reporter == reporter
    }

    /// Had this node, which is not the recipient's home, a copy for this recipient?
    private func hadCopy(_ reporter: NodeID, _ line: ReportRow, _ word: ReportEvidence.Word) -> Bool {
        if word.nextHops[line.recipient.text]?.contains(reporter) == true || word.onTheWay.contains(line.recipient) {
            return true
        }
        guard let home = configuration.directory.home(of: line.recipient) else { return false }
        let hops = configuration.routes.hops(for: line.recipient, home: home)
        return configuration.transit.leads(hops, to: line.recipient, home: home, by: reporter)
    }

    /// What the books, earlier reports and the directory say of a reporter and an envelope.
    private func word(
        of reporter: NodeID, _ bundle: BundleID, _ known: ReportEvidence.Known, _ rows: any RowReader
    ) -> ReportEvidence.Word {
        var word = ReportEvidence.Word()
        for row in known.copies {
            for recipient in row.recipients where recipient.state == .forwarded {
                if let peer = recipient.peer { word.nextHops[recipient.name, default: []].insert(peer) }
            }
            var sent = (active[row.number]?.copies ?? []).map { ($0.peer, $0.recipients) }
            for doubt in doubts.rows[row.number] ?? [] {
                sent.append((doubt.peer, doubt.recipients.map { Int(clamping: $0) }))
            }
            for (peer, indexes) in sent {
                for index in indexes where row.recipients.indices.contains(index) {
                    word.nextHops[row.recipients[index].name, default: []].insert(peer)
                }
            }
        }
        rows.scan(.report, prefix: Keys.report(bundle)) { key, value in
            // What was only heard proves nothing.
            guard key.count < 4 || key.number32(at: key.count - 4) < Self.warningOrder,
                let row = ReportRow(record: value)
            else { return true }
            if row.reporter == reporter {
                // Its own word proves nothing of the copy that it had.
                if row.isArrival { word.atHome.insert(row.recipient) }
            } else if row.path.contains(where: { $0.node == reporter }) {
                word.onTheWay.insert(row.recipient)
            }
            return true
        }
        let directory = configuration.directory
        for other in known.recipients ?? [] where directory.home(of: other) == reporter { word.atHome.insert(other) }
        return word
    }

    /// Stores a row, once for each state: a reporter cannot fill the table by repeating itself. Delays one for each stop of the way, of
    /// which there are at most 64. An arrival and another node's word against it are told together.
    mutating func store(_ line: ReportRow, _ turn: inout Turn) {
        var order = UInt64(line.state.rawValue)
        if line.state == .delayed { order = order << 32 | UInt64(min(line.path.count, PathStop.pathStopsMax)) }
        let key = Keys.report(line.bundle, recipient: line.recipient, order: order)
        // Of most pairs this is the first word.
        if hasSaying(line, turn.rows) {
            if let known = turn.rows.value(.report, key) {
                // What another said first does not keep the home from saying it: that is the word which counts.
                guard line.isNonDelivery, configuration.directory.home(of: line.recipient) == line.reporter,
                    ReportRow(record: known)?.reporter != line.reporter
                else { return }
            }
            for state in ReportedState.allCases where state != .delayed && state != line.state {
                let other = Keys.report(line.bundle, recipient: line.recipient, order: UInt64(state.rawValue))
                guard let row = turn.rows.value(.report, other).flatMap({ ReportRow(record: $0) }),
                    row.contradicts(line)
                else { continue }
                turn.effects.append(
                    .notice(
                        Notice(
                            .alarm,
                            "\(line.recipient): \(line.reporter?.name ?? "?") says \(line.state), \(row.reporter?.name ?? "?") says \(row.state)",
                            envelope: line.bundle, agency: line.recipient, kind: .reportsContradict)))
                break
            }
        }
        turn.rows.put(.report, key, line.encoded(received: turn.now.relay))
        noteOutcome(line, &turn)
    }

    /// The order of warnings among the report rows of their pair, behind the delays: of refusals one a cause, and of hearsay one a state.
    static let warningOrder: UInt32 = 1_000
    private static let hearsayOrder = UInt64(warningOrder) + 300

    /// At the submitter: the pair is late, and who said what stands in its trace and its outcome.
    mutating func storeHearsay(_ line: ReportRow, _ turn: inout Turn) {
        storeWarning(line, order: Self.hearsayOrder + UInt64(line.state.rawValue), &turn)
    }

    mutating func storeWarning(_ line: ReportRow, order: UInt64, _ turn: inout Turn) {
        guard case .some(let known) = Outcomes.state(line.bundle, line.recipient, turn.rows),
            known == nil || known == .delayed
        else { return }
        var line = line
        line.state = .delayed
        let key = Keys.report(
            line.bundle, recipient: line.recipient, order: UInt64(ReportedState.delayed.rawValue) << 32 | order)
        guard turn.rows.value(.report, key) == nil else { return }
        turn.rows.put(.report, key, line.encoded(received: turn.now.relay))
        noteOutcome(line, &turn)
    }
}
