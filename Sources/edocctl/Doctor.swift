// Doctor: from what was found on this machine to findings: what is so, whether it matters, and what to do. Pure.

import ControlAPI
import Language

/// What was found; nil where nothing could be found out.
struct DoctorFacts: Sendable {
    var socket = ""
    /// The user that the socket belongs to, which is the daemon's.
    var socketOwner: UInt32?
    var daemonError: ClientError?
    var examination: ExaminationAnswer?
    var health: HealthAnswer?
    var status: StatusAnswer?
    var peers: PeersAnswer?
    /// By address: why it cannot be connected to, nil when it can.
    var reachable: [String: String?] = [:]
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
        findings += files(examination, facts.socketOwner)
        findings += certificates(examination, facts)
        findings += clock(examination, facts.health)
        findings += disk(examination, facts.status)
        findings += ports(facts)
        findings += peers(facts)
        if let status = facts.status, status.corruptRecords > 0 {
            findings.append(
                Finding(
                    .fault, "store",
                    phrase(
                        "\(status.corruptRecords) unreadable records were set aside",
                        "\(status.corruptRecords) bản ghi không đọc được đã bị tách riêng"),
                    phrase(
                        "Look at the disk (kernel log, SMART), keep the store, and send `edocctl report`.",
                        "Kiểm tra đĩa (nhật ký nhân, SMART), giữ nguyên kho và gửi kết quả `edocctl report`.")))
        }
        return findings
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
                    phrase("no daemon answers at \(socket)", "không có dịch vụ edocd nào trả lời tại \(socket)"),
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

