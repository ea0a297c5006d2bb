// Words: the daemon's words for states, trends and the like, in the language of the person. What is not known is shown as it came.

import ControlAPI
import Glibc
import Language
import RelayModel

enum Words {
    /// A state of an envelope's copy.
    static func state(_ word: String) -> String {
        switch word {
        case "incoming": phrase("incoming", "đang nhận")
        case "waiting": phrase("waiting", "chờ gửi")
        case "active": phrase("active", "đang gửi")
        case "deferred": phrase("deferred", "hoãn")
        case "held": phrase("held", "tạm giữ")
        case "held-expired": phrase("held-expired", "tạm giữ, hết hạn")
        case "deleting": phrase("deleting", "chờ xóa")
        case "arrived": phrase("arrived", "đã đến")
        case "handing": phrase("handing", "đang bàn giao")
        case "corrupt": phrase("corrupt", "hỏng")
        case "forwarded": phrase("forwarded", "đã chuyển")
        case "delivered": phrase("delivered", "đã giao")
        case "refused": phrase("refused", "bị từ chối")
        case "expired": phrase("expired", "hết hạn")
        case "deleted": phrase("deleted", "đã xóa")
        case "delayed": phrase("delayed", "chậm")
        case "unknown": phrase("unknown", "không rõ")
        default: word
        }
    }

    /// What became of a recipient behind the next hop: `expired at truc: its lifetime is over`.
    static func reported(_ outcome: ReportedOutcome) -> String {
        let state = state(outcome.state)
        let place =
            outcome.reporter.map {
                outcome.isRefusal == true
                    ? phrase("\(state), \($0) refuses it", "\(state), \($0) từ chối nhận")
                    : phrase("\(state) at \($0)", "\(state) tại \($0)")
            } ?? state
        let words = outcome.reason.map { "\(place): \(Shown.sentence($0))" } ?? place
        return phrase("reported since: \(words)", "đã được báo: \(words)")
    }

    /// A state of a neighbour.
    static func peerState(_ word: String) -> String {
        switch word {
        case "up": phrase("up", "thông")
        case "down": phrase("down", "mất")
        case "dialling": phrase("dialling", "đang gọi")
        case "paused": phrase("paused", "tạm nghỉ")
        case "suspended": phrase("suspended", "tạm ngừng")
        default: word
        }
    }

    /// Why a neighbour does not take what it should.
    static func stuck(_ word: String) -> String {
        switch word {
        case "silent": phrase("silent", "không đáp")
        case "paused": phrase("paused", "tạm nghỉ")
        case "suspended": phrase("suspended", "tạm ngừng")
        case "unreachable": phrase("unreachable", "không tới được")
        case "absent": phrase("absent", "chưa gọi đến")
        case "idle": phrase("idle", "không gửi")
        case "barren": phrase("carries nothing", "không tải được gì")
        default: word
        }
    }

    /// States that are ends, or come about at one moment: one says how long ago.
    static func isOver(_ state: String) -> Bool {
        ["arrived", "forwarded", "delivered", "refused", "expired", "deleted"].contains(state)
    }

