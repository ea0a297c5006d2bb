// Doctor: from what was found on this machine to findings: what is so, whether it matters, and what to do. Pure.

import ControlAPI
import Language

/// What was found; nil where nothing could be found out.
struct DoctorFacts: Sendable {
    var socket = ""
    /// As whom the daemon runs, or would.
    var daemonUser: UInt32?
    var daemonError: ClientError?
    var examination: ExaminationAnswer?
    var health: HealthAnswer?
    var status: StatusAnswer?
    var peers: PeersAnswer?
    /// By address: why it cannot be connected to, nil when it can.
    var reachable: [String: String?] = [:]
    /// Of the store of a daemon that does not run.
    var stopped: StatusAnswer?
    /// What systemd says; nil where it does not run the daemon.
    var units: ServiceUnits?
    /// By address: who listens there.
    var holders: [String: PortHolder] = [:]

    /// Whether what was found on the disk is what the daemon finds.
    var isSeenByDaemon: Bool { examination.map { $0.user == daemonUser } ?? false }
}

struct Finding: Encodable, Equatable {
    enum Grade: String, Encodable {
        case fine
        case advice
        case fault
    }
    var grade: Grade
    /// daemon, configuration, rights, files, certificates, clock, disk, ports, peers, store.
    var area: String
    var sentence: String
    var remedy: String?
    /// Those of one kind may be told together.
    var alike: String?

    private enum CodingKeys: String, CodingKey { case grade, area, sentence, remedy }

    init(_ grade: Grade, _ area: String, _ sentence: String, _ remedy: String? = nil) {
        self.grade = grade
        self.area = area
        self.sentence = sentence
        self.remedy = remedy
    }
}

enum Doctor {
    static func findings(_ facts: DoctorFacts) -> [Finding] {
        var findings = daemon(facts)
        guard let examination = facts.examination else { return findings }
        findings += configuration(examination)
        findings += files(examination, facts)
        findings += certificates(examination, facts)
        findings += clock(examination, facts.health)
        findings += disk(examination, facts)
        findings += headRoom(examination, facts)
        findings += ports(facts)
        findings += peers(facts)
        findings += told(facts)
        return findings
    }

    /// What the daemon finds by itself, but for links, certificates and room, which are looked at here from both sides.
    private static func told(_ facts: DoctorFacts) -> [Finding] {
        let found = facts.status?.findings ?? []
        return found.filter { !["links", "certificates", "room", "clock"].contains($0.check) && $0.grade != "note" }.map
        {
            let remedy =
                $0.code == "recordsCorrupt"
                ? phrase(
                    "Look at the disk (kernel log, SMART), keep the store, and send `edocctl report`.",
                    "Kiểm tra đĩa (nhật ký nhân, SMART), giữ nguyên kho và gửi kết quả `edocctl report`.")
                : phrase(
                    "docs/findings.md says of \($0.code) what to do.", "docs/findings.md nêu cách xử lý \($0.code).")
            return Finding($0.grade == "critical" ? .fault : .advice, "daemon", Words.attention($0.text), remedy)
        }
    }

    private static func daemon(_ facts: DoctorFacts) -> [Finding] {
        guard let error = facts.daemonError else {
            guard let health = facts.health else { return [] }
            if !health.engineAnswers {
                return [
                    Finding(
                        .fault, "daemon",
                        phrase("the engine does not answer", "bộ máy của dịch vụ edocd không trả lời"),
                        phrase(
                            "The store's disk hangs or is very slow: look at the kernel log; restart the daemon once the disk answers.",
                            "Đĩa chứa kho bị treo hoặc quá chậm: xem nhật ký nhân; khởi động lại dịch vụ edocd khi đĩa đã hoạt động."
                        ))
                ]
            }
            var findings = [Finding(.fine, "daemon", "\(health.node), edocd \(health.version)")]
            if health.openFilesMax > 0, health.openFiles > Int(clamping: health.openFilesMax / 10 * 8) {
                findings.append(
                    Finding(
                        .advice, "daemon",
                        phrase(
                            "\(health.openFiles) of \(health.openFilesMax) descriptors are open",
                            "đang mở \(health.openFiles)/\(health.openFilesMax) bộ mô tả tệp"),
                        phrase("Raise LimitNOFILE of the unit.", "Tăng LimitNOFILE của unit.")))
            }
            return findings
        }
        switch error {
        case .unreachable(let socket):
            return [
                Finding(
                    .fault, "daemon",
                    phrase("no daemon answers at \(socket)", "không có dịch vụ edocd nào trả lời tại \(socket)")
                        + bySystemd(facts.units),
                    phrase(
                        "Correct what is named below, then: systemctl start edocd; journalctl -u edocd says why it stopped.",
                        "Sửa các điểm nêu dưới đây, rồi: systemctl start edocd; journalctl -u edocd cho biết vì sao nó dừng."
                    ))
            ]
        case .notPermitted(let socket):
            return [
                Finding(
                    .fault, "rights",
                    phrase("this user may not connect to \(socket)", "người dùng này không được kết nối tới \(socket)"),
                    phrase(
                        "Run as root, or put the user into the socket's group.",
                        "Chạy bằng root, hoặc đưa người dùng vào nhóm của socket."))
            ]
        case .silent:
            return [
                Finding(
                    .fault, "daemon", FailureSentences.silent,
                    phrase("Look at journalctl -u edocd.", "Xem journalctl -u edocd."))
            ]
        case .refused(let code, let answer) where code != 403:
            return [
                Finding(
                    .fault, "daemon", Shown.sentence(answer.error),
                    phrase(
                        "Look at journalctl -u edocd; edocd and edocctl must be of one version.",
                        "Xem journalctl -u edocd; edocd và edocctl phải cùng phiên bản."))
            ]
        case .refused(_, let answer):
            return [
                Finding(
                    .fault, "rights", Shown.sentence(answer.error),
                    phrase(
                        "Give the user the verb see under control.rights in edocd.yaml, then edocctl reload.",
                        "Cấp quyền see cho người dùng ở control.rights trong edocd.yaml, rồi edocctl reload."))
            ]
        case .broken(let why):
            return [
                Finding(
                    .fault, "daemon", why,
                    phrase("Look at journalctl -u edocd.", "Xem journalctl -u edocd."))
            ]
        }
    }

