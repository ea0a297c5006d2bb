// LimitViews: the bounds that the decisions keep, how much of each is used, and whether it binds now, judged by the functions that
// refuse and wait. Read-only; looks at a bounded number of counters.

import RelayModel
import RelayRows

/// One bound.
public struct LimitView: Sendable {
    public enum Unit: String, Sendable { case count, bytes, milliseconds }
    public var name: String
    public var setting: String
    public var unit: Unit
    public var value: UInt64
    public var used: UInt64?
    public var binds: Bool
    public var effect: String

    public init(
        _ name: String, _ setting: String, _ unit: Unit, _ value: UInt64, used: UInt64?, binds: Bool = false,
        effect: String
    ) {
        self.name = name
        self.setting = setting
        self.unit = unit
        self.value = value
        self.used = used
        self.binds = binds
        self.effect = effect
    }
}

extension RelayCore {
    /// Sender agencies looked at, of those that have anything in the store.
    private static var sendersMax: Int { 1_000 }
    /// Of them, those shown: the closest to their quota.
    private static var sendersShown: Int { 5 }

    public func limitViews(_ room: HeadRoom, _ rows: any RowReader, now: RelayTime) -> [LimitView] {
        storeLimits(room, rows, now) + linkLimits + quotaLimits(room, rows, now) + singleLimits
    }

    /// How long a refusal for want of room is spoken of.
    private static let shortageMemory = Milliseconds.minutes(10)

    func hasRefusedLately(_ now: RelayTime) -> Bool {
        shortageAt.map { now.since($0) < Self.shortageMemory } ?? false
    }

    /// The inverse of `need`.
    func largestDocument(_ promised: UInt64, _ room: HeadRoom) -> UInt64 {
        let taken = need(for: 0, promised: promised)
        guard room.acceptableBytes > taken else { return 0 }
        return (room.acceptableBytes - taken) / 33 * 32
    }

    private func storeLimits(_ room: HeadRoom, _ rows: any RowReader, _ now: RelayTime) -> [LimitView] {
        let total = room.usedBytes.addingSaturating(room.freeBytes)
        let promised = stagedBytes.addingSaturating(ledger.value(.reservedBytes, rows))
        let isFull = need(for: 1, promised: promised) > room.acceptableBytes
        let largest = largestDocument(promised, room)
        return [
            LimitView(
                "largest document that there is room for", "store.map_size, or the disk", .bytes, largest, used: nil,
                binds: hasRefusedLately(now) && largest < limits.documentBytesMax,
                effect: "larger ones are not taken until some have gone on"),
            LimitView(
                "store without its reserve", "store.map_size, or the disk", .bytes,
                total > room.reserveBytes ? total - room.reserveBytes : 0,
                used: room.usedBytes.addingSaturating(promised),
                binds: isFull, effect: "nothing is accepted; what waits is still forwarded"),
            LimitView(
                "reserve", "store.reserve_percent, store.reserve_min", .bytes, room.reserveBytes,
                used: room.freeBytes >= room.reserveBytes ? 0 : room.reserveBytes - room.freeBytes,
                binds: room.freeBytes == 0, effect: "not even what takes nothing in can be written"),
            LimitView(
                "promised to documents coming in", "store.map_size, or the disk", .bytes, room.acceptableBytes,
                used: promised, binds: isFull && promised > 0, effect: "no resources for more"),
        ]
    }

    private var linkLimits: [LimitView] {
        let isFull = active.count >= limits.activeMax
        var views = [
            LimitView(
                "active envelopes", "limits.active_max", .count, UInt64(limits.activeMax), used: UInt64(active.count),
                binds: isFull, effect: "the others wait in the durable queue"),
            LimitView(
                "wake-ups", "built in", .count, UInt64(WakeupList.entriesMax), used: UInt64(wakeups.count),
                binds: wakeups.count >= WakeupList.entriesMax, effect: "all lanes are looked at instead of one"),
        ]
        for state in peers.states {
            let open = state.sessions.compactMap { sessions[$0] }
            guard let fullest = open.max(by: { $0.inFlightBytes < $1.inFlightBytes }),
                let most = open.map(\.inFlight.count).max()
            else { continue }
            let noRoom = !open.contains(where: hasRoomNow)
            views.append(
                LimitView(
                    "window to \(state.peer.node.name), bytes", "session.window_bytes", .bytes, limits.windowBytes,
                    used: fullest.inFlightBytes, binds: noRoom && fullest.inFlightBytes >= limits.windowBytes,
                    effect: "sent on as it answers"))
            views.append(
                LimitView(
                    "window to \(state.peer.node.name), transfers", "session.window_transfers", .count,
                    UInt64(limits.windowTransfers), used: UInt64(most),
                    binds: noRoom && most >= limits.windowTransfers, effect: "sent on as it answers"))
        }
        return views
    }

