// RestorationRow: the mark of a store that was brought back from a copy: who did it, when, and up to which envelope everything is held until
// it has been compared with what the neighbours have. One record in `meta`; a value.

import RelayModel

public struct RestorationRow: Sendable, Hashable {
    public enum Phase: UInt8, Sendable {
        /// Copied into its place; no daemon has run on it since.
        case brought = 0
        /// The daemon is holding what waited; nothing is sent before it is through.
        case holding = 1
        case held = 2
        /// What is still held goes back to its queues, some at a time.
        case releasing = 3
        case released = 4
    }

    public var phase: Phase
    public var uid: UInt32
    public var login: String
    public var reason: String
    /// The file it was brought back from.
    public var source: String
    /// When the copy was made, by the store's own last word.
    public var copied: WallTime
    /// When the daemon found the mark; what was held then has been held since this very moment.
    public var time: RelayTime
    public var wall: WallTime
    /// The last envelope of the copy.
    public var last: UInt64
    /// Envelopes that were in the copy in part, and ended.
    public var lostInPart: UInt64 = 0
    /// Whose books it has been set against, from before the copy to their end.
    public var compared: [NodeID] = []
    /// The mark that the copy itself had, if what it held had not been released: since when, and up to which envelope.
    public var formerTime = RelayTime.zero
    public var formerLast: UInt64 = 0
    /// What the release under way has let go, or, where its lifetime was over, ended.
    public var letGo: UInt64 = 0
    public var letGoBytes: UInt64 = 0
    public var endedByRelease: UInt64 = 0

    public static let key = Keys.meta("restored")

    public init(uid: UInt32, login: String, reason: String, source: String, copied: WallTime) {
        phase = .brought
        self.uid = uid
        self.login = login
        self.reason = reason
        self.source = source
        self.copied = copied
        time = .zero
        wall = WallTime(milliseconds: 0)
        last = 0
    }

    /// Whose books it has not been set against, of these neighbours.
    public func uncompared(_ neighbours: [NodeID]) -> [NodeID] { neighbours.filter { !compared.contains($0) } }

    /// Held since the store was brought back, and not by an operator or a suspicion.
    public func holds(_ recipient: RecipientRow, of number: UInt64) -> Bool {
        number <= last && recipient.state == .held && recipient.since == time
    }

    /// Takes over from the mark that the copy had.
    public mutating func follow(_ former: RestorationRow?) {
        guard let former, [.holding, .held, .releasing].contains(former.phase) else { return }
        formerTime = former.time
        formerLast = former.last
    }

    /// Held by the restore before this one.
    public func heldFormerly(_ recipient: RecipientRow, of number: UInt64) -> Bool {
        formerTime != .zero && number <= formerLast && recipient.state == .held && recipient.since == formerTime
    }

    /// Held, by whomever: what was held in the copy may have been released and taken since.
    public func mayBeGone(_ recipient: RecipientRow, of number: UInt64) -> Bool {
        number <= last && recipient.state == .held
    }

    /// Waited in its agency's inbox when the copy was made, or was on its way into its spool: the agency may have taken it since.
    public func mayRepeat(_ recipient: RecipientRow, of number: UInt64) -> Bool {
        number <= last && recipient.state.isAtHome && recipient.since <= time
    }

    /// Is in its agency's inbox, and given to the agency's spool by the release only.
    public func keepsFromSpool(_ number: UInt64) -> Bool { phase != .released && number <= last }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 128)
        out.byte(phase.rawValue)
        out.number(UInt64(uid))
        out.text(login)
        out.text(reason)
        out.text(source)
        out.number(copied.milliseconds)
        out.number(time.milliseconds)
        out.number(wall.milliseconds)
        out.number(last)
        // Of former versions: that something had been compared.
        out.number(0)
        out.number(lostInPart)
        out.number(UInt64(compared.count))
        for node in compared { out.node(node) }
        out.number(formerTime.milliseconds)
        out.number(formerLast)
        for count in [letGo, letGoBytes, endedByRelease] { out.number(count) }
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record), let phase = Phase(rawValue: row.byte()) else { return nil }
        self.phase = phase
        uid = UInt32(truncatingIfNeeded: row.number())
        login = row.text()
        reason = row.text()
        source = row.text()
        copied = WallTime(milliseconds: row.number())
        time = RelayTime(milliseconds: row.number())
        wall = WallTime(milliseconds: row.number())
        last = row.number()
        if !row.isAtEnd { _ = row.number() }
        if !row.isAtEnd {
            lostInPart = row.number()
            for _ in 0..<row.count() {
                guard let node = row.node() else { return nil }
                compared.append(node)
            }
            formerTime = RelayTime(milliseconds: row.number())
            formerLast = row.number()
        }
        if !row.isAtEnd {
            letGo = row.number()
            letGoBytes = row.number()
            endedByRelease = row.number()
        }
        guard row.isSound else { return nil }
    }

    /// The mark of a store; nil when it was never brought back. One that cannot be read counts as new: better held once more than sent
    /// unseen.
    public static func read(_ rows: any RowReader) -> RestorationRow? {
        guard let raw = rows.value(.meta, key) else { return nil }
        return RestorationRow(record: raw)
            ?? RestorationRow(
                uid: 0, login: "", reason: "", source: "(the mark could not be read)",
                copied: WallTime(milliseconds: rows.number(.meta, "wallTime")))
    }
}
