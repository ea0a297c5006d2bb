// HistoryReach: how far back the history of ended copies goes, and whether it ends there because its share of the store is used up and not
// because its time is over. Read from rows, so it is the same after a restart; at the same cost whatever is in the store. Pure.

import RelayModel
import RelayRows

public struct HistoryReach: Sendable, Hashable {
    /// When the oldest copy ended that history still has; nil: it has none.
    public let oldest: RelayTime?
    /// How long it is to be kept.
    public let memory: Milliseconds
    /// Rows go before their time, for want of room.
    public let isCut: Bool

    /// The end of the youngest copy whose row went before its time. A node that is simply young has none.
    static let mark = "historyCut"

    init(_ rows: any RowReader, _ room: HeadRoom, _ limits: CoreLimits, at now: RelayTime) {
        memory = limits.historyMemory
        oldest = rows.row(.history, atOrAfter: RowKey()).map { RelayTime(milliseconds: $0.key.number(at: 0)) }
        let kept = limits.historyRowsMax(room)
        let cut = RelayTime(milliseconds: rows.number(.meta, Self.mark))
        // Of what was cut once and has room by now, nothing more can be done: it grows again. The store's room changes a little all the
        // time.
        isCut =
            cut != .zero && cut + memory > now && rows.count(.history) >= kept - kept / 20
            && oldest.map { now.since($0) + .days(1) <= limits.historyMemory } ?? true
    }

    /// How far it goes back.
    public func span(at now: RelayTime) -> Milliseconds { oldest.map(now.since) ?? .zero }

    public func findings(at now: RelayTime) -> [Finding] {
        guard isCut else { return [] }
        return [
            Finding(
                .warning, .historyShort,
                "history goes back \(span(at: now).text), and store.history_memory wants \(memory.text): its part of the store is used up; raise store.history_percent or store.map_size, or lower store.history_memory"
            )
        ]
    }
}

extension CoreLimits {
    /// What a history row takes in the store, roughly: its record and its share of a page.
    private static let historyRowBytes: UInt64 = 256

    /// How many rows of history the store's share has room for.
    func historyRowsMax(_ room: HeadRoom) -> UInt64 {
        guard historyPercent > 0 else { return .max }
        return (room.usedBytes / 100 + room.freeBytes / 100) * historyPercent / Self.historyRowBytes
    }
}

extension CorePicture {
    public func historyReach(_ rows: any RowReader, _ room: HeadRoom, at now: RelayTime) -> HistoryReach {
        HistoryReach(rows, room, asked.limits, at: now)
    }
}