    /// What is suspended: `peer hanoi`, `agency H26`.
    static func subject(_ text: String) -> String {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return text }
        switch parts[0] {
        case "peer": return phrase(text, "nút kề \(parts[1])")
        case "agency": return phrase(text, "cơ quan \(parts[1])")
        default: return text
        }
    }

    /// A line of what needs a person.
    static func attention(_ line: String) -> String {
        let mark = "suspended: "
        guard line.hasPrefix(mark) else { return Shown.sentence(line) }
        let subjects = String(line.dropFirst(mark.count)).split(separator: ", ").map { subject(String($0)) }
        return phrase(mark, "đang tạm ngừng: ") + subjects.joined(separator: ", ")
    }

    /// Why a deed has passed a recipient by.
    static func skipped(_ word: String) -> String {
        switch word {
        case "gone": phrase("gone", "không còn")
        case "changed": phrase("changed", "đã thay đổi")
        case "on a link": phrase("on a link", "đang trên liên kết")
        case "held since the restore":
            phrase(
                "held since the restore: edocctl restore release", "bị giữ từ khi khôi phục: edocctl restore release")
        case "in doubt": phrase("in doubt", "chưa rõ")
        case "incoming": phrase("incoming", "đang nhận")
        case "no way": phrase("no way", "không có đường đi")
        case "not handed in here": phrase("not handed in here", "không nộp tại đây")
        case "not held and expired": phrase("not held and expired", "không bị giữ quá thời hạn")
        case "record": phrase("record", "bản ghi báo cáo")
        case "not longer": phrase("not longer", "không dài hơn")
        case "beyond lifetime_max": phrase("beyond limits.lifetime_max", "vượt limits.lifetime_max")
        case "already so": phrase("already so", "đã như vậy")
        case "renamed before":
            phrase("renamed before: others may know that name", "đã đổi tên: nơi khác có thể biết tên ấy")
        case "expired since the preview":
            phrase(
                "expired since the preview: look again with --state held-expired, then release or resubmit",
                "hết hạn sau khi xem trước: xem lại với --state held-expired, rồi release hoặc resubmit")
        default: word
        }
    }

    /// Not a state, but why a deed passes something over.
    static func isSkipCause(_ word: String) -> Bool {
        [
            "record", "not handed in here", "on a link", "in doubt", "no way", "held since the restore",
            "not held and expired", "not longer", "beyond lifetime_max", "already so", "renamed before",
        ].contains(word)
    }

    /// What a file of the configuration is.
    static func file(_ word: String) -> String {
        switch word {
        case "configuration": phrase("configuration", "cấu hình")
        case "agencies": phrase("agencies", "danh bạ")
        case "ca": phrase("ca", "chứng thư cơ quan cấp")
        case "certificate": phrase("certificate", "chứng thư")
        case "key": phrase("key", "khóa")
        case "crl": phrase("crl", "danh sách thu hồi")
        case "store": phrase("store", "kho")
        case "store file": phrase("store file", "tệp của kho")
        case "sockets": phrase("sockets", "socket")
        case "backups": phrase("backups", "bản sao lưu")
        default: word
        }
    }

    /// Why something was refused, as the books count it.
    static func cause(_ word: String) -> String {
        switch word {
        case "duplicate": phrase("duplicate", "trùng")
        case "loop": phrase("loop", "vòng lặp")
        case "expired": phrase("expired", "hết hạn")
        case "creationInFuture": phrase("creationInFuture", "lập ở tương lai")
        case "hopLimit": phrase("hopLimit", "quá số chặng")
        case "pathTooLong": phrase("pathTooLong", "đường đi quá dài")
        case "tooLarge": phrase("tooLarge", "quá lớn")
        case "notAuthorised": phrase("notAuthorised", "không có thẩm quyền")
        case "unknownAgency": phrase("unknownAgency", "cơ quan không có trong danh bạ")
        case "noRoute": phrase("noRoute", "không có tuyến")
        case "noResources": phrase("noResources", "hết tài nguyên")
        case "storeInPieces": phrase("storeInPieces", "kho phân mảnh")
        case "quota": phrase("quota", "hết hạn mức")
        case "draining": phrase("draining", "đang xả hết")
        case "digestMismatch": phrase("digestMismatch", "mã băm không khớp")
        case "contentConflict": phrase("contentConflict", "nội dung mâu thuẫn")
        case "badCopy": phrase("badCopy", "bản sao sai")
        case "lostInPart": phrase("lostInPart", "mảnh đầu mất theo kho cũ")
        case "duplicateByNumber": phrase("duplicateByNumber", "trùng, chỉ theo số")
        case "falseReturn": phrase("falseReturn", "trả lại sai")
        case "letGo": phrase("letGo", "nhận dở, đã thôi")
        case "tooManyCopies": phrase("tooManyCopies", "quá nhiều bản")
        case "tooManyPieces": phrase("tooManyPieces", "quá nhiều mảnh")
        case "unknownPeer": phrase("unknownPeer", "nút kề lạ")
        case "unsupportedDestination": phrase("unsupportedDestination", "loại đích không hỗ trợ")
        case "forgedReport": phrase("forgedReport", "báo cáo giả")
        case "badPayload": phrase("badPayload", "nội dung sai")
        case "violation": phrase("violation", "sai giao thức")
        case "contact": phrase("contact", "liên lạc không thành")
        default: word
        }
    }

    /// `+120`, `-30`, `=`: what came less what left.
    static func net(came: UInt64, left: UInt64) -> String {
        if came > left { return "+" + Shown.count(came - left) }
        return came < left ? "-" + Shown.count(left - came) : "="
    }

    static func kind(_ word: String) -> String {
        switch word {
        case "document": phrase("document", "văn bản")
        case "administrative": phrase("report record", "bản ghi báo cáo")
        case "foreign": phrase("foreign bundle", "gói tin của hệ thống khác")
        default: word
        }
    }

    /// In a column: what is no document. Nothing for documents.
    static func kindMark(_ word: String) -> String {
        switch word {
        case "document": ""
        case "administrative": phrase("report", "báo cáo")
        case "foreign": phrase("foreign", "ngoài")
        default: word
        }
    }

    /// With its name in the rules on records of the State, which has no English.
    static func urgency(_ number: Int) -> String {
        let name = urgencyName(number)
        return phrase("urgency \(number) (\(name))", "độ khẩn \(number) (\(name))")
    }

    /// For a column.
    static func shortUrgency(_ number: Int) -> String {
        let short = ["Thường", "Khẩn", "T.khẩn", "H.tốc", "H.tốc hg"]
        return short.indices.contains(number) ? "\(number) \(short[number])" : String(number)
    }

    static func urgencyName(_ number: Int) -> String {
        UInt8(exactly: number).flatMap(Urgency.init)?.nameInLaw ?? "?"
    }
}

/// The terminal that the output goes to.
enum Terminal {
    /// Columns and lines; nil when the output is no terminal.
    static var size: (columns: Int, lines: Int)? {
        size(of: STDOUT_FILENO)
    }

    private static func size(of descriptor: Int32) -> (columns: Int, lines: Int)? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// How wide lines may be; nil where nobody looks at them on a terminal.
    static var columns: Int? { size.map(\.columns) }

    /// The same for what goes to the standard error.
    static var errorColumns: Int? { size(of: STDERR_FILENO).map(\.columns) }
}
