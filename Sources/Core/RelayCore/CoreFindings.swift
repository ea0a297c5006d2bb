// CoreFindings: what the decisions know of the node that a person should know: the part of the one list of findings (RelayModel, Finding)
// that stands in memory. Read from a picture, beside the engine's thread. Pure.

import RelayModel

extension RelayCore {
    /// The order is that in which a person should read them, among findings of one grade.
    func findings(at now: ClockReading, _ bounds: FindingBounds) -> [Finding] {
        drainFindings(now) + suspensionFindings + clockFindings + linkFindings(now, bounds) + spoolFindings(now)
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

    private func linkFindings(_ now: ClockReading, _ bounds: FindingBounds) -> [Finding] {
        peerViews(at: now.relay).compactMap { peer in
            if !peer.finding.isEmpty, !peer.isSuspended {
                return Finding(
                    .warning, .linkBarren, subject: peer.node.name, "\(peer.node.name): \(peer.finding)")
            }
            // That a suspended one has no session is nobody's fault.
            guard !peer.isUp, !peer.isSuspended else { return nil }
            let since = peer.downSince ?? started
            let span = now.relay.since(since)
            let grade = bounds.linkDown.grade(span.count / 1_000) ?? .note
            let text = "\(peer.node.name) down for \(span.text)"
            return Finding(
                grade, .linkDown, subject: peer.node.name, since: now.wall(of: since),
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

    public func findings(at now: ClockReading, _ bounds: FindingBounds = FindingBounds()) -> [Finding] {
        asked.findings(at: now, bounds)
    }
}
