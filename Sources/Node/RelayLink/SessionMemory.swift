// SessionMemory: how many octets sessions hold that nobody else has taken: unfinished headers and records from the peer, and what waits for
// a socket that does not take it. Each owner, a peer or an address that has not proven to be one, may hold a quarter of the whole.
// When the whole is used up, who holds most has to let go; others are not touched. Any thread; cannot fail.

import Synchronization

final class SessionMemory: Sendable {
    private struct Books {
        var max: Int
        var total = 0
        var held: [String: Int] = [:]
    }
    private let books: Mutex<Books>

    /// The part of the whole that one owner may hold.
    static let ownersPart = 4

    init(max: Int) { books = Mutex(Books(max: max)) }

    func setMax(_ max: Int) { books.withLock { $0.max = max } }

    /// What is held, what may be, and the most that one owner holds.
    var picture: (held: Int, max: Int, mostOfOne: Int) {
        books.withLock { ($0.total, $0.max, $0.held.values.max() ?? 0) }
    }

    /// An owner holds so much more than before, or less. False: it has to let go.
    func change(_ owner: String, by bytes: Int) -> Bool {
        books.withLock { books in
            let own = Swift.max(books.held[owner, default: 0] + bytes, 0)
            books.held[owner] = own > 0 ? own : nil
            books.total = Swift.max(books.total + bytes, 0)
            guard bytes > 0 else { return true }
            if own > books.max / Self.ownersPart { return false }
            return books.total <= books.max || own < books.held.values.max() ?? 0
        }
    }

    /// The same octets have another owner from now on: an address has proven to be a peer.
    func move(_ bytes: Int, from old: String, to new: String) {
        _ = change(old, by: -bytes)
        _ = change(new, by: bytes)
    }
}
