// Resubmission: an envelope that outlived its lifetime while it was held begins anew at its home node, under a new name and with a
// fresh lifetime, for the recipients that had not ended (Successor.swift). The document block stays as it was.

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
        let name = succeed(
            &row, taken, by: recipients, as: (.expired, .lifetimeExpired), &turn,
            saying: { "resubmitted by \(job.login) as \($0)" }
        ) { $0.ageAtArrival = .zero }
        settle(&row, &turn)
        job.done += UInt64(taken.count)
        job.doneBytes = job.doneBytes.addingSaturating(row.payloadLength.saturatingTimes(UInt64(taken.count)))
        turn.effects.append(
            .notice(
                Notice(.notice, "resubmitted as \(name.envelopeName)", envelope: row.bundle, kind: .resubmitted)))
    }

    /// An envelope that shares its payload needs it no longer; true when another one still does.
    func leaveShared(_ row: EnvelopeRow, _ rows: any RowTransaction) -> Bool {
        guard row.sharesPayload else { return false }
        rows.delete(.lookup, LookupIndex.key(.sharer, String(row.extent), row.number))
        let prefix = Keys.lookup(.sharer, String(row.extent))
        return rows.row(.lookup, atOrAfter: prefix).map { prefix.isPrefix(of: $0.key) } ?? false
    }
}
