// Successor: an envelope of this node that goes on under a new name, and the two deeds that need one: a longer lifetime, another urgency.
// The payload is not copied: both rows name one extent, which goes with the last of them. The new row names the old one, and the old
// one the new; of the old pairs the books here say that they go on under a new name.
//
// What is in the primary block or the document block is never changed under a name: another node may know it. So what was handed in
// here is renamed, and of others' copies only the urgency can be changed, in the row of this node alone.

import RelayModel
import RelayRows

extension RelayCore {
    /// Puts an envelope in the place of this one for some of its recipients, which end here as said. `change`: what is other than in the
    /// row before; its age goes on. Answers the new name.
    @discardableResult
    mutating func succeed(
        _ row: inout EnvelopeRow, _ indexes: [Int], by recipients: [RecipientRow],
        as end: (RecipientState, ReportReason),
        _ turn: inout Turn, saying said: (String) -> String = { "sent again as \($0)" },
        change: (inout EnvelopeRow) -> Void
    ) -> BundleID {
        var new = EnvelopeRow(
            number: takeNumber(), bundle: takeBundleID(&turn), kind: .document, urgency: row.urgency,
            lifetime: row.lifetime, ageAtArrival: row.age(at: turn.now.relay), arrival: turn.now, origin: nil,
            destination: row.destination, reportTo: node.endpoint, payloadLength: row.payloadLength)
        new.document = row.document
        new.path = [PathStop(node: node, time: turn.now.wall)]
        new.hopLimit = limits.hopLimit
        new.receivedBytes = row.payloadLength
        new.isInPieces = row.isInPieces
        new.extent = row.extent
        new.formerly = row.bundle
        new.recipients = recipients
        change(&new)
        for var piece in pieces(of: row.number, turn.rows) {
            piece.sent = 0
            turn.rows.put(.piece, Keys.piece(new.number, offset: piece.offset), piece.encoded())
        }
        row.resubmittedAs.append(new.bundle)
        for number in [row.number, new.number] {
            turn.rows.put(.lookup, LookupIndex.key(.sharer, String(row.extent), number))
        }
        record(&new, isComplete: true, &turn)
        if recipients.contains(where: { $0.state == .held }) { LookupIndex.park(new, turn.rows) }
        outcomes.successor = new.bundle
        defer { outcomes.successor = nil }
        for index in indexes {
            if row.recipients[index].state.isQueued { unqueue(row, index, turn.rows) }
            row.recipients[index].lastAnswer = said(new.bundle.envelopeName)
            self.end(&row, index, end.0, end.1, &turn)
        }
        return new.bundle
    }

    /// Made here, under a name of this node.
    func isOwn(_ row: EnvelopeRow) -> Bool {
        row.kind == .document && row.origin == nil && row.bundle.source == node.endpoint
    }

    // MARK: Deeds

    /// Why a deed cannot set this for a recipient; nil when it can.
    func obstacleToSetting(
        _ deed: DeedCase, _ row: EnvelopeRow, _ index: Int, isOnLinks: Bool, _ now: RelayTime
    ) -> SkipCause? {
        // Records go by rules of their own.
        if row.kind == .administrative { return .record }
        // Its urgency is that of all its recipients, and what is on a link has its name there.
        if isOnLinks { return .onLink }
        if let urgency = deed.setting.urgency {
            if row.urgency == urgency { return .alreadySo }
            if !isOwn(row) { return nil }
        } else {
            guard isOwn(row) else { return .notAtHome }
            let lifetime = deed.setting.lifetime(from: row.lifetime)
            if lifetime > limits.lifetimeMax { return .beyondLimit }
            if lifetime <= max(row.lifetime, row.age(at: now)) { return .notLonger }
        }
        let recipient = row.recipients[index]
        if doubt(row, index, now: now) != nil { return .inDoubt }
        if let mark = deed.restoration, mark.phase != .released, mark.holds(recipient, of: row.number) {
            return .restored
        }
        if row.former != nil, mayHaveBeenOffered(row, index) { return .renamed }
        guard let agency = AgencyCode(recipient.name) else { return .noWay }
        switch destiny(of: agency, avoiding: [], origin: nil) {
        case .away: return nil
        case .home: return .changed
        case .nowhere: return .noWay
        }
    }

    /// A home tells a duplicate by the one former name that a copy says. So a second new name is given only while nobody can know the
    /// first, and the copy goes on saying the name before it.
    private func mayHaveBeenOffered(_ row: EnvelopeRow, _ index: Int) -> Bool {
        let recipient = row.recipients[index]
        return row.number < firstNumber || !row.answers.isEmpty || doubts.rows[row.number] != nil
            || recipient.attempts > 0 || !recipient.lastAnswer.isEmpty || recipient.crashDoubt != nil
    }

    /// Sets it for these recipients of an envelope: under a new name, or for others' copies in the row of this node.
    mutating func set(_ row: inout EnvelopeRow, _ indexes: [Int], _ job: inout JobRow, _ turn: inout Turn) {
        let setting = job.setting
        if isOwn(row) {
            let recipients = indexes.map { successor(of: row.recipients[$0], &turn) }
            let former = row.former
            let created = row.bundle.creationTime
            let old = row
            let lifetime = setting.lifetime(from: row.lifetime)
            let name = succeed(&row, indexes, by: recipients, as: (.deleted, .renamed), &turn) { new in
                new.bundle.creationTime = created
                new.formerName = former
                new.lifetime = lifetime
                // It is as old as before, and waits since then.
                new.arrival = old.arrival
                new.arrivalWall = old.arrivalWall
                new.ageAtArrival = old.ageAtArrival
                guard let urgency = setting.urgency else { return }
                new.urgency = urgency
                new.document?.urgency = urgency
            }
            turn.effects.append(
                .notice(
                    Notice(
                        .notice, "sent again as \(name.envelopeName)", envelope: row.bundle, kind: .envelopeRenamed)))
        } else if let urgency = setting.urgency {
            let queued = row.recipients.indices.filter { row.recipients[$0].state.isQueued }
            for index in queued {
                turn.rows.delete(.queue, queueKey(row, index).key)
                ledger.requeued(row, row.recipients[index], by: -1)
            }
            row.urgency = urgency
            for index in queued {
                ledger.requeued(row, row.recipients[index], by: 1)
                enqueue(row, index, &turn)
            }
            label(row, turn.rows)
        }
        settle(&row, &turn)
        job.done += UInt64(indexes.count)
        job.doneBytes = job.doneBytes.addingSaturating(row.payloadLength.saturatingTimes(UInt64(indexes.count)))
    }

    /// Under which a recipient waits.
    func queueKey(_ row: EnvelopeRow, _ index: Int) -> QueueKey {
        QueueKey(
            routeClass: row.recipients[index].routeClass, urgency: row.urgency, due: row.recipients[index].due,
            number: row.number)
    }

    /// It begins anew by the way that it has; what is held stays held.
    private mutating func successor(of old: RecipientRow, _ turn: inout Turn) -> RecipientRow {
        let isHeld = old.state == .held
        var recipient = RecipientRow(
            name: old.name, state: isHeld ? .held : .waiting, routeClass: old.routeClass, due: turn.now.relay,
            since: isHeld ? old.since : turn.now.relay)
        recipient.via = old.via
        recipient.heldBecause = old.heldBecause
        return recipient
    }
}
