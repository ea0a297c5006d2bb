// Labels: what names an envelope, kept apart (RelayRows/LabelRow.swift), and what becomes of an envelope whose record cannot be read: it
// keeps its number, its name and its recipients, *corrupt*, in lists, selectors and the books, and its submitter is told. What lay in
// an inbox lies there still: its payload has checksums of its own.

import RelayModel
import RelayRows

extension RelayCore {
    /// Nobody is called for a record of ours: reports are made anew, or fall out.
    func isLabelled(_ row: EnvelopeRow) -> Bool { row.kind != .administrative && row.ended == .zero }

    func label(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        guard isLabelled(row) else { return }
        rows.put(.label, Keys.envelope(row.number), LabelRow(row).encoded())
    }

    func unlabel(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        if row.kind != .administrative { rows.delete(.label, Keys.envelope(row.number)) }
    }

    /// Puts an envelope by its label in the place of a record that is gone or unreadable; nil when it has none: then it had ended.
    mutating func standIn(for number: UInt64, _ turn: inout Turn) -> EnvelopeRow? {
        let key = Keys.envelope(number)
        guard let raw = turn.rows.value(.label, key) else { return nil }
        guard let label = LabelRow(record: raw) else {
            setAside(.label, key, [UInt8](raw), &turn)
            return nil
        }
        var row = label.row(number, reportTo: node.endpoint, since: turn.now.relay)
        row.path = knownPath(label)
        row.isInPieces = hasPieces(number, turn.rows)
        if row.isInPieces {
            row.receivedBytes = min(pieces(of: number, turn.rows).reduce(0) { $0 &+ $1.length }, row.payloadLength)
            row.pieceCount = UInt64(pieces(of: number, turn.rows).count)
        }
        for index in row.recipients.indices {
            let name = row.recipients[index].name
            if row.isComplete, turn.rows.value(.inbox, Keys.inbox(name, number: number)) != nil {
                row.recipients[index].state = .arrived
            } else {
                row.recipients[index].lastAnswer = "its record in the store cannot be read"
            }
        }
        save(row, turn.rows)
        turn.rows.put(.bundle, Keys.bundle(row.bundle, number: number))
        LookupIndex.park(row, turn.rows)
        let lost = row.recipients.filter { $0.state == .corrupt }
        turn.effects.append(
            .notice(
                Notice(
                    .alarm,
                    "the record of envelope \(number) cannot be read; set aside by its name: from \(label.sender) to "
                        + "\(lost.map(\.name).joined(separator: " ")), document \(label.documentID)",
                    envelope: row.bundle, kind: .recordCorrupt)))
        for recipient in lost { report(row, recipient, .delayed, &turn, reason: .unreadable) }
        return row
    }

    /// As much of its way as a label knows: where it was handed in, who handed it over, and this node. Nodes between may be missing.
    private func knownPath(_ label: LabelRow) -> [PathStop] {
        var path: [PathStop] = []
        if let source = label.bundle.source.node, source != node {
            path.append(PathStop(node: source, time: WallTime(milliseconds: label.bundle.creationTime)))
        }
        if let origin = label.origin, origin != node, origin != path.first?.node {
            path.append(PathStop(node: origin, time: label.arrival.wall))
        }
        return path + [PathStop(node: node, time: label.arrival.wall)]
    }

    private func hasPieces(_ number: UInt64, _ rows: any RowReader) -> Bool {
        rows.row(.piece, atOrAfter: RowKey(number)).map { RowKey(number).isPrefix(of: $0.key) } ?? false
    }

    /// What stands in by its label has no header as it came: only what was made here can be made again.
    func canBeReleased(_ row: EnvelopeRow) -> Bool { row.origin == nil || !row.header.isEmpty }
}
