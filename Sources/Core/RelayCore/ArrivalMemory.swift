// ArrivalMemory: what has arrived here, kept far longer than any lifetime. A number tells nothing of content: beside it stands a keyed
// hash, and *Completed* is said of that very document only. Of what 0.3 has remembered, without a hash, history decides; where that has
// gone the number alone does, and it is counted.
//
// Fails by unreadable rows only: they are set aside, named, and begun anew.

import RelayModel
import RelayRows

/// A number of which history is asked, and since when.
struct NumberName: Hashable {
    var source: EndpointID
    var sequence: UInt64
    var created: UInt64
}

/// What history says of a number and one recipient, as far as it tells one document from another.
struct NumberPast {
    var creationTime: UInt64
    var documentID: String
    var payloadLength: UInt64
    var sender: String

    init(_ row: HistoryRow) {
        creationTime = row.bundle.creationTime
        documentID = row.documentID
        payloadLength = row.payloadLength
        sender = row.sender
    }
}

extension RelayCore {
    /// In the transaction that builds the core.
    mutating func loadSeenKey(_ rows: any RowReader) {
        guard let raw = rows.value(.meta, Keys.meta(Self.seenKeyName)), var row = RowCursor(raw) else { return }
        let (first, second) = (row.number(), row.number())
        if row.isSound { seenKey = KeyedHash(key: first, second) }
    }

    private static let seenKeyName = "seenKey"

    /// The key of this store's memory; drawn when the first arrival is remembered. What is known of the generator's other numbers, which
    /// peers see, says nothing of it: a one-way function stands between.
    private mutating func makeSeenKey(_ rows: any RowTransaction) -> KeyedHash {
        if let seenKey { return seenKey }
        var seed = Array("edoc.seen".utf8)
        for _ in 0..<4 { withUnsafeBytes(of: random.next()) { seed.append(contentsOf: $0) } }
        let words = seed.withUnsafeBytes(hash).words
        let key = KeyedHash(key: words.0, words.1)
        var out = RowWriter(capacity: 32)
        out.number(words.0)
        out.number(words.1)
        rows.put(.meta, Keys.meta(Self.seenKeyName), out.record())
        seenKey = key
        return key
    }

    /// What is remembered of an offered copy for one recipient.
    func memory(of offer: Offer, _ name: String, _ turn: inout Turn) -> SeenAnswer {
        guard let document = offer.document else {
            // Whose number it is, nobody knows.
            if offer.isAnonymous { return .unknown }
            // Sequence numbers of foreign sources are not ours to interpret: their bundles are remembered by their whole names.
            return turn.rows.value(.seen, Keys.seenForeign(offer.bundle, recipient: name)) != nil ? .same : .unknown
        }
        return memory(of: offer.bundle, document, name, &turn)
    }

    func memory(
        of bundle: BundleID, _ document: DocumentDescription, _ name: String, _ turn: inout Turn
    ) -> SeenAnswer {
        let rows = turn.rows
        let place = SeenPlace(bundle, name)
        // Without a key there is no row with a hash.
        let answer =
            if let seenKey {
                rows.seen(place, hash: seenKey.hash(created: bundle.creationTime, document), seenKey.identity)
            } else { rows.hasSeen(place) ? SeenAnswer.unhashed : .unknown }
        guard answer == .unhashed else { return answer }
        return history(of: bundle, document, name, &turn) ?? .unhashed
    }

    /// So many rows of history are looked at for one number.
    private static let historyLook = 4_096

    /// What history says of a number that is remembered without a hash; nil: nothing.
    private func history(
        of bundle: BundleID, _ document: DocumentDescription, _ name: String, _ turn: inout Turn
    ) -> SeenAnswer? {
        let number = NumberName(source: bundle.source, sequence: bundle.sequence, created: bundle.creationTime)
        let found = turn.pastOfNumbers[number] ?? pastOf(number, &turn)
        guard let past = found[name] else { return nil }
        let isSame =
            past.creationTime == bundle.creationTime && past.documentID == document.documentID
            && past.payloadLength == document.payloadLength && past.sender == document.sender.text
        return isSame ? .same : .other
    }

