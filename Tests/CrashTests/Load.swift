// Load: documents handed in at vpcp by a thread of its own, while the test's thread kills nodes. Each document is submitted once and
// never again, so that one whose answer was lost may be there once or not at all. All counts under one lock.

import Foundation
import RelayModel
import RelayNode
import Synchronization
import TestNetwork

final class Load: Sendable {
    private struct Books {
        var submitted: [String: [String]] = [:]
        var accepted: Set<String> = []
        var answers: [Int: Int] = [:]
        var over: Set<Int> = []
        var batches = 0
    }
    private let books = Mutex(Books())
    private let socket: String

    init(socket: String) { self.socket = socket }

    /// Every document that was begun, with its recipients.
    var submitted: [String: [String]] { books.withLock { $0.submitted } }
    var accepted: Set<String> { books.withLock { $0.accepted } }

    func answered(in batch: Int) -> Int { books.withLock { $0.answers[batch] ?? 0 } }
    func isOver(_ batch: Int) -> Bool { books.withLock { $0.over.contains(batch) } }

    /// Begins a batch on a connection of its own; its number.
    func start(count: Int) -> Int {
        let batch = books.withLock { books in
            books.batches += 1
            return books.batches
        }
        Thread.detachNewThread { [self] in
            run(batch, count)
            books.withLock { _ = $0.over.insert(batch) }
        }
        return batch
    }

    func join(_ batch: Int) { _ = try? eventually(within: 120) { isOver(batch) } }

    private func run(_ batch: Int, _ count: Int) {
        guard let client = try? BulkClient(socket: socket) else { return }
        var open = 0
        for index in 0..<count {
            let document = "load \(batch).\(index)"
            let recipients = Self.recipients(index)
            // Urgent ones, small ones, and some that fill several chunks.
            let size = index % 17 == 0 ? 200_000 : 500 + index * 37
            let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: size)
            books.withLock { $0.submitted[document] = recipients }
            let urgency = Urgency(rawValue: UInt8(index % 5)) ?? .normal
            guard
                client.submit(
                    token: UInt64(index), from: "G22", to: recipients, document: document, urgency: urgency,
                    payload: payload)
            else { break }
            open += 1
            // A few are always under way.
            if open > 8, !take(client, batch, &open) { return }
        }
        while open > 0, take(client, batch, &open) {}
    }

    private func take(_ client: BulkClient, _ batch: Int, _ open: inout Int) -> Bool {
        guard case .accepted(let token, _)? = client.answer() else { return false }
        open -= 1
        books.withLock { books in
            books.accepted.insert("load \(batch).\(token)")
            books.answers[batch, default: 0] += 1
        }
        return true
    }

    private static func recipients(_ index: Int) -> [String] {
        switch index % 4 {
        case 0: ["H29", "H29.15", "H26"]
        case 1: ["H29"]
        case 2: ["H26"]
        default: ["H29.15", "H26"]
        }
    }
}
