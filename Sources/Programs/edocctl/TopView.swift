// TopView: the lines of `edocctl top`, made of two moments' answers and of what the person at the keys has chosen. Pure.

import ControlAPI
import Language

/// What a person has chosen to see of the neighbours.
struct TopChoice: Sendable, Equatable {
    enum Order: Sendable { case stuck, waiting, oldest, name }

    var order = Order.stuck
    var isDownOnly = false
    /// The first neighbour shown.
    var first = 0

    /// After a key; `shown` neighbours of `count` stand on the screen.
    mutating func take(_ key: TopKey, shown: Int, of count: Int) {
        switch key {
        case .order(let chosen): (order, first) = (chosen, 0)
        case .down: (isDownOnly, first) = (!isDownOnly, 0)
        case .move(let lines): first += lines
        case .page(let pages): first += pages * max(shown, 1)
        case .quit: break
        }
        first = max(0, min(first, count - shown))
    }
}

/// What a key asks for.
enum TopKey: Sendable, Equatable {
    case quit, down
    case order(TopChoice.Order)
    case move(Int), page(Int)

    /// The keys in what a terminal has sent at once; what is no key of ours is passed over.
    static func keys(_ bytes: some Sequence<UInt8>) -> [TopKey] {
        var keys: [TopKey] = []
        var rest = Array(bytes)[...]
        while let byte = rest.popFirst() {
            switch byte {
            // Also Ctrl-C and Ctrl-D, where they make no signal.
            case UInt8(ascii: "q"), UInt8(ascii: "Q"), 0x03, 0x04: keys.append(.quit)
            case UInt8(ascii: "d"): keys.append(.down)
            case UInt8(ascii: "s"): keys.append(.order(.stuck))
            case UInt8(ascii: "w"): keys.append(.order(.waiting))
            case UInt8(ascii: "o"): keys.append(.order(.oldest))
            case UInt8(ascii: "n"): keys.append(.order(.name))
            case UInt8(ascii: " "): keys.append(.page(1))
            case UInt8(ascii: "b"): keys.append(.page(-1))
            case UInt8(ascii: "j"): keys.append(.move(1))
            case UInt8(ascii: "k"): keys.append(.move(-1))
            case 0x1b where rest.first == UInt8(ascii: "[") || rest.first == UInt8(ascii: "O"):
                rest.removeFirst()
                let number = rest.prefix { (0x30...0x3b).contains($0) }
                rest = rest.dropFirst(number.count)
                switch (rest.popFirst(), Array(number)) {
                case (UInt8(ascii: "A"), _): keys.append(.move(-1))
                case (UInt8(ascii: "B"), _): keys.append(.move(1))
                case (UInt8(ascii: "~"), [UInt8(ascii: "5")]): keys.append(.page(-1))
                case (UInt8(ascii: "~"), [UInt8(ascii: "6")]): keys.append(.page(1))
                default: break
                }
            default: break
            }
        }
        return keys
    }
}

/// One picture.
struct TopPicture: Sendable {
    var lines: [String]
    /// Neighbours that stand in it, and those that could.
    var shown = 0
    var count = 0
}

enum TopView {
    static var quitHint: String { phrase("q quits", "q: thoát") }
    static var keys: String {
        phrase(
            "q quits  d only down  s stuck  w waiting  o oldest  n name  space/b page  arrows",
            "q: thoát  d: chỉ nút mất  s: kẹt  w: chờ  o: cũ nhất  n: tên  cách, b: trang")
    }

    /// Of each table where nobody says how much room there is, and of queue and inboxes always: the fullest, the worst, the oldest.
    private static let rowsShown = 6
    /// Neighbours that are shown before queue and inboxes get any room.
    private static let peersLeast = 5

    /// The picture for a screen of so many lines: the neighbours get what the others leave. `screen` nil: for no screen, and without keys.
    static func picture(
        _ sample: TopSample, since last: TopSample?, columns: Int, screen: Int? = nil, _ choice: TopChoice = TopChoice()
    ) -> TopPicture {
        let status = sample.status
        var lines = [title(status, columns, hint: screen == nil ? quitHint : "")]
        lines += attention(status, columns)
        lines += figures(sample, last).text.split(separator: "\n").map(String.init)
        lines.append("")
        let peers = chosen(sample.peers.peers, choice)
        guard let screen else {
            let table = peerLines(sample, last, peers, rows: rowsShown, columns, choice)
            return TopPicture(
                lines: lines + table + queue(sample.queue, columns) + inboxes(sample.queue, columns),
                shown: min(peers.count, rowsShown), count: peers.count)
        }
        // Below: the line of keys.
        let room = screen - lines.count - 1
        let least = peerLines(sample, last, peers, rows: min(peers.count, peersLeast), columns, choice).count
        let inboxes = sample.queue.arrived.isEmpty ? 0 : 1
        let below = queue(sample.queue, columns, room: (room - least) / (1 + inboxes))
        let others = below + self.inboxes(sample.queue, columns, room: room - least - below.count)
        // Beside the rows: titles, the sum, and what is not shown.
        var rows = max(min(peers.count, room - others.count - 2), 1)
        if rows < peers.count { rows = max(room - others.count - 3, 1) }
        let table = peerLines(sample, last, peers, rows: rows, columns, choice)
        lines += table + others
        lines += Array(repeating: "", count: max(screen - 1 - lines.count, 0))
        return TopPicture(
            lines: fitted(lines, to: screen - 1) + [Shown.cut(keys, to: columns)], shown: min(rows, peers.count),
            count: peers.count)
    }

