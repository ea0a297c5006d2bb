// Load: documents handed in at vpcp by threads of their own, while the test's thread kills nodes. Each document is submitted once and
// never again, so that one whose answer was lost may be there once or not at all. All counts under one lock.

import Foundation
import RelayModel
import RelayNode
import Synchronization
import TestNetwork

final class Load: Sendable {
    private struct Books {
        var submitted: [String: [String]] = [:]
        var sizes: [String: Int] = [:]
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

    /// The octets of a document that was begun; nil for one that never was.
    func payload(of document: String) -> [UInt8]? {
        books.withLock { $0.sizes[document] }.map { Self.payload(document, $0) }
    }

    /// The same for each name, of no two alike. What repeats in it is no divisor of a piece, so that pieces in a wrong order show.
    private static func payload(_ document: String, _ size: Int) -> [UInt8] {
        var chance = Dice(
            seed: document.utf8.reduce(1_469_598_103_934_665_603) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 })
        let block = Array(document.utf8) + (0..<1_021).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + block.count)
        while bytes.count < size { bytes += block }
        return Array(bytes[..<size])
    }

    func answered(in batch: Int) -> Int { books.withLock { $0.answers[batch] ?? 0 } }
    func isOver(_ batch: Int) -> Bool { books.withLock { $0.over.contains(batch) } }

    /// Begins a batch on a connection of its own; its number.
    func start(count: Int) -> Int { start { self.run($0, count) } }

    /// Begins one document of more than two pieces, on a connection of its own; the batch that it is.
    func startLarge() -> Int {
        start { batch in
            guard let client = try? BulkClient(socket: self.socket) else { return }
            let recipients = Self.recipients(batch % 2)
            var open = self.submit(client, batch, 0, recipients, size: 9 << 20 | batch * 4_099) ? 1 : 0
            if open > 0 { _ = self.take(client, batch, &open) }
        }
    }

    private func start(_ body: @escaping @Sendable (Int) -> Void) -> Int {
        let batch = books.withLock { books in
            books.batches += 1
            return books.batches
        }
        Thread.detachNewThread { [self] in
            body(batch)
            books.withLock { _ = $0.over.insert(batch) }
        }
        return batch
    }

    func join(_ batch: Int) { _ = try? eventually(within: 120) { isOver(batch) } }

    private func run(_ batch: Int, _ count: Int) {
        guard let client = try? BulkClient(socket: socket) else { return }
        var open = 0
        for index in 0..<count {
            // Urgent ones, small ones, and some that fill several chunks.
            let size = index % 17 == 0 ? 200_000 : 500 + index * 37
            guard submit(client, batch, index, Self.recipients(index), size: size) else { break }
            open += 1
            // A few are always under way.
            if open > 8, !take(client, batch, &open) { return }
        }
        while open > 0, take(client, batch, &open) {}
    }

    private func submit(
        _ client: BulkClient, _ batch: Int, _ index: Int, _ recipients: [String], size: Int
    ) -> Bool {
        let document = "load \(batch).\(index)"
        books.withLock {
            $0.submitted[document] = recipients
            $0.sizes[document] = size
        }
        return client.submit(
            token: UInt64(index), from: "G22", to: recipients, document: document,
            urgency: Urgency(rawValue: UInt8(index % 5)) ?? .normal, payload: Self.payload(document, size))
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
