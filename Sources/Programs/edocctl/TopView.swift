// TopView: the lines of `edocctl top`, made of two moments' answers. Pure.

import ControlAPI
import Language

enum TopView {
    static var quitHint: String { phrase("q quits", "q: thoát") }

    /// Of each table: the fullest, the worst, the oldest. A screen has no room for more.
    private static let rowsShown = 6

    /// The lines of one picture; a screen shows as many as it has.
    static func lines(_ sample: TopSample, since last: TopSample?, columns: Int) -> [String] {
        let status = sample.status
        var lines = [title(status, columns)]
        lines += attention(status, columns)
        lines += figures(sample, last).text.split(separator: "\n").map(String.init)
        lines.append("")
        lines += block(peers(sample, last).text(columns: columns, shrinking: 0))
        if !sample.queue.rows.isEmpty {
            lines += [""] + block(QueueView.waiting(sample.queue, columns, rows: rowsShown))
        }
        if !sample.queue.arrived.isEmpty {
            lines += [""] + block(QueueView.inboxes(sample.queue, columns, lines: rowsShown))
        }
        return lines
    }

    private static func title(_ status: StatusAnswer, _ columns: Int) -> String {
        let span = Shown.span(status.uptimeSeconds)
        let left = Shown.text("\(status.node)  edocd \(status.version)  ") + phrase("up \(span)", "đã chạy \(span)")
        let right = Shown.time(status.now) + "  " + quitHint
        let space = columns - Shown.width(left) - Shown.width(right)
        return left + String(repeating: " ", count: max(space, 2)) + right
    }

    /// One line: what needs a person.
    private static func attention(_ status: StatusAnswer, _ columns: Int) -> [String] {
        if status.attention.isEmpty { return [] }
        return [
            Shown.cut("! " + Shown.text(status.attention.map(Words.attention).joined(separator: "; ")), to: columns)
        ]
    }

    private static func figures(_ sample: TopSample, _ last: TopSample?) -> FactList {
        let status = sample.status
        var facts = FactList()
        let (now, before) = (sample.ledger, last?.ledger)
        func perSecond(_ value: (LedgerAnswer) -> UInt64) -> String {
            guard let before, let last else { return "-" }
            return rate(value(now), value(before), last.status.now, status.now).map(Shown.count) ?? "-"
        }
        func bytesPerSecond(_ value: (LedgerAnswer) -> UInt64) -> String {
            guard let before, let last else { return "-" }
            return rate(value(now), value(before), last.status.now, status.now).map(Shown.size) ?? "-"
        }
        let submitted = perSecond { $0.documents?.submitted ?? 0 }
        let taken = perSecond { $0.documents?.taken ?? 0 }
        let forwarded = perSecond { $0.documents?.ended["forwarded"] ?? 0 }
        let delivered = perSecond { $0.documents?.ended["delivered"] ?? 0 }
        let bytesIn = bytesPerSecond { $0.peers.reduce(0) { $0 &+ $1.takenBytes } }
        let bytesOut = bytesPerSecond { $0.peers.reduce(0) { $0 &+ $1.forwardedBytes } }
        facts.add(
            phrase("in", "vào"),
            phrase(
                "\(submitted)/s submitted, \(taken)/s taken, \(bytesIn)/s from peers",
                "nộp \(submitted)/s, nhận \(taken)/s, \(bytesIn)/s từ nút kề"))
        facts.add(
            phrase("out", "ra"),
            phrase(
                "\(forwarded)/s forwarded, \(delivered)/s delivered, \(bytesOut)/s to peers",
                "chuyển \(forwarded)/s, giao \(delivered)/s, \(bytesOut)/s tới nút kề"))
        facts.add(phrase("here", "tại đây"), StatusView.states(status))
        let (used, left) = (Shown.size(status.store.usedBytes), Shown.size(status.store.acceptableBytes))
        let staged = Shown.size(status.stagedBytes)
        facts.add(
            phrase("disk", "đĩa"),
            phrase(
                "\(used) used, \(left) left; \(status.active) active, \(staged) coming in",
                "đã dùng \(used), còn \(left); đang gửi \(status.active), đang nhận \(staged)"))
        return facts
    }

    private static func peers(_ sample: TopSample, _ last: TopSample?) -> TextTable {
        var table = TextTable([
            (phrase("PEER", "NÚT KỀ"), .left), (phrase("STATE", "TÌNH TRẠNG"), .left),
            (phrase("IN/s", "VÀO/s"), .right),
            (phrase("OUT/s", "RA/s"), .right), (phrase("FLYING", "ĐANG GỬI"), .right), (phrase("WAIT", "CHỜ"), .right),
            (phrase("OLD", "CŨ"), .right), (phrase("STUCK", "KẸT"), .left),
        ])
        // Those that are stuck or have much to send first; otherwise in the order of the configuration.
        let worst = sample.peers.peers.enumerated().sorted { left, right in
            func rank(_ peer: PeersAnswer.Peer) -> (Int, UInt64) {
                (peer.stuck == nil ? 1 : 0, .max - peer.backlog.count)
            }
            let (mine, yours) = (rank(left.element), rank(right.element))
            return (mine.0, mine.1, left.offset) < (yours.0, yours.1, right.offset)
        }
        for peer in worst.prefix(rowsShown).map(\.element) {
            let now = sample.ledger.peers.first { $0.node == peer.node }
            let before = last?.ledger.peers.first { $0.node == peer.node }
            func perSecond(_ value: (LedgerAnswer.Peer) -> UInt64) -> String {
                guard let now, let before, let last else { return "-" }
                let rate = rate(value(now), value(before), last.status.now, sample.status.now)
                return rate.map(Shown.count) ?? "-"
            }
            table.add([
                peer.node, Words.peerState(peer.state), perSecond(\.taken), perSecond(\.forwarded),
                Shown.count(UInt64(max(peer.transfersInFlight, 0))), Shown.count(peer.backlog.count),
                peer.backlog.count == 0 ? "-" : Shown.span(peer.backlog.oldestSeconds),
                peer.stuck.map { Words.stuck($0.word) } ?? "-",
            ])
        }
        return table
    }

    /// Nil when no time has passed, or the daemon has begun to count anew.
    private static func rate(_ now: UInt64, _ before: UInt64, _ then: Timestamp, _ here: Timestamp) -> UInt64? {
        let span = here.unixMilliseconds - then.unixMilliseconds
        guard span > 0, now >= before else { return nil }
        let (product, overflow) = (now - before).multipliedReportingOverflow(by: 1_000)
        return overflow ? nil : product / UInt64(span)
    }

    private static func block(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}