    /// What a screen has no room for is not cut without a word.
    static func fitted(_ lines: [String], to room: Int) -> [String] {
        guard lines.count > room, room > 0 else { return lines }
        let left = lines.count - room + 1
        return lines.prefix(room - 1) + [phrase("\(left) more lines", "còn \(left) dòng nữa")]
    }

    private static func chosen(_ peers: [PeersAnswer.Peer], _ choice: TopChoice) -> [PeersAnswer.Peer] {
        let shown = choice.isDownOnly ? peers.filter(PeersView.isDown) : peers
        // Equal ones in the order of the configuration.
        func rank(_ peer: PeersAnswer.Peer) -> (Int, UInt64, String) {
            switch choice.order {
            // Those that are stuck or have much to send first.
            case .stuck: (peer.stuck == nil ? 1 : 0, .max - peer.backlog.count, "")
            case .waiting: (0, .max - peer.backlog.count, "")
            case .oldest: (peer.backlog.count == 0 ? 1 : 0, .max - peer.backlog.oldestSeconds, "")
            case .name: (0, 0, peer.node)
            }
        }
        return shown.enumerated().sorted { left, right in
            let (mine, yours) = (rank(left.element), rank(right.element))
            return mine == yours ? left.offset < right.offset : mine < yours
        }.map(\.element)
    }

    private static func peerLines(
        _ sample: TopSample, _ last: TopSample?, _ peers: [PeersAnswer.Peer], rows: Int, _ columns: Int,
        _ choice: TopChoice
    ) -> [String] {
        let first = max(0, min(choice.first, peers.count - rows))
        let shown = Array(peers.dropFirst(first).prefix(rows))
        var lines = block(table(sample, last, shown).text(columns: columns, yielding: [.drop(2), .drop(3), .cut(0)]))
        let left = peers.count - shown.count
        if left > 0 {
            let (from, to, all) = (first + 1, first + shown.count, peers.count)
            lines.append(
                phrase("\(left) more (\(from) to \(to) of \(all))", "còn \(left) nữa (\(from) đến \(to) trên \(all))"))
        }
        if sample.peers.peers.count > 1 {
            let mark = choice.isDownOnly ? phrase("only down; ", "chỉ nút mất; ") : ""
            lines.append(Shown.cut(mark + PeersView.totals(sample.peers.peers), to: columns))
        }
        return lines
    }

    /// A table of the queue in at most so many lines, with how many of its rows are not shown.
    private static func bounded(_ count: Int, room: Int?, _ how: String, _ table: (Int) -> String) -> [String] {
        guard count > 0 else { return [] }
        for rows in stride(from: min(count, rowsShown), through: 1, by: -1) {
            var lines = [""] + block(table(rows))
            if rows < count { lines.append(Shown.more(count - rows, how)) }
            if room.map({ lines.count <= $0 }) ?? true { return lines }
        }
        return room! > 0 ? [Shown.more(count, how)] : []
    }

    private static func queue(_ answer: QueueAnswer, _ columns: Int, room: Int? = nil) -> [String] {
        bounded(answer.rows.count, room: room, "edocctl queue") { QueueView.waiting(answer, columns, rows: $0) }
    }

    private static func inboxes(_ answer: QueueAnswer, _ columns: Int, room: Int? = nil) -> [String] {
        bounded(answer.arrived.count, room: room, "edocctl queue") { QueueView.inboxes(answer, columns, lines: $0) }
    }

    private static func title(_ status: StatusAnswer, _ columns: Int, hint: String) -> String {
        let span = Shown.span(status.uptimeSeconds)
        let left = Shown.text("\(status.node)  edocd \(status.version)  ") + phrase("up \(span)", "đã chạy \(span)")
        let right = Shown.time(status.now) + (hint.isEmpty ? "" : "  " + hint)
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

    private static func table(_ sample: TopSample, _ last: TopSample?, _ peers: [PeersAnswer.Peer]) -> TextTable {
        var table = TextTable([
            (phrase("PEER", "NÚT KỀ"), .left), (phrase("STATE", "TÌNH TRẠNG"), .left),
            (phrase("IN/s", "VÀO/s"), .right),
            (phrase("OUT/s", "RA/s"), .right), (phrase("ACTIVE", "ĐANG GỬI"), .right), (phrase("WAIT", "CHỜ"), .right),
            (phrase("OLD", "CŨ"), .right), (phrase("STUCK", "KẸT"), .left),
        ])
        for peer in peers {
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
