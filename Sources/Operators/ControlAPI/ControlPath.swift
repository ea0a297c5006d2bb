// ControlPath: where the control interface is and how its paths are spelled. Values and pure functions, shared by the daemon
// and the tools, so that the two cannot disagree. Nothing here fails.

/// The paths of the control interface.
public enum ControlPath {
    /// Where the daemon listens unless its configuration says otherwise.
    public static let defaultSocket = "/run/edocd/control.sock"
    /// The version of every answer; a change that could break a reader raises it.
    public static let schema = 1

    public static let status = "/v1/status"
    public static let findings = "/v1/findings"
    public static let outcomes = "/v1/outcomes"
    public static let outcomeList = "/v1/outcomes/list"
    public static let openOutcomes = "/v1/outcomes/open"
    public static let outcomeAck = "/v1/outcomes/ack"
    public static let queue = "/v1/queue"
    public static let queueList = "/v1/queue/list"
    public static let envelopes = "/v1/envelopes"
    public static let history = "/v1/history"
    public static let peers = "/v1/peers"
    public static let routes = "/v1/routes"
    public static let explain = "/v1/routes/explain"
    public static let ledger = "/v1/ledger"
    public static let limits = "/v1/limits"
    public static let submit = "/v1/submit"
    public static let reload = "/v1/reload"
    public static let health = "/v1/health"
    public static let metrics = "/metrics"
    public static let notices = "/v1/notices"
    public static let logLevel = "/v1/log-level"
    public static let audit = "/v1/audit"
    public static let restore = "/v1/restore"
    public static let restoreCompare = "/v1/restore/compare"
    public static let restoreRelease = "/v1/restore/release"
    public static let backup = "/v1/backup"
    public static let backupCancel = "/v1/backup/cancel"
    public static let auditCheck = "/v1/audit/verify"
    public static let preview = "/v1/deeds/preview"
    public static let jobs = "/v1/jobs"
    public static let suspensions = "/v1/suspensions"
    public static let drain = "/v1/drain"
    public static let cancelDrain = "/v1/drain/cancel"
    public static let verify = "/v1/verify"

    /// `verb`: the node refuses when the job is of another.
    public static func apply(_ job: UInt64, as verb: String? = nil) -> String {
        query("/v1/deeds/\(job)/apply", [("verb", verb)])
    }
    public static func job(_ job: UInt64) -> String { jobs + "/\(job)" }
    public static func cancel(_ job: UInt64, as verb: String? = nil) -> String {
        query(self.job(job) + "/cancel", [("verb", verb)])
    }
    public static func undo(_ job: UInt64, as verb: String? = nil) -> String {
        query(self.job(job) + "/undo", [("verb", verb)])
    }

    public static func envelope(_ name: String) -> String { envelopes + "/" + encoded(name) }
    public static func trace(_ name: String) -> String { "/v1/trace/" + encoded(name) }
    public static func wire(_ peer: String) -> String { "/v1/wire/" + encoded(peer) }
    public static func ledger(of peer: String) -> String { ledger + "/" + encoded(peer) }
    public static func inbox(_ agency: String) -> String { "/v1/inbox/" + encoded(agency) }
    public static func document(_ agency: String, _ envelope: String) -> String {
        inbox(agency) + "/" + encoded(envelope)
    }
    public static func acknowledge(_ agency: String) -> String { inbox(agency) + "/ack" }

    /// A path with its query; values are encoded.
    public static func query(_ path: String, _ items: [(name: String, value: String?)]) -> String {
        let given = items.compactMap { item in item.value.map { item.name + "=" + encoded($0) } }
        return given.isEmpty ? path : path + "?" + given.joined(separator: "&")
    }

    /// Percent-encodes everything but the unreserved characters (RFC 3986, 2.3), so that `@`, `/` and `:` of names are safe.
    public static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The inverse; nil for a broken escape or bytes that are not UTF-8.
    public static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
