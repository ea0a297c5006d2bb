// PeersView: the neighbours in 80 columns, and one of them with everything that is known of it.

import ControlAPI
import Language

enum PeersView {
    static func text(_ answer: PeersAnswer, columns: Int? = nil) -> String {
        guard !answer.peers.isEmpty else { return phrase("This node has no peers.", "Nút này không có nút kề.") + "\n" }
        var notes = ""
        let width = columns.map { max($0 - 2, 20) } ?? .max
        for peer in answer.peers {
            guard let stuck = peer.stuck else { continue }
            let line = Shown.text("\(peer.node): \(Shown.sentence(stuck.why))")
            notes += Shown.broken(line, to: width).joined(separator: "\n  ") + "\n"
        }
        return table(answer).text(columns: columns, yielding: [.drop(3), .drop(7), .drop(4), .cut(0)])
            + (notes.isEmpty ? "" : "\n" + notes)
    }

    static func table(_ answer: PeersAnswer) -> TextTable {
        var table = TextTable([
            (phrase("PEER", "NÚT KỀ"), .left), (phrase("STATE", "TÌNH TRẠNG"), .left), (phrase("FOR", "ĐÃ"), .right),
            ("RTT", .right), (phrase("FLYING", "GỬI"), .right), (phrase("WAIT", "CHỜ"), .right),
            (phrase("OLD", "CŨ"), .right), ("TLS", .left), (phrase("CERT", "CHỨNG THƯ"), .right),
            (phrase("STUCK", "KẸT"), .left),
        ])
        for peer in answer.peers {
            let certificate = peer.sessions.compactMap(\.certificateExpires).min()
            table.add([
                peer.node, Words.peerState(peer.state),
                peer.since.map { Shown.span($0.seconds(until: answer.now)) } ?? "-", roundTrip(peer),
                Shown.count(UInt64(max(peer.transfersInFlight, 0))), Shown.count(peer.backlog.count),
                peer.backlog.count == 0 ? "-" : Shown.span(peer.backlog.oldestSeconds), tls(peer),
                certificate.map { Shown.span(answer.now.seconds(until: $0)) } ?? "-",
                peer.stuck.map { Words.stuck($0.word) } ?? "-",
            ])
        }
        return table
    }

    /// The longest of its connections.
    private static func roundTrip(_ peer: PeersAnswer.Peer) -> String {
        guard let time = peer.sessions.compactMap(\.roundTripMicroseconds).max() else { return "-" }
        return time < 10_000 ? "\(time / 1_000).\(time % 1_000 / 100)ms" : "\(time / 1_000)ms"
    }

    /// `1.3`; the oldest of its connections.
    private static func tls(_ peer: PeersAnswer.Peer) -> String {
        if peer.sessions.isEmpty { return "-" }
        if peer.sessions.contains(where: { $0.tlsVersion == nil }) { return phrase("NONE", "KHÔNG") }
        let version = peer.sessions.compactMap(\.tlsVersion).min() ?? "-"
        return version.hasPrefix("TLSv") ? String(version.dropFirst(4)) : version
    }

    // MARK: - One

    static func details(_ peer: PeersAnswer.Peer, _ now: Timestamp, columns: Int? = nil) -> String {
        var facts = FactList()
        facts.add(phrase("peer", "nút kề"), peer.node)
        let span = peer.since.map { Shown.span($0.seconds(until: now)) } ?? "-"
        facts.add(
            phrase("state", "tình trạng"),
            Words.peerState(peer.state) + phrase(" for \(span)", ", đã \(span)"))
        facts.add(
            phrase("stuck", "kẹt"),
            peer.stuck.map { "\(Words.stuck($0.word)): \(Shown.sentence($0.why))" } ?? phrase("no", "không"))
        facts.add(
            phrase("dialling", "gọi"),
            peer.dials
                ? phrase(
                    "this node dials it; \(peer.failures) failed in a row",
                    "nút này gọi; hỏng \(peer.failures) lần liền")
                : phrase("it dials us", "nút kề gọi đến"))
        facts.add(phrase("next dial", "lần gọi tới"), peer.nextDial.map { Shown.distance($0, from: now) })
        facts.add(phrase("paused until", "nghỉ đến"), peer.pausedUntil.map { Shown.time($0) })
        let bytes = Shown.size(peer.bytesInFlight)
        facts.add(
            phrase("in flight", "đang gửi"),
            transfers(peer.transfersInFlight)
                + phrase(", \(bytes); in doubt \(peer.inDoubt)", ", \(bytes); chưa rõ \(peer.inDoubt)"))
        let backlog = peer.backlog
        let (size, oldest) = (Shown.size(backlog.bytes), Shown.span(backlog.oldestSeconds))
        facts.add(
            phrase("backlog", "tồn đọng"),
            backlog.count == 0
                ? phrase("none", "không có")
                : phrase("\(backlog.count), \(size), oldest \(oldest)", "\(backlog.count), \(size), cũ nhất \(oldest)"))
        facts.add(
            phrase("last error", "lỗi gần nhất"),
            peer.lastError.isEmpty ? phrase("none", "không có") : Shown.sentence(peer.lastError))
        for refused in peer.refused ?? [] {
            let last = refused.last.map { Shown.distance($0, from: now) } ?? "-"
            facts.add(
                phrase("refused here", "bị từ chối tại đây"),
                "\(Words.cause(refused.cause)): \(refused.count); \(last), \(Shown.text(refused.envelope))"
                    + (refused.sender.map { " (\(Shown.text($0)))" } ?? "") + ": " + Shown.sentence(refused.why))
        }
        var text = facts.text(columns: columns)
        for session in peer.sessions { text += "\n" + self.session(session, now).text(columns: columns) }
        return text
    }

    private static func session(_ session: PeersAnswer.Session, _ now: Timestamp) -> FactList {
        var facts = FactList()
        facts.add(
            phrase("session", "phiên"),
            session.address + ", "
                + (session.dialled ? phrase("dialled", "gọi đi") : phrase("taken", "gọi đến")))
        facts.add(phrase("since", "từ"), Shown.time(session.since))
        let tls = [session.tlsVersion, session.cipher].compactMap { $0 }.joined(separator: ", ")
        facts.add("TLS", tls.isEmpty ? phrase("WITHOUT TLS", "KHÔNG CÓ TLS") : tls)
        facts.add(
            phrase("certificate", "chứng thư"),
            session.certificateExpires.map {
                let (time, distance) = (Shown.time($0), Shown.distance($0, from: now))
                return phrase("expires \(time) (\(distance))", "hết hạn \(time) (\(distance))")
            })
        facts.add(
            phrase("round trip", "khứ hồi"),
            session.roundTripMicroseconds.map { "\($0 / 1_000).\($0 % 1_000 / 100) ms" })
        let (sent, received) = (Shown.size(session.bytesSent), Shown.size(session.bytesReceived))
        facts.add(
            phrase("bytes", "dữ liệu"), phrase("\(sent) sent, \(received) received", "gửi \(sent), nhận \(received)"))
        let silence = Shown.span(session.silentSeconds)
        facts.add(
            phrase("unanswered", "chưa đáp"),
            session.inFlight == 0
                ? phrase("none", "không có")
                : transfers(session.inFlight)
                    + phrase("; nothing acknowledged for \(silence)", "; đã \(silence) chưa có xác nhận"))
        return facts
    }

    private static func transfers(_ count: Int) -> String {
        Shown.counted(UInt64(max(count, 0)), "transfer", "transfers", "lượt")
    }
}
