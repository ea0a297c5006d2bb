// AuditLine: the operator log's line in the daemon's log: the head of the chain with each entry and every minute. This copy of the
// head, outside of the store, is what `edocctl audit verify --anchor` compares with. On the engine's thread; cannot fail.

import Logging
import Monotonic
import NIOConcurrencyHelpers
import RelayCore
import RelayModel
import RelayRows
import RelaySession

enum AuditLine {
    static func write(_ head: AuditHead, to logger: Logger) {
        var metadata: Logger.Metadata = .event(
            head.entry == nil ? .operatorLogHead : .deedDone, ["order": "\(head.order)", "hash": "\(head.hash.hex)"])
        guard let entry = head.entry else {
            return logger.notice("operator log head", metadata: metadata)
        }
        metadata["uid"] = "\(entry.uid)"
        metadata["login"] = "\(entry.login)"
        metadata["verb"] = "\(entry.verb)"
        metadata["outcome"] = "\(entry.outcome)"
        if !entry.subject.isEmpty { metadata["subject"] = "\(entry.subject)" }
        if !entry.reason.isEmpty { metadata["reason"] = "\(entry.reason)" }
        if entry.count > 0 { metadata["count"] = "\(entry.count)" }
        if entry.bytes > 0 { metadata["bytes"] = "\(entry.bytes)" }
        logger.notice("operator log", metadata: metadata)
    }
}

extension EngineThread {
    /// Writes an entry of the operator log and waits for its commit; not on the engine's thread, nor on an event loop.
    func recordBlocking(_ deed: Deed, _ desk: SubmissionDesk, _ tickets: TicketSource) {
        let ticket = tickets.take()
        let durable = MonotonicLock(value: false)
        desk.expectAudit(ticket, post: { post(.event(.audited(deed, ticket: ticket))) }) { _ in
            durable.lock()
            durable.unlock(withValue: true)
        }
        durable.lock(whenValue: true)
        durable.unlock()
    }
}
