// Totals: what was accepted and how it ended, since the beginning. No row holds them: envelopes are forgotten after a week, history after
// `store.history_memory`. So when damage has taken such a counter, the equation of the books, the neighbours' own counters and the history
// say what they can: accepted = ended + in the store. Behind a reckoning, and only when the books do not balance.

import RelayModel
import RelayRows

/// What the history tells, walked a bounded number of rows a turn.
struct HistoryTally {
    var place: RowKey?
    var ends: [RecipientState: Int64] = [:]
}

extension RelayCore {
    private static let ends = RecipientState.allCases.filter(\.isEnd)

    /// Accepted minus ended and in the store; zero: the totals fit.
    func totalsGap(admin: Bool, _ rows: any RowReader) -> Int64 {
        var gap = count(.acceptedSubmitted(admin: admin), rows) &+ count(.acceptedTaken(admin: admin), rows)
        for state in RecipientState.allCases { gap &-= count(.state(state, admin: admin), rows) }
        return gap
    }

    private func count(_ key: CounterKey, _ rows: any RowReader) -> Int64 { Int64(clamping: ledger.value(key, rows)) }

    /// Some more rows of the history; false at its end. What ends meanwhile stands behind the place, and is met.
    func walkHistory(_ tally: inout HistoryTally, _ limit: Int, _ rows: any RowReader) -> Bool {
        var looked = 0
        var last = tally.place
        (tally.place ?? RowKey()).withBytes { from in
            rows.scan(.history, from: from) { key, value in
                looked += 1
                if let row = HistoryRow(record: value) { tally.ends[row.state, default: 0] += 1 }
                last = RowKey(copying: key)
                last?.append(UInt8(0))
                return looked < limit
            }
        }
        tally.place = last
        return looked == limit
    }

    /// Raises the totals to what neighbours' counters and history say; what is still lacking among the ends goes to the one that had lost
    /// most, what is lacking among the accepted to what was handed in. Where no counter of ends has lost anything the gap stays: it is
    /// then what is gone from the store. Answers how many were changed.
    mutating func mendTotals(admin: Bool, _ history: HistoryTally?, _ rows: any RowReader) -> UInt64 {
        var changed: UInt64 = 0
        func raise(_ key: CounterKey, to least: Int64) -> Int64 {
            let lacking = least &- count(key, rows)
            guard lacking > 0 else { return 0 }
            ledger.add(key, lacking)
            changed += 1
            return lacking
        }
        var lost: [RecipientState: Int64] = [:]
        if !admin {
            _ = raise(.acceptedTaken(admin: false), to: sumOfPeers(".taken", rows))
            lost[.forwarded] = raise(.state(.forwarded, admin: false), to: sumOfPeers(".forwarded", rows))
            for state in Self.ends {
                lost[state, default: 0] += raise(.state(state, admin: false), to: history?.ends[state] ?? 0)
            }
        }
        let gap = totalsGap(admin: admin, rows)
        if gap > 0 {
            let most = Self.ends.filter { lost[$0, default: 0] > 0 }.max { lost[$0, default: 0] < lost[$1, default: 0] }
            if let most { ledger.add(.state(most, admin: admin), gap) }
        } else if gap < 0 {
            ledger.add(.acceptedSubmitted(admin: admin), -gap)
            changed += 1
        }
        return changed
    }

    /// Of all neighbours that there ever were.
    private func sumOfPeers(_ suffix: String, _ rows: any RowReader) -> Int64 {
        var names: [String] = []
        var prefix = RowKey()
        prefix.append(unended: "peer.")
        rows.scan(.counter, prefix: prefix) { key, _ in
            let name = String(decoding: key.dropLast(), as: UTF8.self)
            if name.hasSuffix(suffix) { names.append(name) }
            return true
        }
        return names.reduce(0) { sum, name in
            let name = String(name.dropFirst(5).dropLast(suffix.utf8.count))
            guard let node = NodeID(name: name) else { return sum }
            return sum &+ count(suffix == ".taken" ? .takenFrom(node) : .forwardedTo(node), rows)
        }
    }
}
