// DelayReports: telling the submitter that a copy is somewhere for longer than it should be, by the node that knows it: the home node
// of what lies in an inbox, any node of what waits there to be sent on, the submitter's own node of what was handed on and never
// heard of again. Once for each recipient and node. The deadline table drives it: an envelope has one row there, which stands at its
// next look (EnvelopeRow.nextLook), so that no envelope costs a row more. A delay ends nothing and changes no custody.

import RelayModel
import RelayRows

extension EnvelopeRow {
    /// Where its row in `deadline` stands.
    var look: RelayTime { nextLook == .zero ? expiry : nextLook }
}

extension RelayCore {
    /// Nil: delays of it are not reported.
    private func delayAllowed(_ row: EnvelopeRow) -> Milliseconds? {
        guard row.kind == .document else { return nil }
        let span = row.urgency >= .urgent ? limits.delayAfterUrgent : limits.delayAfter
        return span == .zero ? nil : span
    }

    private func isOurs(_ row: EnvelopeRow) -> Bool {
        row.origin == nil && row.bundle.source == node.endpoint
    }

    /// The submitter's own node gives the others time to say it first: they know more.
    private func patience(_ row: EnvelopeRow, _ allowed: Milliseconds) -> Milliseconds {
        isOurs(row) ? allowed + Milliseconds(min(allowed.count / 4, 60_000)) : allowed
    }

    /// Where the deadline of a new envelope stands.
    func firstLook(_ row: EnvelopeRow) -> RelayTime {
        let first = delayAllowed(row).map { min(row.expiry, row.arrival + patience(row, $0)) } ?? row.expiry
        return promiseEnds(row).map { min(first, $0) } ?? first
    }

    /// Where the next one stands, once it has been looked at.
    func nextLook(_ row: EnvelopeRow, _ now: RelayTime) -> RelayTime {
        // What has arrived outlives its lifetime, and may be late only then.
        var next = row.expiry > now ? row.expiry : .never
        // While its octets are on their way it is looked at again in a while.
        if let end = promiseEnds(row) { next = min(next, max(end, now + .minutes(1))) }
        guard let allowed = delayAllowed(row) else { return next }
        for index in row.recipients.indices {
            if let time = delayTime(row, index, allowed), time > now { next = min(next, time) }
        }
        // Pieces are still coming; an envelope that is not whole has not been accepted, and is looked at again.
        if !row.isComplete { next = min(next, now + allowed) }
        return next
    }

    /// When one recipient's copy is late; nil when it cannot be any more.
    private func delayTime(_ row: EnvelopeRow, _ index: Int, _ allowed: Milliseconds) -> RelayTime? {
        if row.delayed.contains(UInt64(index)) { return nil }
        switch row.recipients[index].state {
        case .waiting, .deferred, .held: return row.arrival + patience(row, allowed)
        case .arrived, .handing: return row.recipients[index].since + allowed
        case .forwarded:
            return isOurs(row) && row.recipients[index].peer != nil ? row.arrival + patience(row, allowed) : nil
        case .corrupt, .deleting, .delivered, .refused, .expired, .deleted: return nil
        }
    }

    /// What has come in pieces arrives long after its first look was set, maybe when that is over.
    mutating func lookAfterArrival(_ row: inout EnvelopeRow, _ rows: any RowTransaction, _ now: RelayTime) {
        guard let allowed = delayAllowed(row), row.look <= now || row.look > now + allowed else { return }
        rows.delete(.deadline, Keys.deadline(row.look, number: row.number))
        row.nextLook = now + allowed
        rows.put(.deadline, Keys.deadline(row.nextLook, number: row.number))
    }

    /// An envelope that was handed in here and has left: the look for its reports is still to come, and keeps its row.
    func keepsLook(_ row: EnvelopeRow, _ now: RelayTime) -> Bool {
        guard let allowed = delayAllowed(row), isOurs(row), row.look > now, row.look < row.expiry,
            row.look <= now + limits.transitMemory
        else { return false }
        return row.recipients.indices.contains { index in
            row.recipients[index].state == .forwarded && delayTime(row, index, allowed) != nil
        }
    }

    /// Reports each recipient whose copy is late; true when there was one. The caller writes the row.
    mutating func lookForDelays(_ row: inout EnvelopeRow, _ turn: inout Turn) -> Bool {
        guard row.isComplete, let allowed = delayAllowed(row) else { return false }
        var hasReported = false
        for index in row.recipients.indices {
            guard let time = delayTime(row, index, allowed), time <= turn.now.relay else { continue }
            row.delayed.append(UInt64(index))
            let recipient = row.recipients[index]
            switch recipient.state {
            case .arrived, .handing: report(row, recipient, .delayed, &turn, reason: .notPickedUp)
            case .forwarded:
                if hasReport(row, recipient.name, turn.rows) { continue }
                report(row, recipient, .delayed, &turn, reason: .noReport)
            default: report(row, recipient, .delayed, &turn, reason: .stillQueued)
            }
            ledger.count(.delayReported)
            hasReported = true
        }
        return hasReported
    }

    /// True when somebody has said something of this recipient.
    private func hasReport(_ row: EnvelopeRow, _ name: String, _ rows: any RowReader) -> Bool {
        var prefix = Keys.report(row.bundle)
        prefix.append(text: name)
        guard let found = rows.row(.report, atOrAfter: prefix) else { return false }
        return prefix.isPrefix(of: found.key)
    }
}
