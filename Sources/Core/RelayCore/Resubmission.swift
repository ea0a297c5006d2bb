// Resubmission: an envelope that outlived its lifetime while it was held begins anew at its home node, under a new name and with a
// fresh lifetime, for the recipients that had not ended. The document block stays as it was; the old name stands in the new row and
// the new one in the old row. The payload is not copied: both rows name one extent, which goes with the last of them.

import RelayModel
import RelayRows

extension RelayCore {
    mutating func resubmit(_ row: inout EnvelopeRow, _ indexes: [Int], _ job: inout JobRow, _ turn: inout Turn) {
        var recipients: [RecipientRow] = []
        var taken: [Int] = []
        for index in indexes {
            var recipient = RecipientRow(
                name: row.recipients[index].name, state: .waiting, routeClass: 0, due: turn.now.relay,
                since: turn.now.relay)
            guard let agency = AgencyCode(recipient.name) else { continue }
            switch destiny(of: agency, avoiding: [], origin: nil) {
            case .home: break
            case .away(let hops): recipient.routeClass = routeClass(for: hops, recipient.name, turn.rows)
            case .nowhere:
                job.skip(.noWay)
                continue
            }
            recipients.append(recipient)
            taken.append(index)
        }
        guard !recipients.isEmpty else { return }
        var new = EnvelopeRow(
            number: takeNumber(), bundle: takeBundleID(&turn), kind: .document, urgency: row.urgency,
            lifetime: row.lifetime, ageAtArrival: .zero, arrival: turn.now, origin: nil, destination: row.destination,
            reportTo: node.endpoint, payloadLength: row.payloadLength)
        new.document = row.document
        new.path = [PathStop(node: node, time: turn.now.wall)]
        new.hopLimit = limits.hopLimit
        new.receivedBytes = row.payloadLength
        new.isInPieces = row.isInPieces
        new.extent = row.extent
        new.formerly = row.bundle
        new.recipients = recipients
        for var piece in pieces(of: row.number, turn.rows) {
            piece.sent = 0
            turn.rows.put(.piece, Keys.piece(new.number, offset: piece.offset), piece.encoded())
        }
        row.resubmittedAs.append(new.bundle)
        for number in [row.number, new.number] {
            turn.rows.put(.lookup, LookupIndex.key(.sharer, String(row.extent), number))
        }
        record(&new, isComplete: true, &turn)
        for index in taken {
            row.recipients[index].lastAnswer = "resubmitted by \(job.login) as \(new.bundle.envelopeName)"
            end(&row, index, .expired, .lifetimeExpired, &turn)
        }
        settle(&row, &turn)
        job.done += UInt64(taken.count)
        job.doneBytes = job.doneBytes.addingSaturating(row.payloadLength.saturatingTimes(UInt64(taken.count)))
        turn.effects.append(
            .notice(
                Notice(.notice, "resubmitted as \(new.bundle.envelopeName)", envelope: row.bundle, kind: .resubmitted)))
    }

    /// An envelope that shares its payload needs it no longer; true when another one still does.
    func leaveShared(_ row: EnvelopeRow, _ rows: any RowTransaction) -> Bool {
        guard row.sharesPayload else { return false }
        rows.delete(.lookup, LookupIndex.key(.sharer, String(row.extent), row.number))
        let prefix = Keys.lookup(.sharer, String(row.extent))
        return rows.row(.lookup, atOrAfter: prefix).map { prefix.isPrefix(of: $0.key) } ?? false
    }
}
