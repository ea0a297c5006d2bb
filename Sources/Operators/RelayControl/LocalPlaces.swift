// LocalPlaces: who of this machine holds how many connections of one of its sockets. Each user has a share, and root has places of its own, so
// that an operator gets in whoever else is there. Any thread; cannot fail.

import Synchronization

public final class LocalPlaces: Sendable {
    /// Connections at the same time, root's own included.
    public static let connectionsMax = 256
    /// Of them, those that only root has.
    public static let rootsMax = 16

    private struct Books {
        var total: Int
        var perUser: Int
        var users: [UInt32: Int] = [:]
        var count = 0
    }
    private let books: Mutex<Books>

    /// `total`: fewer where the process has not as many descriptors.
    public init(total: Int = LocalPlaces.connectionsMax, perUser: Int = 64) {
        books = Mutex(Books(total: total, perUser: perUser))
    }

    public func setPerUser(_ perUser: Int) { books.withLock { $0.perUser = perUser } }

    /// Enters a connection of a user; false when it has no place.
    public func enter(_ user: UInt32) -> Bool {
        books.withLock { books in
            let own = books.users[user] ?? 0
            let roots = min(Self.rootsMax, books.total / 4)
            let isTooMuch = user == 0 ? books.count >= books.total : own >= books.perUser
            guard !isTooMuch, user == 0 || books.count - (books.users[0] ?? 0) < books.total - roots,
                books.count < books.total
            else { return false }
            books.users[user] = own + 1
            books.count += 1
            return true
        }
    }

    public func leave(_ user: UInt32) {
        books.withLock { books in
            guard let own = books.users[user] else { return }
            books.users[user] = own > 1 ? own - 1 : nil
            books.count -= 1
        }
    }

    /// Connections, how many there may be, the most of one user, and how many one may have.
    public var picture: (count: Int, total: Int, mostOfOne: Int, perUser: Int) {
        books.withLock {
            ($0.count, $0.total, $0.users.filter { $0.key != 0 }.values.max() ?? 0, $0.perUser)
        }
    }
}