    private func quotaLimits(_ room: HeadRoom, _ rows: any RowReader, _ now: RelayTime) -> [LimitView] {
        var views: [LimitView] = []
        for state in peers.states {
            views += share(.peer(state.peer.node), rows, now)
            views += share(.records(state.peer.node), rows, now)
        }
        views += minimumViews(room, rows)
        guard limits.senderQuota != .unlimited else { return views }
        var senders: [(code: AgencyCode, part: UInt64)] = []
        var prefix = RowKey()
        prefix.append(unended: "stock.sender.")
        let quota = limits.senderQuota
        rows.scan(.counter, prefix: prefix) { key, _ in
            let name = String(decoding: key.dropFirst(prefix.bytes.count).dropLast(), as: UTF8.self)
            if name.hasSuffix(".count"), let code = AgencyCode(String(name.dropLast(6))) {
                let stock = taken(by: .sender(code), rows)
                let part = max(
                    quota.count > 0 ? stock.count.saturatingTimes(1_000) / quota.count : 0,
                    quota.bytes > 0 ? stock.bytes / max(quota.bytes / 1_000, 1) : 0)
                if stock.count > 0 { senders.append((code, part)) }
            }
            return senders.count < Self.sendersMax
        }
        senders.sort { ($1.part, $0.code.text) < ($0.part, $1.code.text) }
        for sender in senders.prefix(Self.sendersShown) { views += share(.sender(sender.code), rows, now) }
        return views
    }

    /// One owner's share of the store: it binds when it is full, or when something was lately refused because of it.
    private func share(_ owner: ShareOwner, _ rows: any RowReader, _ now: RelayTime) -> [LimitView] {
        var views: [LimitView] = []
        let quota = quota(of: owner)
        let stock = taken(by: owner, rows)
        let isFresh = shareRefusals.binds(owner, now)
        let isCountFull = quota.count > 0 && stock.count >= quota.count
        let effect = "no resources for it until some have gone on"
        if quota.count > 0 {
            views.append(
                LimitView(
                    owner.countText, owner.setting + "_envelopes", .count, quota.count, used: stock.count,
                    binds: isCountFull, effect: effect))
        }
        if quota.bytes > 0 {
            views.append(
                LimitView(
                    owner.bytesText, owner.setting + "_bytes", .bytes, quota.bytes, used: stock.bytes,
                    binds: stock.bytes >= quota.bytes || isFresh && !isCountFull, effect: effect))
        }
        return views
    }

    /// Bounds on each single thing.
    private var singleLimits: [LimitView] {
        [
            LimitView(
                "bytes of one document", "limits.document_max", .bytes, limits.documentBytesMax, used: nil,
                effect: "refused: too large"),
            LimitView(
                "recipients of one document", "limits.recipients_max", .count,
                UInt64(limits.recipientsMax), used: nil, effect: "refused"),
            LimitView(
                "bytes of a header, beside recipients and path", "limits.header_max", .bytes, limits.headerBytesMax,
                used: nil, effect: "refused: too large"),
            LimitView(
                "bytes of one record", "built in", .bytes, Self.recordBytesMax, used: nil, effect: "refused"),
            LimitView(
                "lifetime of a record of others", "limits.record_lifetime", .milliseconds,
                limits.recordLifetimeMax.count, used: nil, effect: "it ends here"),
            LimitView(
                "time without an octet of what is half-received", "limits.incoming_wait", .milliseconds,
                limits.incomingWait.count, used: nil, effect: "what was promised to it is taken back"),
            LimitView(
                "copies of one envelope", "built in", .count, UInt64(Self.copiesOfOneMax), used: nil, effect: "refused"),
            LimitView(
                "recipients of all copies of one envelope", "built in", .count, UInt64(Self.recipientsOfCopiesMax),
                used: nil, effect: "refused"),
            LimitView(
                "lifetime", "limits.lifetime_max", .milliseconds, limits.lifetimeMax.count, used: nil,
                effect: "refused"),
            LimitView("hops", "limits.hops_max", .count, limits.hopLimit, used: nil, effect: "refused as a loop"),
            LimitView(
                "stops of a path", "built in", .count, UInt64(PathStop.pathStopsMax), used: nil,
                effect: "refused as a loop"),
            LimitView(
                "rows of one report", "report.rows", .count, UInt64(limits.reportRowsMax), used: nil,
                effect: "the next report takes the rest"),
        ]
    }
}
