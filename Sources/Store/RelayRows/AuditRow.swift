// AuditRow: one entry of the operator log: who did what, when, why and to how much. Each entry carries the hash of the one before it and
// its own, so that an entry that was changed, taken out or put in shows. A value; which hash it is, the caller decides.

import RelayModel

/// One entry. The table `audit` has it under its order.
public struct AuditRow: Sendable, Hashable {
    /// Entries count from 1, without gaps.
    public var order: UInt64
    public var time: WallTime
    /// By the kernel's word.
    public var uid: UInt32
    public var login: String
    public var verb: String
    public var subject: String
    public var reason: String
    /// How many things, and octets of payload, it was about.
    public var count: UInt64
    public var bytes: UInt64
    public var outcome: String
    /// The hash of the entry before it; zeros for the first.
    public var previous: Digest
    public var hash: Digest

    public init(
        order: UInt64, time: WallTime, uid: UInt32, login: String, verb: String, subject: String, reason: String,
        count: UInt64, bytes: UInt64, outcome: String, previous: Digest
    ) {
        self.order = order
        self.time = time
        self.uid = uid
        self.login = login
        self.verb = verb
        self.subject = subject
        self.reason = reason
        self.count = count
        self.bytes = bytes
        self.outcome = outcome
        self.previous = previous
        hash = .zero
    }

    /// What the hash is taken over: the previous hash, then the fields in the form of a record without its head.
    public var hashedBytes: [UInt8] {
        var out = RowWriter(capacity: 256)
        writeFields(to: &out)
        return previous.bytes + out.bytes.dropFirst(RowWriter.headBytes)
    }

    private func writeFields(to out: inout RowWriter) {
        out.number(order)
        out.number(time.milliseconds)
        out.number(UInt64(uid))
        out.text(login)
        out.text(verb)
        out.text(subject)
        out.text(reason)
        out.number(count)
        out.number(bytes)
        out.text(outcome)
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 320)
        writeFields(to: &out)
        out.digest(previous)
        out.digest(hash)
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        let order = row.number()
        let time = WallTime(milliseconds: row.number())
        guard let uid = UInt32(exactly: row.number()) else { return nil }
        self.init(
            order: order, time: time, uid: uid, login: row.text(), verb: row.text(), subject: row.text(),
            reason: row.text(), count: row.number(), bytes: row.number(), outcome: row.text(), previous: row.digest())
        hash = row.digest()
        // Nothing may stand behind what the hash covers.
        guard row.isSound, row.isAtEnd else { return nil }
    }
}

/// The SHA-256 of bytes; handed in by whoever knows a library for it.
public typealias AuditHash = @Sendable (UnsafeRawBufferPointer) -> Digest

/// Checks the chain in portions: each begins where the last one ended, with the hash found there.
public struct AuditChain: Sendable {
    public struct Break: Sendable, Hashable {
        public var order: UInt64
        public var why: String
    }

    /// The last entry that was found sound.
    public private(set) var order: UInt64
    public private(set) var head: Digest
    public private(set) var broken: Break?
    /// The entry whose hash was looked for.
    public private(set) var anchored: UInt64?
    /// Entries looked at.
    public private(set) var checked: UInt64 = 0
    /// True when the log was seen to its end.
    public private(set) var isAtEnd = false

    /// Goes on behind an entry that an earlier portion found sound; nil when there is no such entry any more.
    public init?(after order: UInt64, _ rows: any RowReader) {
        self.order = order
        head = .zero
        guard order > 0 else { return }
        guard let raw = rows.value(.audit, Keys.audit(order)), let row = AuditRow(record: raw) else { return nil }
        head = row.hash
    }

    /// Looks at no more than `limit` entries.
    public mutating func check(_ rows: any RowReader, limit: Int, anchor: Digest?, hash: AuditHash) {
        var left = limit
        isAtEnd = true
        Keys.audit(order + 1).withBytes { start in
            rows.scan(.audit, from: start) { key, value in
                guard left > 0 else {
                    isAtEnd = false
                    return false
                }
                left -= 1
                checked += 1
                guard let why = problem(key, value, hash) else {
                    if head == anchor { anchored = order }
                    return true
                }
                broken = Break(order: order + 1, why: why)
                return false
            }
        }
    }

    /// What is wrong with the next entry; nil when it follows from the one before.
    private mutating func problem(
        _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ hash: AuditHash
    ) -> String? {
        guard key.count == 8, key.number(at: 0) == order + 1 else { return "the entry is missing" }
        guard let row = AuditRow(record: value) else { return "the entry cannot be read" }
        guard row.order == order + 1 else { return "the entry is that of another place, \(row.order)" }
        guard row.previous == head else { return "the entry does not follow from the one before it" }
        guard row.hashedBytes.withUnsafeBytes(hash) == row.hash else {
            return "the entry was changed after it was made"
        }
        order = row.order
        head = row.hash
        return nil
    }
}
