// LateRows: a document for hundreds of agencies is answered by hundreds of next hops, and its row names them all. To write it with each
// answer costs the square of their number. While other copies of it are on links, an answer changes the row in the active set only; it is
// written once for the batch, in the same transaction, before anything reads rows of envelopes by itself.
//
// Who reads one envelope's row asks the active set first (`RelayCore.envelope`). Who goes through the table comes behind `writeLateRows`:
// all of `finish`, questions, and all events but those of `leavesRowsLate`.

import RelayModel
import RelayRows

struct LateRows: Sendable {
    private var numbers: Set<UInt64> = []
    /// Of those the ones that have left the active set unwritten: within one answer only.
    private var leaving: [UInt64: EnvelopeRow] = [:]

    func row(_ number: UInt64) -> EnvelopeRow? { leaving.isEmpty ? nil : leaving[number] }

    mutating func changed(_ number: UInt64) { numbers.insert(number) }

    mutating func written(_ number: UInt64) {
        if numbers.isEmpty { return }
        numbers.remove(number)
        leaving[number] = nil
    }

    mutating func left(_ row: EnvelopeRow) {
        if numbers.contains(row.number) { leaving[row.number] = row }
    }

    mutating func writeLeft(_ rows: any RowTransaction) {
        if leaving.isEmpty { return }
        for (number, row) in leaving.sorted(by: { $0.key < $1.key }) {
            rows.put(.envelope, Keys.envelope(number), row.encoded())
            numbers.remove(number)
        }
        leaving = [:]
    }

    mutating func takeAll() -> [UInt64] {
        if numbers.isEmpty { return [] }
        defer { numbers = [] }
        return numbers.sorted()
    }
}

extension Event {
    /// What it looks at in the table of envelopes it finds by their numbers, and in the active set first.
    var leavesRowsLate: Bool {
        switch self {
        case .transferAnswered, .transferBegun, .sessionMeasured, .sessionAcknowledgesAgain, .reported, .recordHeard,
            .featuresHeard, .refusedOutside:
            true
        default: false
        }
    }
}
