// CoreFindings: what the decisions know of the node that a person should know: the part of the one list of findings (RelayModel, Finding)
// that stands in memory. Read from a picture, beside the engine's thread. Pure.

import RelayModel

extension RelayCore {
    /// The order is that in which a person should read them, among findings of one grade.
    func findings(
        at now: ClockReading, _ bounds: FindingBounds, waiting: [NodeID: [LinkBacklog]]
    ) -> [Finding] {
        drainFindings(now) + suspensionFindings + clockFindings + linkFindings(now, bounds, waiting)
            + spoolFindings(now)
            + shareFindings(now) + refusalFindings(now)
    }

    /// Whoever has used up his share is refused; nobody else feels it.
    private func shareFindings(_ now: ClockReading) -> [Finding] {
        sharesUsedUp(now.relay).map { owner in
            Finding(
                .warning, .shareUsedUp, subject: owner.text,
                "the share of \(owner.text) is used up: no resources for it until some have gone on")
        }
    }

    private func drainFindings(_ now: ClockReading) -> [Finding] {
        guard let drain = drainRow else { return [] }
        return [
            drain.isDone
                ? Finding(
                    .warning, .drained, "emptied by \(drain.login): nothing is accepted until edocctl drain --cancel")
                : Finding(
                    .warning, .draining,
                    "being emptied by \(drain.login): nothing is accepted, and the daemon exits when it is empty")
        ]
    }

    /// One for each would bury the rest where a whole province is suspended.
    private var suspensionFindings: [Finding] {
        let names = suspensionRows.prefix(20).map(\.subject.text)
        return names.isEmpty ? [] : [Finding(.warning, .suspended, "suspended: " + names.joined(separator: ", "))]
    }

    private var clockFindings: [Finding] {
        isClockDoubted
            ? [Finding(.critical, .clockDoubted, "the clock is not believed: expiry is suspended")] : []
    }

    /// At a hub some leaf is always down. What matters is how many are, and what waits for one that is.
    private func linkFindings(
        _ now: ClockReading, _ bounds: FindingBounds, _ waiting: [NodeID: [LinkBacklog]]
    ) -> [Finding] {
        let views = peerViews(at: now.relay).filter { !$0.isSuspended }
        func span(_ peer: PeerView) -> Milliseconds { now.relay.since(peer.downSince ?? started) }
        let down = views.filter { !$0.isUp }.map { span($0).count / 1_000 }
        let common = bounds.grade(down: down, of: views.count)
        return views.compactMap { peer in
            if !peer.finding.isEmpty {
                return Finding(
                    .warning, .linkBarren, subject: peer.node.name, "\(peer.node.name): \(peer.finding)")
            }
            // That a suspended one has no session is nobody's fault.
            guard !peer.isUp else { return nil }
            let span = span(peer)
            let lines = waiting[peer.node] ?? []
            // A grade that the share has is that of those that are down long enough for it.
            let own = bounds.linkDown.grade(span.count / 1_000)
            let shared = own.flatMap { own in common.map { min($0, own) } }
            let grade = max(shared ?? .note, bounds.grade(lines) ?? .note)
            var text = "\(peer.node.name) down for \(span.text)"
            if let urgent = lines.filter({ $0.count > 0 }).max(by: { $0.urgency < $1.urgency }) {
                let count = lines.reduce(UInt64(0)) { $0.saturatingPlus($1.count) }
                let degree = UInt8(exactly: urgent.urgency).flatMap(Urgency.init)?.text ?? String(urgent.urgency)
                text += " (waiting: \(count), urgency \(degree) for \(Milliseconds.seconds(urgent.oldestSeconds).text))"
            }
            return Finding(
                grade, .linkDown, subject: peer.node.name, since: now.wall(of: peer.downSince ?? started),
                peer.lastError.isEmpty ? text : "\(text): \(peer.lastError)")
        }
    }

    private func spoolFindings(_ now: ClockReading) -> [Finding] {
        spoolViews.compactMap { spool in
            spool.sentence.map {
                Finding(
                    .warning, .spoolTroubled, subject: spool.agency.text, since: spool.oldest.flatMap(now.wall(of:)), $0
                )
            }
        }
    }
}

extension CorePicture {
    public var refusalViews: [RefusalView] { asked.refusalViews }

    /// `waiting`: what waits for each neighbour, from the counters.
    public func findings(
        at now: ClockReading, _ bounds: FindingBounds = FindingBounds(), waiting: [NodeID: [LinkBacklog]] = [:]
    ) -> [Finding] {
        asked.findings(at: now, bounds, waiting: waiting)
    }
}
