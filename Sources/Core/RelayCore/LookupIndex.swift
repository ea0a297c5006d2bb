// LookupIndex: the rows of the table `lookup`, by which operators find envelopes without scanning: by sender, recipient and document ID for
// as long as they are in the store (those handed in here by document ID for as long as they are remembered), and what is "parked" (in no
// queue and no inbox). An agency's rows lie apart from all others', so a row a recipient would cost each envelope pages of its own: what is
// new is indexed only when it has stayed, many envelopes at a time in the order of the keys. Most have gone by then and cost nothing.
// `lookupBelow` in `meta` says below which number everything is indexed; above it, a bounded number of rows, selectors scan.
//
// A store from before has no mark: it gets its rows by one bounded pass, and is scanned above the mark meanwhile.

import RelayModel
import RelayRows

public enum LookupIndex {
    private static let mark = "lookupBelow"

    /// Every envelope in the store with a lower number has its index rows; the others have those of `parked`, and their document ID
    /// if they were handed in here.
    public static func mark(_ rows: any RowReader) -> UInt64 { rows.number(.meta, mark) }

    static func setMark(_ number: UInt64, _ rows: any RowTransaction) { rows.setNumber(.meta, mark, number) }

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

    /// The rows that an envelope in the store has below the mark.
    static func keys(_ row: EnvelopeRow) -> [RowKey] {
        guard row.ended == .zero, row.kind != .administrative else { return [] }
        var keys: [RowKey] = []
        if let document = row.document {
            keys.append(key(.sender, document.sender.text, row.number))
            if !document.documentID.isEmpty { keys.append(key(.documentID, document.documentID, row.number)) }
        }
        for recipient in row.recipients where !recipient.state.isEnd {
            keys.append(key(.recipient, recipient.name, row.number))
        }
        return keys
    }

    /// It is half-received. A row of 0.3 has its index row from its next piece on.
    static func coming(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        if let origin = row.origin { rows.put(.lookup, key(.incoming, origin.text, row.number)) }
    }

    static func notComing(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        if let origin = row.origin { rows.delete(.lookup, key(.incoming, origin.text, row.number)) }
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

extension LookupIndex {
    /// A parked recipient has ended. As a rule another one keeps the row, and is found at once from the next one on.
    static func unpark(_ row: EnvelopeRow, _ index: Int, _ rows: any RowTransaction) {
        let others = [index + 1..<row.recipients.count, 0..<index].joined()
        guard !others.contains(where: { isParked(row.recipients[$0], in: row) }) else { return }
        rows.delete(.lookup, key(.parked, "", row.number))
    }
}

/// The pass over what was not indexed when the daemon started, up to a number. One that is cut off goes on at the mark.
struct IndexPass {
    var end: UInt64
    static let rowsPerTurn = 512
}

extension RelayCore {
    private static let indexedPerTurn = 2_048

    /// At start: what is above the mark is not known, and looked at once.
    mutating func loadIndex(_ rows: any RowTransaction) {
        indexedBelow = LookupIndex.mark(rows)
        if rows.count(.envelope) == 0 {
            indexedBelow = nextNumber
            LookupIndex.setMark(indexedBelow, rows)
        } else if indexedBelow < nextNumber {
            indexing = IndexPass(end: nextNumber)
        }
    }

    /// An envelope has been recorded.
    mutating func index(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        if row.origin == nil, let document = row.document, !document.documentID.isEmpty {
            rows.put(.lookup, LookupIndex.key(.documentID, document.documentID, row.number))
        }
        guard row.kind != .administrative else { return }
        // Its number was given out when it was offered, and its bytes took their time: the mark may have passed it.
        if row.number < indexedBelow {
            put([row], rows)
        } else {
            unindexed.insert(row.number)
        }
    }

    /// One recipient has ended here.
    func unindex(_ row: EnvelopeRow, recipient index: Int, _ rows: any RowTransaction) {
        guard row.number < indexedBelow, row.kind != .administrative else { return }
        rows.delete(.lookup, LookupIndex.key(.recipient, row.recipients[index].name, row.number))
    }

    /// The last recipient has ended here.
    mutating func unindex(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        unindexed.remove(row.number)
        guard row.number < indexedBelow, let document = row.document else { return }
        rows.delete(.lookup, LookupIndex.key(.sender, document.sender.text, row.number))
        if row.origin != nil, !document.documentID.isEmpty {
            rows.delete(.lookup, LookupIndex.key(.documentID, document.documentID, row.number))
        }
    }

    /// The envelope is forgotten.
    func forgetIndex(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        guard row.origin == nil, let document = row.document, !document.documentID.isEmpty else { return }
        rows.delete(.lookup, LookupIndex.key(.documentID, document.documentID, row.number))
    }

    mutating func buildIndex(_ turn: inout Turn) {
        if let pass = indexing { return runPass(pass, &turn) }
        let window = limits.indexWindow
        guard nextNumber - indexedBelow > window + window / 2 else { return }
        let limit = nextNumber - window
        let due = unindexed.filter { $0 < limit }.sorted().prefix(Self.indexedPerTurn)
        var rows: [EnvelopeRow] = []
        for number in due {
            unindexed.remove(number)
            if let raw = turn.rows.value(.envelope, Keys.envelope(number)),
                let row = EnvelopeRow(number: number, record: raw)
            {
                rows.append(row)
            }
        }
        put(rows, turn.rows)
        setIndexed(due.count == Self.indexedPerTurn ? (due.last ?? 0) + 1 : limit, turn.rows)
    }

    private func put(_ envelopes: [EnvelopeRow], _ rows: any RowTransaction) {
        for key in envelopes.flatMap({ LookupIndex.keys($0) }).sorted() { rows.put(.lookup, key) }
    }

    private mutating func setIndexed(_ number: UInt64, _ rows: any RowTransaction) {
        indexedBelow = number
        LookupIndex.setMark(number, rows)
    }

    private mutating func runPass(_ pass: IndexPass, _ turn: inout Turn) {
        var found: [EnvelopeRow] = []
        var looked = 0
        var next = pass.end
        Keys.envelope(indexedBelow).withBytes { start in
            turn.rows.scan(.envelope, from: start) { key, value in
                let number = key.number(at: 0)
                guard number < pass.end else { return false }
                guard looked < IndexPass.rowsPerTurn else {
                    next = number
                    return false
                }
                looked += 1
                if let row = EnvelopeRow(number: number, record: value) { found.append(row) }
                return true
            }
        }
        put(found, turn.rows)
        for row in found where row.ended == .zero { LookupIndex.park(row, turn.rows) }
        setIndexed(next, turn.rows)
        if next == pass.end { indexing = nil }
    }
}