    private static func bySystemd(_ units: ServiceUnits?) -> String {
        guard let units, units.user != nil else { return "" }
        return units.exitStatus == "0" || units.exitStatus.isEmpty
            ? "; systemd: \(Shown.text(units.activeState))"
            : phrase(
                "; systemd: \(Shown.text(units.activeState)), last exit code \(Shown.text(units.exitStatus))",
                "; systemd: \(Shown.text(units.activeState)), mã thoát gần nhất \(Shown.text(units.exitStatus))")
    }

    private static func configuration(_ answer: ExaminationAnswer) -> [Finding] {
        // Of these is said below by whom, and what to do.
        let named = answer.files.filter { $0.problem == "absent" || $0.problem == "denied" }.map(\.path)
        let errors = answer.errors.filter { error in
            !["No such file or directory", "Permission denied"].contains(where: error.hasSuffix)
                || !named.contains { error.contains($0) }
        }.filter { error in
            answer.certificates.map { $0.own > answer.now } ?? true || !error.hasSuffix(" has expired")
        }
        var findings = errors.map {
            Finding(
                .fault, "configuration", $0,
                phrase(
                    "Correct it; edocd does not start with it (exit code 78), and a reload is refused.",
                    "Hãy sửa; dịch vụ edocd không khởi động được với lỗi này (mã 78) và từ chối nạp lại."))
        }
        findings += answer.warnings.map {
            Finding(.advice, "configuration", $0, phrase("Put it right.", "Hãy khắc phục."))
        }
        if answer.errors.isEmpty {
            findings.append(Finding(.fine, "configuration", answer.configuration))
        }
        findings += answer.notes.map { Finding(.fine, "configuration", $0) }
        for caller in answer.node?.unknownCallers ?? [] {
            findings.append(
                Finding(
                    .advice, "rights",
                    phrase(
                        "control.rights names \(caller), which this machine does not know",
                        "control.rights nêu \(caller) mà máy này không có"),
                    phrase("Make it, or correct the name.", "Tạo tài khoản đó hoặc sửa lại tên.")))
        }
        return findings
    }

    private static func peers(_ facts: DoctorFacts) -> [Finding] {
        guard let node = facts.examination?.node else { return [] }
        return grouped(
            node.peers.map { peer in judged(peer, facts) }, of: node.peers.map(\.name))
    }

    /// More than so many that are alike are one line: at a hub nobody reads a hundred.
    private static let alikeMax = 5
    private static let namesMax = 10

    /// Those in order become one line, and so do those that have not dialled us and of which nothing else is known.
    private static func grouped(_ findings: [Finding], of names: [String]) -> [Finding] {
        let fine = findings.indices.filter { findings[$0].grade == .fine }
        let absent = findings.indices.filter { findings[$0].grade == .advice && findings[$0].alike != nil }
        var merged: [Finding] = []
        for index in findings.indices {
            if fine.count > alikeMax, fine.contains(index) {
                guard index == fine.first else { continue }
                merged.append(
                    Finding(
                        .fine, "peers",
                        phrase(
                            "\(fine.count) of \(findings.count) are connected, or take connections",
                            "\(fine.count) trong \(findings.count) đang kết nối hoặc nhận kết nối")))
            } else if absent.count > alikeMax, absent.contains(index) {
                guard index == absent.first else { continue }
                let listed = absent.prefix(namesMax).map { names[$0] }.joined(separator: ", ")
                let all = absent.count > namesMax ? listed + ", …" : listed
                merged.append(
                    Finding(
                        .advice, "peers",
                        phrase(
                            "\(absent.count) that dial us are not connected: \(all)",
                            "\(absent.count) nút tự gọi đến chưa kết nối: \(all)"), findings[index].remedy))
            } else {
                merged.append(findings[index])
            }
        }
        return merged
    }

