// SubmissionDesk: who waits for which answer of the engine. Submissions and inbox acknowledgements are posted under a ticket;
// their answers come with the effects of a durable batch and are handed on, once a batch and waiter.

import NIOConcurrencyHelpers
import RelayCore
import RelayModel

/// Something that waits for answers to submissions.
public protocol SubmissionWaiter: AnyObject, Sendable {
    /// Called on the engine thread, once a batch.
    func answered(_ answers: [(Ticket, SubmissionAnswer)])
    /// No answer will come: the decisions are lost.
    func lost(_ tickets: [Ticket], why: String)
}

public final class SubmissionDesk: Sendable {
    private struct Books {
        var waiters: [Ticket: any SubmissionWaiter] = [:]
        var inbox: [Ticket: @Sendable (Result<Int, SubmissionLost>) -> Void] = [:]
        var operations: [Ticket: @Sendable (OperationAnswer) -> Void] = [:]
        var restores: [Ticket: @Sendable (EvidenceCounts?) -> Void] = [:]
        /// Who waits for an entry of the operator log; false: it is not there.
        var audits: [Ticket: @Sendable (Bool) -> Void] = [:]
    }
    private let books = NIOLockedValueBox(Books())

    public init() {}

    /// Enters who waits, and posts what the answer is to. Both as one: a reset comes before both or behind both, and so knows all that
    /// waits in the mailbox and is to be taken out of it.
    public func expect(_ ticket: Ticket, _ waiter: any SubmissionWaiter, post: () -> Void = {}) {
        books.withLockedValue {
            $0.waiters[ticket] = waiter
            post()
        }
    }

    func expectInbox(
        _ ticket: Ticket, post: () -> Void, _ body: @escaping @Sendable (Result<Int, SubmissionLost>) -> Void
    ) {
        books.withLockedValue {
            $0.inbox[ticket] = body
            post()
        }
    }

    func expectAudit(_ ticket: Ticket, post: () -> Void, _ body: @escaping @Sendable (Bool) -> Void) {
        books.withLockedValue {
            $0.audits[ticket] = body
            post()
        }
    }

    func expectOperation(
        _ ticket: Ticket, post: () -> Void, _ body: @escaping @Sendable (OperationAnswer) -> Void
    ) {
        books.withLockedValue {
            $0.operations[ticket] = body
            post()
        }
    }

    func expectRestore(_ ticket: Ticket, post: () -> Void, _ body: @escaping @Sendable (EvidenceCounts?) -> Void) {
        books.withLockedValue {
            $0.restores[ticket] = body
            post()
        }
    }

    public func forget(_ ticket: Ticket) {
        books.withLockedValue { books in
            books.waiters[ticket] = nil
            books.inbox[ticket] = nil
        }
    }

    public var waiting: Int { books.withLockedValue { $0.waiters.count } }

    func answer(_ answers: [(Ticket, SubmissionAnswer)]) {
        var order: [ObjectIdentifier] = []
        var batches: [ObjectIdentifier: (any SubmissionWaiter, [(Ticket, SubmissionAnswer)])] = [:]
        books.withLockedValue { books in
            for (ticket, answer) in answers {
                guard let waiter = books.waiters.removeValue(forKey: ticket) else { continue }
                let key = ObjectIdentifier(waiter)
                if batches[key] == nil { order.append(key) }
                batches[key, default: (waiter, [])].1.append((ticket, answer))
            }
        }
        for key in order { if let (waiter, list) = batches[key] { waiter.answered(list) } }
    }

    func answerInbox(_ ticket: Ticket, _ taken: Int) {
        books.withLockedValue { $0.inbox.removeValue(forKey: ticket) }?(.success(taken))
    }

    func answerRestore(_ ticket: Ticket, _ counts: EvidenceCounts?) {
        books.withLockedValue { $0.restores.removeValue(forKey: ticket) }?(counts)
    }

    func answerAudit(_ ticket: Ticket) {
        books.withLockedValue { $0.audits.removeValue(forKey: ticket) }?(true)
    }

    func answerOperation(_ ticket: Ticket, _ answer: OperationAnswer) {
        books.withLockedValue { $0.operations.removeValue(forKey: ticket) }?(answer)
    }

    /// Tells everybody that no answer will come; answers whom. What they have posted is not to be decided any more.
    func reset(why: String) -> Set<Ticket> {
        let old = books.withLockedValue { books in
            let old = books
            books = Books()
            return old
        }
        var order: [ObjectIdentifier] = []
        var lists: [ObjectIdentifier: (any SubmissionWaiter, [Ticket])] = [:]
        for ticket in old.waiters.keys.sorted() {
            guard let waiter = old.waiters[ticket] else { continue }
            let key = ObjectIdentifier(waiter)
            if lists[key] == nil { order.append(key) }
            lists[key, default: (waiter, [])].1.append(ticket)
        }
        for key in order { if let (waiter, list) = lists[key] { waiter.lost(list, why: why) } }
        for body in old.inbox.values { body(.failure(SubmissionLost(why: why, what: "the acknowledgement"))) }
        for body in old.audits.values { body(false) }
        for body in old.restores.values { body(nil) }
        for body in old.operations.values {
            body(.refused("the store was full and nothing was changed (\(why)); make room and try again"))
        }
        var lost = Set(old.waiters.keys)
        lost.formUnion(old.inbox.keys)
        lost.formUnion(old.audits.keys)
        lost.formUnion(old.restores.keys)
        lost.formUnion(old.operations.keys)
        return lost
    }
}
