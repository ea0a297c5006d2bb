// AuditPages: GET /v1/audit and /v1/audit/verify: the operator log, newest first, and the check of its chain in portions, each on a
// short snapshot. Also the one way by which the pages write an entry of it.

import ControlAPI
import Hummingbird
import OpenSSLTLS
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    func addAudit(to router: Router<ControlContext>) {
        router.get("v1/audit") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["since", "until", "user", "verb", "limit", "cursor"])
            return try json(try await audit(query))
        }
        router.get("v1/audit/verify") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["anchor", "cursor"])
            return try json(try await auditCheck(query))
        }
    }

    /// Notes what a caller has had done. An entry that cannot be written is an error of the store, and the log of the daemon says so.
    func record(
        _ caller: Caller, _ verb: String, subject: String = "", reason: String = "", count: UInt64 = 0,
        bytes: UInt64 = 0, outcome: String = "done"
    ) async {
        let deed = Deed(
            uid: caller.uid, login: caller.user ?? "", verb: verb, subject: subject, reason: reason, count: count,
            bytes: bytes, outcome: outcome)
        if (try? await node.record(deed)) != true {
            logger.error(
                "operator log: an entry could not be written",
                metadata: [
                    "caller": "\(printable(caller.text))", "verb": "\(verb)", "subject": "\(printable(subject))",
                ])
        }
    }

    private func audit(_ query: ControlQuery) async throws -> AuditAnswer {
        let limit = try query.limit()
        let since = try query.time("since")
        let until = try query.time("until")
        let user = try query.one("user")
        let verb = try query.one("verb")
        let before = try query.number("cursor", in: 0...UInt64.max)
        return try await node.read { rows in
            var answer = AuditAnswer(entries: [], cursor: nil, scanned: 0)
            var next = before ?? .max
            while true {
                guard answer.entries.count < limit, answer.scanned < Page.scanMax else {
                    answer.cursor = String(next)
                    return answer
                }
                guard let found = rows.row(.audit, before: Keys.audit(next)) else { return answer }
                answer.scanned += 1
                next = found.key.number(at: 0)
                guard let row = AuditRow(record: found.value) else { continue }
                let time = row.time.timestamp
                if let since, time < since { continue }
                if let until, time > until { continue }
                if let user, row.login != user, String(row.uid) != user { continue }
                if let verb, row.verb != verb { continue }
                answer.entries.append(.init(row))
            }
        }
    }

    private func auditCheck(_ query: ControlQuery) async throws -> AuditCheckAnswer {
        let from = try query.number("cursor", in: 0...UInt64.max) ?? 0
        var anchor: Digest?
        if let text = try query.one("anchor") {
            guard let digest = Digest(hex: text) else {
                throw ControlError.badRequest("the anchor must be the 64 hexadecimal digits of an entry's hash")
            }
            anchor = digest
        }
        let chain = try await node.read { [anchor] rows in
            var chain = AuditChain(after: from, rows)
            chain?.check(rows, limit: Page.scanMax, anchor: anchor, hash: SHA256Hasher.digest)
            return chain
        }
        guard let chain else {
            throw ControlError.badRequest("entry \(from) is not in the operator log; begin the check without a cursor")
        }
        return AuditCheckAnswer(
            checked: chain.checked, order: chain.order, hash: chain.head.hex, brokenAt: chain.broken?.order,
            why: chain.broken?.why, anchoredAt: chain.anchored,
            cursor: chain.isAtEnd || chain.broken != nil ? nil : String(chain.order))
    }
}

extension AuditAnswer.Entry {
    fileprivate init(_ row: AuditRow) {
        self.init(
            order: row.order, time: row.time.timestamp, uid: row.uid, login: row.login, verb: row.verb,
            subject: row.subject, reason: row.reason, count: row.count, bytes: row.bytes, outcome: row.outcome,
            hash: row.hash.hex)
    }
}

extension Digest {
    /// From 64 hexadecimal digits.
    init?(hex text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 64, by: 2) {
            guard digits[index] != UInt8(ascii: "+"), digits[index] != UInt8(ascii: "-"),
                let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        self.init(bytes: bytes)
    }
}