    private static func judged(_ peer: ExaminationAnswer.Peer, _ facts: DoctorFacts) -> Finding {
        let live = facts.peers?.peers.first { $0.node == peer.name }
        if let live, live.state == "up" || live.state == "paused" {
            return Finding(.fine, "peers", phrase("\(peer.name) is connected", "\(peer.name) đang kết nối"))
        }
        if let live, live.state == "suspended" {
            return Finding(
                .advice, "peers",
                phrase("\(peer.name) is suspended by an operator", "\(peer.name) đang bị người vận hành tạm ngừng"),
                phrase("Resume it when the reason is gone.", "Cho hoạt động lại khi hết lý do."))
        }
        return away(peer, live?.lastError ?? "", facts.reachable)
    }

    /// A peer that is not connected, or of which nothing is known because the daemon is down.
    private static func away(
        _ peer: ExaminationAnswer.Peer, _ error: String, _ reachable: [String: String?]
    ) -> Finding {
        let said = error.isEmpty ? "" : ": " + Shown.sentence(error)
        guard peer.dials, let address = peer.address else {
            var finding = Finding(
                said.isEmpty ? .advice : .fault, "peers",
                phrase(
                    "\(peer.name) is not connected; it dials us", "\(peer.name) chưa kết nối; nút đó chủ động gọi đến")
                    + said,
                phrase(
                    "Ask its operators whether it runs and dials this node's address; open the port to it in the firewall.",
                    "Hỏi bên đó xem nút có chạy và gọi đúng địa chỉ này không; mở cổng cho nút đó trên tường lửa."))
            if said.isEmpty { finding.alike = "absent" }
            return finding
        }
        if let problem = reachable[address] ?? nil {
            return Finding(
                .fault, "peers",
                phrase("\(peer.name) at \(address): \(problem)", "\(peer.name) tại \(address): \(problem)"),
                phrase(
                    "Look at the address, the way to it (ping, traceroute) and the firewalls; refused means that nothing listens there.",
                    "Kiểm tra địa chỉ, đường truyền (ping, traceroute) và tường lửa; bị từ chối nghĩa là ở đó không có gì lắng nghe."
                ))
        }
        guard !error.isEmpty else {
            return Finding(
                .fine, "peers",
                phrase("\(peer.name) at \(address) takes connections", "\(peer.name) tại \(address) nhận kết nối"))
        }
        return Finding(
            .fault, "peers",
            phrase("\(peer.name) at \(address) is there", "\(peer.name) tại \(address) có hoạt động") + said,
            phrase(
                "The port is open now; edocctl peers shows whether the next dial succeeds. If not, compare node names, authorities and dates of both certificates, and the clocks.",
                "Hiện cổng đã mở; edocctl peers cho biết lần gọi tới có thành không. Nếu không, so tên nút, cơ quan cấp, thời hạn hai chứng thư và đồng hồ hai bên."
            ))
    }
}

enum DoctorView {
    private struct Findings: Encodable {
        var schema = ControlPath.schema
        var findings: [Finding]
    }

    static func json(_ findings: [Finding]) -> String {
        let bytes = (try? ControlJSON.bytes(Findings(findings: findings))) ?? []
        return Shown.json(String(decoding: bytes, as: UTF8.self)) + "\n"
    }

    static func text(_ findings: [Finding], columns: Int? = nil) -> String {
        var text = ""
        for (index, finding) in findings.enumerated() {
            let line = "\(mark(finding.grade)) \(area(finding.area)): " + Shown.text(Shown.sentence(finding.sentence))
            text += Shown.folded(line, to: columns, hanging: 7) + "\n"
            // Once for those that follow each other.
            let isSaidBelow = index + 1 < findings.count && findings[index + 1].remedy == finding.remedy
            if let remedy = finding.remedy, !isSaidBelow {
                text += Shown.folded("     → " + Shown.text(remedy), to: columns) + "\n"
            }
        }
        let faults = findings.count { $0.grade == .fault }
        let advice = findings.count { $0.grade == .advice }
        return text
            + (faults + advice == 0
                ? phrase("Nothing is wrong.\n", "Không có gì bất thường.\n")
                : phrase(
                    "\(faults) to be put right, \(advice) to be looked at.\n",
                    "\(faults) điểm phải khắc phục, \(advice) điểm nên xem lại.\n"))
    }

    private static func mark(_ grade: Finding.Grade) -> String {
        switch grade {
        case .fine: "[ ok ]"
        case .advice: "[ !  ]"
        case .fault: "[ !! ]"
        }
    }

    private static func area(_ area: String) -> String {
        switch area {
        case "daemon": phrase("daemon", "dịch vụ edocd")
        case "configuration": phrase("configuration", "cấu hình")
        case "rights": phrase("rights", "quyền")
        case "files": phrase("files", "tệp")
        case "certificates": phrase("certificates", "chứng thư")
        case "clock": phrase("clock", "đồng hồ")
        case "disk": phrase("disk", "đĩa")
        case "ports": phrase("ports", "cổng")
        case "peers": phrase("peers", "nút kề")
        default: phrase("store", "kho")
        }
    }
}
