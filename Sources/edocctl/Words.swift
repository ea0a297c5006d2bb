// Words: the daemon's words for states, trends and the like, in the language of the person. What is not known is shown as it came.

import Glibc
import Language

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

    static func urgency(_ number: Int) -> String { phrase("urgency \(number)", "độ khẩn \(number)") }
}

/// The terminal that the output goes to.
enum Terminal {
    /// Columns and lines; nil when the output is no terminal.
    static var size: (columns: Int, lines: Int)? {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// How wide lines may be; nil where nobody looks at them on a terminal.
    static var columns: Int? { size.map(\.columns) }
}
