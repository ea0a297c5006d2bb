// PeersView: the neighbours in 80 columns, and one of them with everything that is known of it.

import ControlAPI
import Language

enum PeersView {
    /// `total`: the whole answer, where only some of its neighbours are to be shown.
    static func text(_ answer: PeersAnswer, of total: PeersAnswer? = nil, columns: Int? = nil) -> String {
        let all = (total ?? answer).peers
        guard !all.isEmpty else { return phrase("This node has no peers.", "Nút này không có nút kề.") + "\n" }
        let totals = all.count > 1 || total != nil ? Shown.folded(self.totals(all), to: columns) + "\n" : ""
        guard !answer.peers.isEmpty else { return totals }
        let notes = notes(answer, columns)
        return table(answer).text(columns: columns, yielding: [.drop(3), .drop(7), .drop(4), .cut(0)]) + totals
            + (notes.isEmpty ? "" : "\n" + notes)
    }

    /// Not up, or up and stuck.
    static func isDown(_ peer: PeersAnswer.Peer) -> Bool { peer.state != "up" || peer.stuck != nil }

    /// `100 peers: 6 up, 94 down; 12 stuck; waiting 1234, 5.6 MiB, the oldest 3d`
    static func totals(_ peers: [PeersAnswer.Peer]) -> String {
        let states = ["up", "paused", "dialling", "down", "suspended"].compactMap { state in
            let count = peers.count { $0.state == state }
            return count > 0 ? "\(count) \(Words.peerState(state))" : nil
        }
        var text = Shown.counted(UInt64(peers.count), "peer", "peers", "nút kề") + ": " + states.joined(separator: ", ")
        let stuck = peers.count { $0.stuck != nil }
        if stuck > 0 { text += phrase("; \(stuck) stuck", "; \(stuck) kẹt") }
        let waiting = peers.reduce(0) { $0 &+ $1.backlog.count }
        guard waiting > 0 else { return text + phrase("; nothing waits", "; không có gì chờ") }
        let size = Shown.size(peers.reduce(0) { $0 &+ $1.backlog.bytes })
        let oldest = Shown.span(peers.filter { $0.backlog.count > 0 }.map(\.backlog.oldestSeconds).max() ?? 0)
        return text
            + phrase(
                "; waiting \(waiting), \(size), the oldest \(oldest)", "; chờ \(waiting), \(size), cũ nhất \(oldest)")
    }

    /// Reasons on a terminal; those of the rest are had one by one.
    private static let notesMax = 10

    /// Why neighbours are stuck; what is the same of several is said once.
    private static func notes(_ answer: PeersAnswer, _ columns: Int?) -> String {
        var reasons: [(why: String, names: [String])] = []
        for peer in answer.peers {
            guard let stuck = peer.stuck else { continue }
            if let index = reasons.firstIndex(where: { $0.why == stuck.why }) {
                reasons[index].names.append(peer.node)
            } else {
                reasons.append((stuck.why, [peer.node]))
            }
        }
        let shown = columns == nil ? reasons.count : notesMax
        var text = ""
        for reason in reasons.prefix(shown) {
            let line = Shown.text("\(Shown.names(reason.names)): \(Shown.sentence(reason.why))")
            text += Shown.folded(line, to: columns) + "\n"
        }
        guard reasons.count > shown else { return text }
        let names = Set(reasons.dropFirst(shown).flatMap(\.names)).count
        return text + Shown.more(names, "edocctl peers NODE") + "\n"
    }

    static func table(_ answer: PeersAnswer) -> TextTable {
        var table = TextTable([
            (phrase("PEER", "NÚT KỀ"), .left), (phrase("STATE", "TÌNH TRẠNG"), .left), (phrase("FOR", "ĐÃ"), .right),
            ("RTT", .right), (phrase("ACTIVE", "GỬI"), .right), (phrase("WAIT", "CHỜ"), .right),
            (phrase("OLD", "CŨ"), .right), ("TLS", .left), (phrase("CERT", "CHỨNG THƯ"), .right),
            (phrase("VERSION", "BẢN"), .left), (phrase("STUCK", "KẸT"), .left),
        ])
        for peer in answer.peers {
            let certificate = peer.sessions.compactMap(\.certificateExpires).min()
            table.add([
                peer.node, Words.peerState(peer.state),
                peer.since.map { Shown.span($0.seconds(until: answer.now)) } ?? "-", roundTrip(peer),
                Shown.count(UInt64(max(peer.transfersInFlight, 0))), Shown.count(peer.backlog.count),
                peer.backlog.count == 0 ? "-" : Shown.span(peer.backlog.oldestSeconds), tls(peer),
                certificate.map { Shown.span(answer.now.seconds(until: $0)) } ?? "-", version(peer),
                peer.stuck.map { Words.stuck($0.word) } ?? "-",
            ])
        }
        return table
    }

    /// Of its program, as it says; a neighbour may say anything.
    private static func version(_ peer: PeersAnswer.Peer) -> String {
        guard let greeting = peer.greeting else { return peer.sessions.isEmpty ? "-" : "?" }
        return Shown.cut(Shown.text(greeting.version), to: 12)
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
        if let greeting = peer.greeting {
            let (version, incarnation) = (greeting.version, greeting.incarnation)
            facts.add(phrase("program", "chương trình"), "edocd \(version)")
            facts.add(phrase("incarnation", "lần chạy"), incarnation)
            facts.add(
                phrase("understands", "hiểu"),
                greeting.understands.isEmpty
                    ? phrase("nothing", "không gì") : greeting.understands.joined(separator: ", ")
            )
        } else if !peer.sessions.isEmpty {
            facts.add(
                phrase("program", "chương trình"),
                phrase("said nothing (0.3 or another make)", "không nói gì (bản 0.3 hoặc phần mềm khác)"))
        }
        facts.add(phrase("next dial", "lần gọi tới"), peer.nextDial.map { Shown.distance($0, from: now) })
        facts.add(phrase("paused until", "nghỉ đến"), peer.pausedUntil.map { Shown.time($0) })
        facts.add(
            phrase("no room for", "không còn chỗ cho"),
            peer.pausedFromBytes.map {
                phrase("\(Shown.size($0)) or more; smaller ones go", "từ \(Shown.size($0)); nhỏ hơn vẫn đi")
            })
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
