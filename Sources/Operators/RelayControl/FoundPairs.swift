// FoundPairs: what a preview has found: the pairs that the deed would be done to, and those that it would pass over and why, each counted
// once. A pair that was tried or moved while it was looked for is found by two index rows, and is still one.

import ControlAPI
import RelayCore
import RelayModel
import RelayRows

struct FoundPairs: Sendable {
    static let linesMax = 20
    /// Pairs passed over that are remembered, so that none is counted twice. Beyond that they are counted as they come.
    private static let passedMax = JobDraft.pairsMax

    private struct Entry: Sendable {
        /// Number, and in sixteen bits the index of the recipient.
        var pair: UInt64
        /// What it is counted as, in the top byte, and octets: 0 touched, 1 touched and ended by that, 2 touched if its link gives it
        /// back, else passed over, by the position of the word.
        var facts: UInt64
        var what: Int { Int(facts >> 56) }
        var bytes: UInt64 { facts & Self.bytesMax }
        var isTouched: Bool { what < Entry.firstWord }
        static let bytesMax: UInt64 = (1 << 56) - 1
        static let firstWord = 3
    }

    /// Why a pair is passed over: it is in a state that the deed is not for, or what the job would say.
    private static let words = PairState.allCases.map(\.rawValue) + SkipCause.allCases.map(\.word)

    private var entries: [Entry] = []
    /// Touched ones among the entries, each as often as it was found.
    private var touched = 0
    private var lined: [(pair: UInt64, line: PreviewAnswer.Line)] = []

    /// Rows looked at.
    var scanned: UInt64 = 0
    /// As of `settle`.
    private(set) var count: UInt64 = 0
    /// Of the copies of all recipients.
    private(set) var bytes: UInt64 = 0
    /// Those that a release would end.
    private(set) var ends: UInt64 = 0
    /// Those that are on a link, and are touched as far as it has not begun them.
    private(set) var onLinks: UInt64 = 0
    private(set) var passedOver: [String: UInt64] = [:]

    var lines: [PreviewAnswer.Line] { lined.map(\.line) }
    var isFull: Bool { touched > JobDraft.pairsMax }

    /// Recipients of an envelope that the selector has found. `picture` knows what of it is on links, and so does `context`.
    mutating func add(
        _ row: EnvelopeRow, _ indexes: [Int], _ deed: DeedCase, _ picture: CorePicture, _ context: SelectorContext
    ) {
        for index in indexes {
            let state = context.state(row, index)
            // A row that waits was looked for as what is on a link, too.
            guard state == .active || deed.selector.matches(row, recipient: index, context) else { continue }
            let pair = row.number << 16 | UInt64(index)
            if index >= 1 << 16 || row.number >= 1 << 48 {
                passedOver["other", default: 0] += 1
            } else if let cause = picture.obstacle(deed, row, index, context, now: deed.fixed) {
                let isOfState =
                    cause == .changed || cause == .notExpired && state != .heldExpired
                note(isOfState ? state.rawValue : cause.word, pair)
            } else {
                let isEnded = deed.verb == .release && picture.isEndedByRelease(row, index, now: deed.fixed)
                let octets = min(row.payloadLength, Entry.bytesMax)
                let what: UInt64 = isEnded ? 1 : state == .active ? 2 : 0
                entries.append(Entry(pair: pair, facts: what << 56 | octets))
                touched += 1
                addLine(
                    pair,
                    .init(
                        name: row.bundle.envelopeName, number: row.number, recipient: row.recipients[index].name,
                        state: state.rawValue, urgency: Int(row.urgency.rawValue), bytes: row.payloadLength,
                        accepted: row.arrivalWall.timestamp))
            }
        }
    }

    private mutating func note(_ word: String, _ pair: UInt64) {
        let position = Self.words.firstIndex(of: word) ?? 0
        entries.append(Entry(pair: pair, facts: UInt64(position + Entry.firstWord) << 56))
    }

    private mutating func addLine(_ pair: UInt64, _ line: PreviewAnswer.Line) {
        guard lined.count < Self.linesMax, !lined.contains(where: { $0.pair == pair }) else { return }
        lined.append((pair, line))
    }

    /// What another snapshot has shown.
    mutating func add(_ other: FoundPairs) {
        let hasRoom = entries.count - touched < Self.passedMax
        for entry in other.entries {
            if entry.isTouched || hasRoom { entries.append(entry) } else { pass(over: entry) }
        }
        touched += other.touched
        for (pair, line) in other.lined { addLine(pair, line) }
        passedOver.merge(other.passedOver, uniquingKeysWith: +)
        scanned += other.scanned
        if isFull { compact() }
    }

    private mutating func pass(over entry: Entry) {
        passedOver[Self.words[entry.what - Entry.firstWord], default: 0] += 1
    }

    /// Each pair once. One that was found as two things counts as what the deed can be done to: the job looks again.
    private mutating func compact() {
        entries.sort { ($0.pair, $0.facts) < ($1.pair, $1.facts) }
        var kept: [Entry] = []
        kept.reserveCapacity(entries.count)
        for entry in entries where kept.last?.pair != entry.pair { kept.append(entry) }
        entries = kept
        touched = kept.count { $0.isTouched }
    }

    /// All have been found: they are counted.
    mutating func settle() {
        compact()
        count = UInt64(touched)
        for entry in entries {
            guard entry.isTouched else {
                pass(over: entry)
                continue
            }
            bytes = bytes.addingSaturating(entry.bytes)
            if entry.what == 1 { ends += 1 }
            if entry.what == 2 { onLinks += 1 }
        }
    }

    /// Those that the deed would be done to, ascending.
    var pairs: [PairName] {
        var pairs: [PairName] = []
        pairs.reserveCapacity(touched)
        for entry in entries where entry.isTouched {
            pairs.append(PairName(number: entry.pair >> 16, index: UInt32(entry.pair & 0xffff)))
        }
        return pairs
    }
}
