// World, the judgement: every store by itself whenever it is looked at, and all together once the world has come to rest.

import RelayCore
import RelayModel
import RelayRows

extension World {
    func check() {
        for node in nodes where failure == nil { checkStore(node) }
        judgeClocks()
    }

    func checkStore(_ node: SimulatedNode) {
        guard failure == nil else { return }
        if let fault = node.read({ StoreJudge.judge(node.id, $0, limits) }) { return fail(fault) }
        noteEnds(node)
    }

    /// After the healing and a long quiet time.
    func finalCheck() {
        check()
        if plan.goesBack { return checkContents() }
        for node in nodes where failure == nil { checkRest(node) }
        for node in nodes where failure == nil { checkLinks(node) }
        for entry in books.accepted where failure == nil { checkEnd(entry.bundle, entry.document) }
    }

    /// Liveness: nothing waits any more, but for the pieces of giants that came another way.
    private func checkRest(_ node: SimulatedNode) {
        guard node.isUp else { return fail("\(node.id) does not run at the end") }
        node.read { rows in
            rows.scan(.envelope, prefix: RowKey()) { key, value in
                guard let row = EnvelopeRow(number: key.number(at: 0), record: value) else { return true }
                for recipient in row.recipients {
                    let isHandedOver = AgencyCode(recipient.name).map(network.hasSpool) ?? false
                    let waits = recipient.state.isQueued || isHandedOver && recipient.state.isAtHome
                    if !waits || !row.isComplete { continue }
                    let wait = node.engine?.core.wait(
                        row, row.recipients.firstIndex(of: recipient)!, now: node.clock.relay(now))
                    fail(
                        "\(node.id): \(row.kind) \(row.bundle) #\(row.number) still waits for \(recipient.name) long after the last fault: \(wait?.why ?? [])"
                    )
                    return false
                }
                return true
            }
            let parked = [RecipientState.held, .deleting].map {
                rows.number(.counter, CounterKey.state($0, admin: false).name)
            }
            if parked != [0, 0] { fail("\(node.id): \(parked) copies are held or being deleted at rest") }
            if rows.count(.suspension) > 0 { fail("\(node.id): suspensions are in force at rest") }
            if rows.count(.undo) > 0 { fail("\(node.id): jobs can be undone at rest") }
            if rows.count(.staging) > 0 { fail("\(node.id): \(rows.count(.staging)) extents are staged at rest") }
            if rows.count(.outgoingReport) > 0 { fail("\(node.id): report rows still wait to be sent") }
        }
        guard let core = node.engine?.core else { return }
        if core.stagedOctets != 0 { fail("\(node.id): \(core.stagedOctets) octets are counted as staged at rest") }
        for view in core.peerViews where failure == nil {
            if view.transfersInFlight != 0 || view.bytesInFlight != 0 {
                fail("\(node.id) has \(view.transfersInFlight) transfers in flight to \(view.node) at rest")
            }
            if !view.isUp { fail("\(node.id): the link to \(view.node) is down at the end: \(view.lastError)") }
        }
    }