    /// One look a turn, for all recipients: each of a thousand would look at as many rows. History stands by the time of the end, which
    /// is not before the document was made.
    private func pastOf(_ number: NumberName, _ turn: inout Turn) -> [String: NumberPast] {
        var looked = 0
        var found: [String: NumberPast] = [:]
        let start = historyStart(number.created)
        RowKey(start.milliseconds).withBytes { from in
            turn.rows.scan(.history, from: from) { _, value in
                looked += 1
                if let row = HistoryRow(record: value), row.bundle.source == number.source,
                    row.bundle.sequence == number.sequence, found[row.recipient] == nil
                {
                    found[row.recipient] = NumberPast(row)
                }
                return looked < Self.historyLook
            }
        }
        turn.looked(smallRows: looked)
        turn.pastOfNumbers[number] = found
        return found
    }

    /// Relay time and the wall clock drift apart where a node was off; what they show now tells one from the other, within an hour.
    private func historyStart(_ created: UInt64) -> RelayTime {
        guard let reading else { return .zero }
        let wall = reading.wall.milliseconds
        let back = (wall > created ? wall - created : 0).addingSaturating(Milliseconds.hours(1).count)
        let now = reading.relay.milliseconds
        return RelayTime(milliseconds: now > back ? now - back : 0)
    }

    /// Remembers an arrival, which `memory` did not know.
    mutating func remember(_ row: EnvelopeRow, _ name: String, _ turn: inout Turn) {
        let today = turn.now.relay.milliseconds / Milliseconds.days(1).count
        guard let document = row.document else {
            if row.bundle.isAnonymous { return }
            var seen = SeenRow()
            seen.insert(0, day: today)
            turn.rows.put(.seen, Keys.seenForeign(row.bundle, recipient: name), seen.encoded())
            return
        }
        let key = makeSeenKey(turn.rows)
        let place = SeenPlace(row.bundle, name)
        var unreadable: [(key: RowKey, record: [UInt8])] = []
        turn.rows.remember(
            place, hash: key.hash(created: row.bundle.creationTime, document), key.identity, day: today
        ) { unreadable.append(($0, $1)) }
        // Whatever of these numbers has arrived before is not known any more: the operator must hear of it.
        for (key, record) in unreadable { setAside(.seen, key, record, &turn, isReplaced: true) }
    }

    /// What is known of a copy that has come whole, and is about to arrive.
    func memory(of row: EnvelopeRow, _ name: String, _ turn: inout Turn) -> SeenAnswer {
        guard let document = row.document else {
            if row.bundle.isAnonymous { return .unknown }
            return turn.rows.value(.seen, Keys.seenForeign(row.bundle, recipient: name)) != nil ? .same : .unknown
        }
        return memory(of: row.bundle, document, name, &turn)
    }

    /// Has this very document arrived for this agency? Nil: another one has, under its number.
    mutating func isRemembered(_ offer: Offer, _ name: String, _ turn: inout Turn) -> Bool? {
        switch memory(of: offer, name, &turn) {
        case .unknown: return hasFormerly(offer.formerName, offer.document, name, &turn)
        case .same: return true
        case .unhashed:
            // Of 0.3, and history has gone: the number alone speaks.
            ledger.count(.refusedToPeer(RefusalCause.duplicateByNumber.rawValue))
            return true
        case .other: return nil
        }
    }

    /// Has this agency been given the same document under the name that it had before? What is not proven is given once more.
    func hasFormerly(_ former: BundleID?, _ document: DocumentDescription?, _ name: String, _ turn: inout Turn) -> Bool
    {
        guard let former, let document else { return false }
        return memory(of: former, document, name, &turn) == .same
    }

    /// A copy under a new name was known under its old one: its source hears that it is there.
    mutating func reportKnownByFormerName(_ offer: Offer, _ turn: inout Turn) {
        guard let former = offer.formerName, let copy = offer.copy, let source = offer.bundle.source.node,
            source != node, offer.piece.map({ $0.offset == 0 }) ?? true
        else { return }
        for code in copy.recipients where hasFormerly(former, offer.document, code.text, &turn) {
            let line = ReportRow(
                bundle: offer.bundle, recipient: code, state: .arrived, time: turn.now.wall, reason: .none,
                path: copy.path + [PathStop(node: node, time: turn.now.wall)])
            turn.rows.put(.outgoingReport, Keys.outgoingReport(source, order: takeNumber()), line.encoded())
            gathering.add(source, now: turn.now.relay)
        }
    }
}