    private static func configuration(_ answer: ExaminationAnswer) -> [Finding] {
        var findings = answer.errors.map {
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

    private static func files(_ answer: ExaminationAnswer, _ daemon: UInt32?) -> [Finding] {
        var findings: [Finding] = []
        for file in answer.files {
            if !file.exists {
                // Before the first start there is none, and the daemon makes it.
                if file.what == "store" { continue }
                findings.append(
                    Finding(
                        .fault, "files",
                        phrase(
                            "\(file.path) is not there (\(file.what))",
                            "không có \(file.path) (\(Words.file(file.what)))"),
                        phrase(
                            "Put it there, or correct its key in edocd.yaml.",
                            "Đặt tệp vào đó, hoặc sửa khóa trong edocd.yaml.")))
                continue
            }
            // Who can write these can become this node.
            let isGuarded = file.what != "store" && file.mode & 0o022 != 0
            if isGuarded {
                findings.append(
                    Finding(
                        .advice, "files",
                        phrase(
                            "\(file.path) can be written by others (mode \(String(file.mode, radix: 8)))",
                            "người khác ghi được \(file.path) (quyền \(String(file.mode, radix: 8)))"),
                        "chmod go-w \(file.path)"))
            }
            guard let daemon, daemon != 0 else { continue }
            if file.what == "key", file.uid != daemon, !(file.uid == 0 && file.mode & 0o040 != 0) {
                findings.append(
                    Finding(
                        .fault, "files",
                        phrase(
                            "the key \(file.path) belongs to uid \(file.uid), the daemon runs as uid \(daemon)",
                            "khóa \(file.path) thuộc uid \(file.uid), dịch vụ edocd chạy với uid \(daemon)"),
                        phrase(
                            "chown it to the daemon's user, or to root with mode 640 and the daemon's group.",
                            "Đổi chủ sang người dùng của dịch vụ edocd, hoặc root với quyền 640 và nhóm của dịch vụ edocd."
                        )))
            }
            if file.what == "store", file.uid != daemon {
                findings.append(
                    Finding(
                        .fault, "files",
                        phrase(
                            "the store \(file.path) belongs to uid \(file.uid), the daemon runs as uid \(daemon)",
                            "kho \(file.path) thuộc uid \(file.uid), dịch vụ edocd chạy với uid \(daemon)"),
                        "chown -R \(daemon) \(file.path)"))
            }
        }
        if findings.isEmpty, !answer.files.isEmpty {
            findings.append(Finding(.fine, "files", phrase("all there, guarded", "đủ, quyền truy cập đúng")))
        }
        return findings
    }

    private static func certificates(_ answer: ExaminationAnswer, _ facts: DoctorFacts) -> [Finding] {
        guard let found = answer.certificates else {
            if answer.node?.plain == true {
                return [
                    Finding(
                        .advice, "certificates",
                        phrase("plain_loopback is on: no TLS at all", "plain_loopback đang bật: không dùng TLS"),
                        phrase("Use it for tests on loopback only.", "Chỉ dùng để thử nghiệm trên loopback."))
                ]
            }
            return []
        }
        var findings: [Finding] = []
        func judge(_ name: String, _ ends: Timestamp, _ remedy: String) {
            let left = answer.now.seconds(until: ends)
            guard left < 30 * 86_400 else { return }
            let sentence =
                ends <= answer.now
                ? Shown.ended(name, ends)
                : phrase("\(name) ends in \(Shown.span(left))", "\(name) hết hạn sau \(Shown.span(left))")
            findings.append(Finding(left < 7 * 86_400 ? .fault : .advice, "certificates", sentence, remedy))
        }
        judge(
            phrase("this node's certificate", "chứng thư của nút này"), found.own,
            phrase(
                "Have a new one issued for this node ID, put it in place with its key, then edocctl reload.",
                "Xin cấp chứng thư mới cho mã nút này, đặt vào cùng khóa, rồi edocctl reload."))
        if let ends = found.authorities {
            judge(
                phrase("an authority's certificate", "chứng thư của cơ quan cấp"), ends,
                phrase(
                    "Add the authority's next certificate to tls.ca on every node before it ends.",
                    "Bổ sung chứng thư mới của cơ quan cấp vào tls.ca trên mọi nút trước khi hết hạn."))
        }
        for (peer, ends) in (facts.health?.certificates.peers ?? [:]).sorted(by: { $0.key < $1.key }) {
            judge(
                phrase("the certificate of \(peer)", "chứng thư của \(peer)"), ends,
                phrase("Tell the operators of \(peer).", "Báo cho người vận hành \(peer)."))
        }
        if let update = found.revocationLists, update <= answer.now {
            findings.append(
                Finding(
                    .advice, "certificates",
                    phrase("a revocation list is out of date", "danh sách thu hồi đã quá hạn cập nhật"),
                    phrase(
                        "Fetch the new list to tls.crl, then edocctl reload.",
                        "Tải danh sách mới về tls.crl, rồi edocctl reload.")))
        }
        // Renewed on disk, but the daemon goes on with the old one.
        if let live = facts.health?.certificates.own, live != found.own {
            findings.append(
                Finding(
                    .advice, "certificates",
                    phrase(
                        "the certificate on disk is not the one the daemon uses",
                        "chứng thư trên đĩa khác chứng thư dịch vụ edocd đang dùng"), "edocctl reload"))
        }
        if findings.isEmpty {
            let days = answer.now.seconds(until: found.own) / 86_400
            findings.append(
                Finding(.fine, "certificates", phrase("valid for \(days) d, key fits", "còn \(days) ngày, khớp khóa")))
        }
        return findings
    }

    private static func clock(_ answer: ExaminationAnswer, _ health: HealthAnswer?) -> [Finding] {
        var findings: [Finding] = []
        if health?.clockDoubted == true {
            findings.append(
                Finding(
                    .fault, "clock",
                    phrase(
                        "the daemon doubts the clock; expiry is suspended",
                        "dịch vụ edocd không tin đồng hồ; đã ngừng tính hết hạn"),
                    phrase(
                        "Set the clock right (chronyc tracking, timedatectl); the doubt ends when other nodes agree.",
                        "Chỉnh lại đồng hồ (chronyc tracking, timedatectl); hết nghi ngờ khi các nút khác khớp giờ.")))
        }
        switch answer.clock.isSynchronised {
        case false:
            findings.append(
                Finding(
                    .advice, "clock",
                    phrase(
                        "no time service keeps this machine's clock",
                        "không có dịch vụ thời gian nào giữ đồng hồ máy này"),
                    phrase(
                        "Install chrony or switch systemd-timesyncd on (timedatectl set-ntp true).",
                        "Cài chrony hoặc bật systemd-timesyncd (timedatectl set-ntp true).")))
        case true where findings.isEmpty:
            findings.append(
                Finding(
                    .fine, "clock",
                    phrase(
                        "kept by a time service, within \(answer.clock.greatestErrorMicroseconds / 1_000) ms",
                        "có dịch vụ thời gian giữ, sai số trong \(answer.clock.greatestErrorMicroseconds / 1_000) ms")))
        default: break
        }
        return findings
    }

    private static func disk(_ answer: ExaminationAnswer, _ status: StatusAnswer?) -> [Finding] {
        guard let store = answer.store else { return [] }
        var findings: [Finding] = []
        if store.isNetwork {
            findings.append(
                Finding(
                    .fault, "disk",
                    phrase(
                        "\(store.directory) is on a network file system (\(store.filesystem ?? "?"))",
                        "\(store.directory) nằm trên hệ thống tệp mạng (\(store.filesystem ?? "?"))"),
                    phrase(
                        "The store needs a local disk: its locks and syncs are not safe there.",
                        "Kho cần đĩa cục bộ: khóa và đồng bộ không an toàn trên hệ thống tệp mạng.")))
        }
        if store.isVolatile {
            findings.append(
                Finding(
                    .fault, "disk",
                    phrase(
                        "\(store.directory) is in memory (\(store.filesystem ?? "?")): it is lost with the machine",
                        "\(store.directory) nằm trong bộ nhớ (\(store.filesystem ?? "?")): mất khi máy tắt"),
                    phrase("Move store.directory to a disk.", "Chuyển store.directory sang đĩa.")))
        }
        let rest = store.mapBytes > store.fileBytes ? store.mapBytes - store.fileBytes : 0
        if status?.store.acceptableBytes == 0 {
            findings.append(
                Finding(
                    .fault, "disk",
                    phrase(
                        "the store is full up to its reserve: nothing is accepted",
                        "kho đã đầy đến phần dự trữ: không nhận thêm"),
                    phrase(
                        "Make room on the disk or raise store.map_size and restart; what waits is still sent.",
                        "Giải phóng đĩa hoặc tăng store.map_size rồi khởi động lại; văn bản đang chờ vẫn được gửi.")))
        } else if store.diskBytes > 0, store.freeBytes < store.reserveBytes + (1 << 30) {
            findings.append(
                Finding(
                    .fault, "disk",
                    phrase(
                        "only \(Shown.size(store.freeBytes)) free on the store's disk",
                        "đĩa chứa kho chỉ còn \(Shown.size(store.freeBytes))"),
                    phrase("Make room on the disk.", "Giải phóng chỗ trên đĩa.")))
        } else if rest > store.freeBytes {
            findings.append(
                Finding(
                    .advice, "disk",
                    phrase(
                        "the store may grow by \(Shown.size(rest)), the disk has \(Shown.size(store.freeBytes))",
                        "kho có thể tăng thêm \(Shown.size(rest)), đĩa chỉ còn \(Shown.size(store.freeBytes))"),
                    phrase(
                        "Give the store a larger disk or lower store.map_size, so that the limit is yours and not the disk's.",
                        "Dùng đĩa lớn hơn hoặc giảm store.map_size, để giới hạn do mình đặt chứ không phải do đĩa.")))
        }
        if findings.isEmpty {
            findings.append(
                Finding(
                    .fine, "disk",
                    phrase(
                        "\(store.filesystem ?? "?"), \(Shown.size(store.freeBytes)) free",
                        "\(store.filesystem ?? "?"), còn trống \(Shown.size(store.freeBytes))")))
        }
        return findings
    }

    private static func ports(_ facts: DoctorFacts) -> [Finding] {
        guard let status = facts.status else { return [] }
        var findings: [Finding] = []
        for address in status.listening {
            guard let problem = facts.reachable[address] ?? nil else { continue }
            findings.append(
                Finding(
                    .fault, "ports",
                    phrase(
                        "nothing takes connections at \(address): \(problem)",
                        "không kết nối được tới \(address): \(problem)"),
                    phrase(
                        "The daemon listens there: look for a firewall on this machine (nft list ruleset).",
                        "Dịch vụ edocd đang lắng nghe ở đó: kiểm tra tường lửa của máy này (nft list ruleset).")))
        }
        if let node = facts.examination?.node, status.listening.isEmpty, !node.listen.isEmpty {
            findings.append(
                Finding(
                    .fault, "ports", phrase("the daemon listens nowhere", "dịch vụ edocd không lắng nghe ở đâu cả"),
                    phrase("Restart it; listen changes only so.", "Khởi động lại; chỉ như vậy listen mới thay đổi.")))
        }
        if findings.isEmpty {
            let text =
                status.listening.isEmpty
                ? phrase("this node only dials", "nút này chỉ chủ động kết nối ra")
                : status.listening.joined(separator: ", ")
            findings.append(Finding(.fine, "ports", text))
        }
        return findings
    }

    private static func peers(_ facts: DoctorFacts) -> [Finding] {
        guard let node = facts.examination?.node else { return [] }
        return node.peers.map { peer in
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
    }

    /// A peer that is not connected, or of which nothing is known because the daemon is down.
    private static func away(
        _ peer: ExaminationAnswer.Peer, _ error: String, _ reachable: [String: String?]
    ) -> Finding {
        let said = error.isEmpty ? "" : ": " + Shown.sentence(error)
        guard peer.dials, let address = peer.address else {
            return Finding(
                said.isEmpty ? .advice : .fault, "peers",
                phrase(
                    "\(peer.name) is not connected; it dials us", "\(peer.name) chưa kết nối; nút đó chủ động gọi đến")
                    + said,
                phrase(
                    "Ask its operators whether it runs and dials this node's address; open the port to it in the firewall.",
                    "Hỏi bên đó xem nút có chạy và gọi đúng địa chỉ này không; mở cổng cho nút đó trên tường lửa."))
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
                "The port is open, the session fails: compare node names, authorities and dates of both certificates, and the clocks.",
                "Cổng mở nhưng phiên không thành: so tên nút, cơ quan cấp, thời hạn hai chứng thư và đồng hồ hai bên."))
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
        for finding in findings {
            let line = "\(mark(finding.grade)) \(area(finding.area)): " + Shown.text(Shown.sentence(finding.sentence))
            text += Shown.folded(line, to: columns, hanging: 7) + "\n"
            if let remedy = finding.remedy {
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