    /// On each link A → B, pair by pair: what A calls forwarded B has had, and what B took from A, A has had.
    private func checkLinks(_ node: SimulatedNode) {
        var envelopes: [EnvelopeRow] = []
        node.read { rows in
            rows.scan(.envelope, prefix: RowKey()) { key, value in
                if let row = EnvelopeRow(number: key.number(at: 0), record: value) { envelopes.append(row) }
                return true
            }
        }
        for row in envelopes
        where row.kind != .administrative && failure == nil && !books.hoarded.contains(row.bundle) {
            // What was here before this copy came was neither accepted nor forwarded by it.
            for recipient in row.recipients where recipient.state == .forwarded && !recipient.isDuplicate {
                guard let peer = nodes.first(where: { $0.id == recipient.peer }) else {
                    fail("\(node.id) forwarded \(row.bundle) to nobody")
                    return
                }
                let isThere = peer.read { rows in
                    rows.hasSeen(row.bundle, recipient.name)
                        // It may have had the same document under its former name, and said so.
                        || row.former.map { rows.hasSeen($0, recipient.name) } ?? false
                        || rows.envelopes(of: row.bundle).contains { other in
                            other.isComplete && other.recipients.contains { $0.name == recipient.name }
                        }
                }
                if !isThere {
                    fail("\(node.id) forwarded \(row.bundle) for \(recipient.name) to \(peer.id), which never had it")
                }
            }
            if books.givenBack.contains(row.bundle) { continue }
            guard let origin = row.origin, let sender = nodes.first(where: { $0.id == origin }) else { continue }
            let known = sender.read { $0.envelopes(of: row.bundle) }
            for recipient in row.recipients
            where !known.contains(where: { $0.recipients.contains { $0.name == recipient.name } }) {
                fail("\(node.id) took \(row.bundle) for \(recipient.name) from \(origin), which never had it")
            }
        }
    }

    /// Nothing lost: each accepted pair has been found in its inbox, or its end was reported to the submitter.
    private func checkEnd(_ bundle: BundleID, _ document: DocumentNote) {
        for recipient in document.recipients where failure == nil {
            summary.pairs += 1
            checkEnd(bundle, recipient, document)
        }
    }

    private func checkEnd(_ bundle: BundleID, _ recipient: AgencyCode, _ document: DocumentNote) {
        let home = nodes[document.home]
        let pair = Pair(bundle: bundle, recipient: recipient.text)
        // Where it goes on under another name, that one has to have come to an end.
        if books.found[pair] == nil, !books.taken.contains(pair),
            let name = books.successors[bundle]?.last(where: {
                books.documents[$0]?.recipients.contains(recipient) == true
            }), let successor = books.documents[name]
        {
            return checkEnd(name, recipient, successor)
        }
        /// An end that is reported has been seen, and excused, where it is reported from.
        func hasEnd(_ report: ReportRow) -> Bool {
            // It goes on under another name.
            if report.reason == .renamed { return true }
            let state: RecipientState
            switch report.state {
            case .refused: state = .refused
            case .expired: state = .expired
            case .deleted: state = .deleted
            default: return true
            }
            guard let reporter = nodes.first(where: { $0.id == report.path.last?.node }) else { return false }
            return books.ends.contains(Ending(node: reporter.index, pair: pair, state: state))
        }
        var reports: [ReportRow] = []
        home.read { rows in
            rows.scan(.report, prefix: Keys.report(bundle)) { _, value in
                if let row = ReportRow(record: value), row.recipient == recipient { reports.append(row) }
                return true
            }
        }
        let states = reports.map(\.state)
        for report in reports where !hasEnd(report) {
            fail(
                "\(report.path.last?.node.name ?? "?") reports \(bundle) for \(recipient) as \(report.state), and it is not so there"
            )
        }
        if books.taken.contains(pair) || books.found[pair] != nil {
            summary.delivered += 1
            if !states.contains(.delivered), !hasLostRecords(home) {
                fail("\(bundle) was taken by \(recipient), and its submitter does not know: \(states)")
            }
        } else if states.contains(where: { $0 == .refused || $0 == .expired || $0 == .deleted }) {
            summary.endedOtherwise += 1
            let isExcused =
                document.lifetime != nil || plan.hasFaults || !network.wrongRoutes.isEmpty
                || !network.clockOffsets.isEmpty
            if !isExcused { fail("\(bundle) for \(recipient) ended as \(states) in a world without faults") }
        } else {
            if hasLostRecords(home), books.ends.contains(where: { $0.pair == pair }) { return }
            // What an operator sent another way may have ended where the submitter cannot know that it ever was.
            if isRerouted(pair), books.ends.contains(where: { $0.pair == pair }) { return }
            fail("\(bundle) for \(recipient) is lost: it never arrived, and no end was reported (\(states))")
        }
    }
}
