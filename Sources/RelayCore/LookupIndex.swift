// LookupIndex: the rows of the table `lookup`, by which operators find envelopes without scanning: by document ID for as long as the
// envelope is remembered, by sender, recipient and "parked" (in no queue and no inbox) for as long as it is in the store. Each row is
// written and removed in the transaction of its envelope's. A store from before these rows gets them by one bounded pass after
// another; until that is through, selectors scan.

import RelayModel
import RelayRows

public enum LookupIndex {
    private static let mark = "lookupVersion"
    private static let version: UInt64 = 1

    /// True when every envelope here has its index rows.
    public static func isBuilt(_ rows: any RowReader) -> Bool { rows.number(.meta, mark) >= version }

    static func setBuilt(_ rows: any RowTransaction) { rows.setNumber(.meta, mark, version) }

    /// In the store, but in no queue and no inbox: held, deleting, unreadable, or not whole and at home here.
    static func isParked(_ recipient: RecipientRow, in row: EnvelopeRow) -> Bool {
        switch recipient.state {
        case .held, .deleting, .corrupt: true
        case .waiting, .deferred: recipient.routeClass == 0 && !row.isComplete
        default: false
        }
    }

    static func key(_ kind: LookupKind, _ text: String, _ number: UInt64) -> RowKey {
        Keys.lookup(kind, text).adding(number)
    }

    /// Rows of an envelope that has just been recorded.
    static func add(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        if let document = row.document, !document.documentID.isEmpty {
            rows.put(.lookup, key(.documentID, document.documentID, row.number))
        }
        guard row.ended == .zero, row.kind != .administrative else { return }
        if let document = row.document { rows.put(.lookup, key(.sender, document.sender.text, row.number)) }
        for recipient in row.recipients where !recipient.state.isEnd {
            rows.put(.lookup, key(.recipient, recipient.name, row.number))
        }
    }

    /// One recipient has ended here.
    static func recipientEnded(_ row: EnvelopeRow, _ index: Int, _ rows: any RowTransaction) {
        guard row.kind != .administrative else { return }
        rows.delete(.lookup, key(.recipient, row.recipients[index].name, row.number))
    }

    /// The last recipient has ended here.
    static func envelopeEnded(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        guard let document = row.document else { return }
        rows.delete(.lookup, key(.sender, document.sender.text, row.number))
    }

    /// The envelope is forgotten.
    static func forget(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        guard let document = row.document, !document.documentID.isEmpty else { return }
        rows.delete(.lookup, key(.documentID, document.documentID, row.number))
    }

    /// After a recipient has come into or out of a state in which it is parked.
    static func park(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        if row.recipients.contains(where: { isParked($0, in: row) }) {
            rows.put(.lookup, key(.parked, "", row.number))
        } else {
            rows.delete(.lookup, key(.parked, "", row.number))
        }
    }
}

/// The pass over a store from before the index: envelope after envelope, a bounded number a turn. One that is cut off is begun again.
struct IndexPass {
    var next = RowKey()
    static let rowsPerTurn = 512
}

extension RelayCore {
    /// At start: nothing to build, or a pass to be made.
    static func indexPass(_ rows: any RowTransaction) -> IndexPass? {
        if LookupIndex.isBuilt(rows) { return nil }
        if rows.count(.envelope) == 0 {
            LookupIndex.setBuilt(rows)
            return nil
        }
        return IndexPass()
    }

    mutating func buildIndex(_ turn: inout Turn) {
        guard var pass = indexing else { return }
        var found: [EnvelopeRow] = []
        var looked = 0
        pass.next.withBytes { start in
            turn.rows.scan(.envelope, from: start) { key, value in
                looked += 1
                pass.next = RowKey(copying: key)
                if key.count == 8, let row = EnvelopeRow(number: key.number(at: 0), record: value) { found.append(row) }
                return looked < IndexPass.rowsPerTurn
            }
        }
        for row in found {
            LookupIndex.add(row, turn.rows)
            if row.ended == .zero { LookupIndex.park(row, turn.rows) }
        }
        pass.next.append(UInt8(0))
        indexing = pass
        if looked < IndexPass.rowsPerTurn {
            indexing = nil
            LookupIndex.setBuilt(turn.rows)
            turn.effects.append(.notice(Notice(.notice, "the operators' index of envelopes is built")))
        }
    }
}
