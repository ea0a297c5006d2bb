// Suspects: envelopes that were in hand when the daemon crashed. Once may be chance; at two crashes running the envelope is held, so that
// one bad envelope cannot keep the daemon from all the others. An operator looks at it and releases it.

import RelayModel
import RelayRows

extension RelayCore {
    private static let key = "suspects"
    private static let why = "held (suspect): in hand at two crashes of the daemon running"

    mutating func suspected(_ numbers: [UInt64], _ turn: inout Turn) {
        let before = suspectsBefore(turn.rows)
        for number in numbers where before.contains(number) { hold(number, &turn) }
        if numbers.isEmpty {
            turn.rows.delete(.meta, Keys.meta(Self.key))
        } else {
            var out = RowWriter(capacity: 64)
            out.number(UInt64(numbers.count))
            for number in numbers { out.number(number) }
            turn.rows.put(.meta, Keys.meta(Self.key), out.record())
        }
    }

    private func suspectsBefore(_ rows: any RowReader) -> Set<UInt64> {
        guard let raw = rows.value(.meta, Keys.meta(Self.key)), var row = RowCursor(raw) else { return [] }
        var numbers: Set<UInt64> = []
        for _ in 0..<row.count() { numbers.insert(row.number()) }
        return row.isSound ? numbers : []
    }

    private mutating func hold(_ number: UInt64, _ turn: inout Turn) {
        guard var row = envelope(number, &turn), row.recipients.contains(where: \.state.isQueued) else { return }
        for index in row.recipients.indices where row.recipients[index].state.isQueued {
            unqueue(row, index, turn.rows)
            move(&row, index, to: .held, turn.now.relay)
            row.recipients[index].heldBecause = Self.why
            row.recipients[index].lastAnswer = Self.why
        }
        LookupIndex.park(row, turn.rows)
        settle(&row, &turn)
        turn.effects.append(
            .notice(
                Notice(
                    .alarm, "held as suspect: in hand at two crashes running", envelope: row.bundle, kind: .suspectHeld)
            ))
    }
}
