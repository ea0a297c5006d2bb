// Doctor, the files: what the daemon may read and write, and who keeps it from that. Pure.

import ControlAPI
import Language

extension Doctor {
    static func files(_ answer: ExaminationAnswer, _ facts: DoctorFacts) -> [Finding] {
        var findings = answer.files.flatMap { file(of: $0, answer, facts) }
        if findings.isEmpty, !answer.files.isEmpty {
            let who = Self.who(answer)
            findings.append(
                Finding(
                    .fine, "files",
                    facts.isSeenByDaemon
                        ? phrase("all there, readable for \(who), guarded", "đủ, \(who) đọc được, quyền truy cập đúng")
                        : phrase("all there, looked at as \(who)", "đủ, xem xét với tư cách \(who)")))
        }
        return findings
    }

    private static func who(_ answer: ExaminationAnswer) -> String {
        answer.userName.map { Shown.text($0) } ?? "uid \(answer.user)"
    }

    private static func file(
        of file: ExaminationAnswer.File, _ answer: ExaminationAnswer, _ facts: DoctorFacts
    ) -> [Finding] {
        let isFolder = ["store", "sockets", "backups"].contains(file.what)
        switch file.problem {
        case "absent": return isFolder ? unmakeable(file, answer, facts) : absent(file)
        case "denied": return [facts.isSeenByDaemon ? denied(file, answer) : unseen(file, answer)]
        case let problem?:
            return [
                Finding(
                    .fault, "files", file.path + ": " + Shown.sentence(problem),
                    phrase("Look at the disk (kernel log).", "Kiểm tra đĩa (nhật ký nhân)."))
            ]
        case nil: return isFolder ? unwritable(file, answer, facts) : exposed(file)
        }
    }

    private static func absent(_ file: ExaminationAnswer.File) -> [Finding] {
        [
            Finding(
                .fault, "files",
                phrase(
                    "\(file.path) is not there (\(file.what))", "không có \(file.path) (\(Words.file(file.what)))"),
                phrase(
                    "Put it there, or correct its key in edocd.yaml.",
                    "Đặt tệp vào đó, hoặc sửa khóa trong edocd.yaml."))
        ]
    }

    /// Who can write these can become this node.
    private static func exposed(_ file: ExaminationAnswer.File) -> [Finding] {
        guard file.mode & 0o022 != 0 else { return [] }
        return [
            Finding(
                .advice, "files",
                phrase(
                    "\(file.path) can be written by others (mode \(String(file.mode, radix: 8)))",
                    "người khác ghi được \(file.path) (quyền \(String(file.mode, radix: 8)))"),
                "chmod go-w \(file.path)")
        ]
    }

    private static func denied(_ file: ExaminationAnswer.File, _ answer: ExaminationAnswer) -> Finding {
        let who = who(answer)
        if let folder = file.blockedAt {
            return Finding(
                .fault, "files",
                phrase(
                    "\(file.path) (\(file.what)) may not be read by \(who), as whom the daemon runs: it may not enter \(folder)",
                    "\(who), người dùng chạy dịch vụ edocd, không được đọc \(file.path) (\(Words.file(file.what))): không được vào \(folder)"
                ),
                phrase(
                    "Let it in: chgrp GROUP \(folder); chmod g+x \(folder), with a group of \(who).",
                    "Cho phép vào: chgrp NHÓM \(folder); chmod g+x \(folder), với một nhóm của \(who)."))
        }
        let group = phrase("a group of \(who)", "một nhóm của \(who)")
        let remedy =
            switch file.what {
            case "store", "sockets", "backups": "chown \(who) \(file.path)"
            case "store file": "chown -R \(who) \(parent(of: file.path))"
            default:
                phrase(
                    "chown root:GROUP \(file.path); chmod 640 \(file.path), with \(group).",
                    "chown root:NHÓM \(file.path); chmod 640 \(file.path), với \(group).")
            }
        let sentence =
            file.what == "store file"
            ? phrase(
                "\(file.path) may not be read and written by \(who), as whom the daemon runs (it belongs to uid \(file.uid))",
                "\(who), người dùng chạy dịch vụ edocd, không được đọc và ghi \(file.path) (tệp thuộc uid \(file.uid))")
            : phrase(
                "\(file.path) (\(file.what)) may not be read by \(who), as whom the daemon runs",
                "\(who), người dùng chạy dịch vụ edocd, không được đọc \(file.path) (\(Words.file(file.what)))")
        return Finding(.fault, "files", sentence, remedy)
    }

    /// Whoever asks is not the daemon, and may not be able to say.
    private static func unseen(_ file: ExaminationAnswer.File, _ answer: ExaminationAnswer) -> Finding {
        let who = who(answer)
        return Finding(
            .advice, "files",
            phrase(
                "\(file.path) (\(file.what)) cannot be looked at by \(who)",
                "\(who) không xem được \(file.path) (\(Words.file(file.what)))"),
            phrase(
                "Run doctor as root: it then looks as the daemon's user.",
                "Chạy doctor bằng root: khi đó nó xem xét với tư cách người dùng của dịch vụ edocd."))
    }

    /// Made by the unit (StateDirectory=, RuntimeDirectory=) before the daemon starts.
    private static let madeBySystemd = ["/var/lib/edocd", "/run/edocd"]

    private static func unmakeable(
        _ file: ExaminationAnswer.File, _ answer: ExaminationAnswer, _ facts: DoctorFacts
    ) -> [Finding] {
        guard file.writable == false, facts.isSeenByDaemon, !madeBySystemd.contains(file.path) else { return [] }
        let who = who(answer)
        return [
            Finding(
                .fault, "files",
                phrase(
                    "\(file.path) (\(file.what)) is not there and cannot be made by \(who), as whom the daemon runs",
                    "không có \(file.path) (\(Words.file(file.what))), và \(who), người dùng chạy dịch vụ edocd, không tạo được"
                ),
                "install -d -o \(who) -m 750 \(file.path)")
        ]
    }

    private static func unwritable(
        _ file: ExaminationAnswer.File, _ answer: ExaminationAnswer, _ facts: DoctorFacts
    ) -> [Finding] {
        if facts.isSeenByDaemon {
            guard file.writable == false else { return [] }
            let who = who(answer)
            return [
                Finding(
                    .fault, "files",
                    phrase(
                        "\(file.path) (\(file.what)) cannot be written by \(who), as whom the daemon runs (it belongs to uid \(file.uid))",
                        "\(who), người dùng chạy dịch vụ edocd, không ghi được \(file.path) (\(Words.file(file.what)), thuộc uid \(file.uid))"
                    ),
                    phrase(
                        "chown -R \(who) \(file.path); if it is that already, the disk is mounted read-only.",
                        "chown -R \(who) \(file.path); nếu đã đúng chủ thì đĩa đang được gắn ở chế độ chỉ đọc."))
            ]
        }
        guard file.what == "store", let daemon = facts.daemonUser, daemon != 0, file.uid != daemon else { return [] }
        return [
            Finding(
                .fault, "files",
                phrase(
                    "the store \(file.path) belongs to uid \(file.uid), the daemon runs as uid \(daemon)",
                    "kho \(file.path) thuộc uid \(file.uid), dịch vụ edocd chạy với uid \(daemon)"),
                "chown -R \(daemon) \(file.path)")
        ]
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
