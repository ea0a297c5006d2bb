// Audit: the operator log: every deed of an operator is one entry, written in the transaction of its rows and never changed or removed
// by this program. The head of its hash chain goes to a place outside of the store (the journal) with each entry and every minute:
// whoever changes the store afterwards would have to change that as well.
//
// An entry that cannot be read does not stop the log: the next one follows from the bytes that are there, and a check names the
// broken one.

import RelayModel
import RelayRows

/// What an operator has had done, for the operator log.
public struct Deed: Sendable, Hashable {
    public var uid: UInt32
    public var login: String
    /// One word, such as `reload`.
    public var verb: String
    /// What it was done to.
    public var subject: String
    public var reason: String
    /// How many things, and octets of payload, it was about.
    public var count: UInt64
    public var bytes: UInt64
    public var outcome: String

    public init(
        uid: UInt32, login: String, verb: String, subject: String = "", reason: String = "", count: UInt64 = 0,
        bytes: UInt64 = 0, outcome: String = "done"
    ) {
        self.uid = uid
        self.login = login
        self.verb = verb
        self.subject = subject
        self.reason = reason
        self.count = count
        self.bytes = bytes
        self.outcome = outcome
    }
}

/// Where the operator log stands.
public struct AuditHead: Sendable {
    public var order: UInt64
    public var hash: Digest
    /// The entry that has just been made; nil when the head is only said again.
    public var entry: AuditRow?
    /// Who waits for it to be durable.
    public var ticket: Ticket?
}

/// The end of the chain, in memory.
struct AuditLog {
    var order: UInt64 = 0
    var head: Digest = .zero
    /// When the head is said again; at the start at once.
    var due: RelayTime = .zero

    mutating func load(_ rows: any RowReader, _ hash: AuditHash) {
        guard let last = rows.row(.audit, before: Keys.audit(.max)) else { return }
        order = last.key.number(at: 0)
        head = AuditRow(record: last.value)?.hash ?? hash(last.value)
    }
}

extension RelayCore {
    /// The longest text of an entry, in bytes.
    private static let auditTextMax = 2_048

    /// Adds an entry, durable with this turn.
    public mutating func audit(_ deed: Deed, _ turn: inout Turn, ticket: Ticket? = nil) {
        var row = AuditRow(
            order: auditLog.order + 1, time: turn.now.wall, uid: deed.uid, login: Self.cut(deed.login),
            verb: Self.cut(deed.verb), subject: Self.cut(deed.subject), reason: Self.cut(deed.reason),
            count: deed.count, bytes: deed.bytes, outcome: Self.cut(deed.outcome), previous: auditLog.head)
        row.hash = row.hashedBytes.withUnsafeBytes(hash)
        turn.rows.put(.audit, Keys.audit(row.order), row.encoded())
        if deed.isGoodBackup { LastBackup.set(turn.now.wall, turn.rows) }
        auditLog.order = row.order
        auditLog.head = row.hash
        auditLog.due = turn.now.relay + .minutes(1)
        turn.effects.append(.auditHead(AuditHead(order: row.order, hash: row.hash, entry: row, ticket: ticket)))
    }

    /// Says the head again once a minute, so that a log that was cut off shows soon.
    mutating func publishAuditHead(_ turn: inout Turn) {
        guard auditLog.due <= turn.now.relay else { return }
        auditLog.due = turn.now.relay + .minutes(1)
        guard auditLog.order > 0 else { return }
        turn.effects.append(.auditHead(AuditHead(order: auditLog.order, hash: auditLog.head, entry: nil, ticket: nil)))
    }

    /// A text that is too long for an entry says so.
    private static func cut(_ text: String) -> String {
        guard text.utf8.count > auditTextMax else { return text }
        return String(decoding: text.utf8.prefix(auditTextMax), as: UTF8.self) + "… (\(text.utf8.count) bytes)"
    }
}
