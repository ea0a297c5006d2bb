// Doctor, the machine: what was found of certificates, clock, disk and ports. Pure.

import ControlAPI
import Language

extension Doctor {
    static func certificates(_ answer: ExaminationAnswer, _ facts: DoctorFacts) -> [Finding] {
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
        if found.ownBegins > answer.now {
            let begins = Shown.time(found.ownBegins)
            findings.append(
                Finding(
                    .fault, "certificates",
                    phrase(
                        "this node's certificate is not valid before \(begins)",
                        "chứng thư của nút này chưa có hiệu lực trước \(begins)"),
                    phrase(
                        "Look whether this machine's clock is right (date -u); if it is, use the certificate issued before.",
                        "Xem đồng hồ máy này có đúng không (date -u); nếu đúng, dùng lại chứng thư cấp trước đó.")))
        }
        if found.isRevoked {
            findings.append(
                Finding(
                    .fault, "certificates",
                    phrase(
                        "this node's certificate is revoked by a list of tls.crl: peers refuse it",
                        "chứng thư của nút này đã bị thu hồi theo tls.crl: các nút kề từ chối"),
                    phrase(
                        "Have a new one issued with a new key, put both in place, then edocctl reload.",
                        "Xin cấp chứng thư mới với khóa mới, đặt cả hai vào chỗ, rồi edocctl reload.")))
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
                Finding(.fine, "certificates", phrase("valid for \(days) d", "còn \(days) ngày")))
        }
        return findings
    }

    static func clock(_ answer: ExaminationAnswer, _ health: HealthAnswer?) -> [Finding] {
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

    static func disk(_ answer: ExaminationAnswer, _ facts: DoctorFacts) -> [Finding] {
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
        if (facts.status ?? facts.stopped)?.store.acceptableBytes == 0 {
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

    /// Below so many percent of the store's room.
    private static let room = (advice: UInt64(20), fault: UInt64(10))

    static func headRoom(_ answer: ExaminationAnswer, _ facts: DoctorFacts) -> [Finding] {
        guard let store = answer.store, let room = (facts.status ?? facts.stopped)?.store, room.acceptableBytes > 0
        else { return [] }
        let whole = max(room.usedBytes &+ room.freeBytes, 1)
        let percent = UInt64(Double(room.acceptableBytes) / Double(whole) * 100)
        guard percent < Self.room.advice else { return [] }
        let rest = store.mapBytes > room.usedBytes ? store.mapBytes - room.usedBytes : 0
        return [
            Finding(
                percent < Self.room.fault ? .fault : .advice, "store",
                phrase(
                    "\(percent) % of the store's room are left: \(Shown.size(room.usedBytes)) of \(Shown.size(store.mapBytes)) are used",
                    "kho còn \(percent) % chỗ trống: đã dùng \(Shown.size(room.usedBytes)) trên \(Shown.size(store.mapBytes))"
                ),
                rest <= store.freeBytes
                    ? phrase(
                        "See what waits (edocctl queue); raise store.map_size and restart, before nothing is accepted.",
                        "Xem văn bản đang chờ (edocctl queue); tăng store.map_size rồi khởi động lại, trước khi kho ngừng nhận."
                    )
                    : phrase(
                        "See what waits (edocctl queue); make room on the disk, before nothing is accepted.",
                        "Xem văn bản đang chờ (edocctl queue); giải phóng chỗ trên đĩa, trước khi kho ngừng nhận."))
        ]
    }

    static func ports(_ facts: DoctorFacts) -> [Finding] {
        guard let status = facts.status else { return portsOfNobody(facts) }
        var findings = portsThatFail(facts, facts.health?.metricsAddress == nil ? ["metrics.listen"] : [])
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

    /// Where the daemon would listen if it ran.
    private static func portsOfNobody(_ facts: DoctorFacts) -> [Finding] {
        guard let examination = facts.examination, case .unreachable? = facts.daemonError else { return [] }
        let findings = portsThatFail(facts, ["listen", "metrics.listen"]) + misfits(facts)
        if !findings.isEmpty || examination.ports.isEmpty { return findings }
        let text = examination.ports.map(\.address).joined(separator: ", ")
        return [Finding(.fine, "ports", phrase("\(text): free for the daemon", "\(text): còn trống cho dịch vụ edocd"))]
    }

    /// Sockets of systemd that the configuration does not know.
    private static func misfits(_ facts: DoctorFacts) -> [Finding] {
        guard let units = facts.units, let node = facts.examination?.node else { return [] }
        return units.misfits(node).map { socket in
            let (unit, place) = (Shown.text(socket.unit), Shown.text(socket.place))
            return Finding(
                .fault, "ports",
                phrase(
                    "\(unit) listens at \(place), which edocd.yaml does not name: the daemon does not start so",
                    "\(unit) lắng nghe tại \(place) mà edocd.yaml không nêu: dịch vụ edocd không khởi động được như vậy"
                ),
                phrase(
                    "Change the one or the other (systemctl edit \(unit)), or: systemctl disable --now \(unit)",
                    "Sửa một trong hai (systemctl edit \(unit)), hoặc: systemctl disable --now \(unit)"))
        }
    }

    private static func portsThatFail(_ facts: DoctorFacts, _ keys: [String]) -> [Finding] {
        var findings: [Finding] = []
        for port in facts.examination?.ports ?? [] where keys.contains(port.key) {
            let holder = facts.holders[port.address]
            // The service manager keeps it for the daemon.
            guard let problem = port.problem, holder?.isServiceManager != true else { continue }
            let said = Shown.sentence(problem)
            let who =
                holder.map {
                    phrase(
                        "; \(Shown.text($0.name)) (process \($0.process)) has it",
                        "; \(Shown.text($0.name)) (tiến trình \($0.process)) đang dùng")
                } ?? ""
            findings.append(
                Finding(
                    port.key == "listen" ? .fault : .advice, "ports",
                    phrase(
                        "\(port.key) \(port.address) cannot be opened: \(said)",
                        "không mở được \(port.key) \(port.address): \(said)") + who, remedy(port)))
        }
        return findings
    }

    private static func remedy(_ port: ExaminationAnswer.Port) -> String {
        let number = port.address.split(separator: ":").last ?? ""
        switch port.problem {
        case "Address already in use":
            return phrase(
                "End the program that has it (as root: ss -ltnp 'sport = :\(number)'), or change \(port.key) in edocd.yaml.",
                "Dừng chương trình đang dùng cổng (bằng root: ss -ltnp 'sport = :\(number)'), hoặc đổi \(port.key) trong edocd.yaml."
            )
        case "Permission denied":
            return phrase(
                "Ports below 1024 are root's: choose another, or let systemd hold it (ListenStream= of edocd.socket).",
                "Cổng dưới 1024 thuộc root: chọn cổng khác, hoặc để systemd giữ cổng (ListenStream= của edocd.socket).")
        default:
            return phrase(
                "Correct \(port.key) in edocd.yaml: the address must be one of this machine (ip address).",
                "Sửa \(port.key) trong edocd.yaml: phải là địa chỉ của máy này (ip address).")
        }
    }
}
