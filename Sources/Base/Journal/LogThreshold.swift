// LogThreshold: the level from which on log entries are written, shared by all loggers of the process and changed at run time. A loan of
// another level goes back by itself. Any thread; cannot fail.

import Logging
import Synchronization
import Trap

public final class LogThreshold: Sendable {
    private let index: Atomic<UInt8>
    private let loan = Mutex(Loan())

    private struct Loan {
        var standard: Logger.Level
        /// Counts the changes: a loan that another change has replaced must not end it.
        var order: UInt64 = 0

        init(_ standard: Logger.Level = .notice) { self.standard = standard }
    }

    public init(_ level: Logger.Level) {
        index = Atomic(Self.number(level))
        loan.withLock { $0 = Loan(level) }
    }

    public var level: Logger.Level { Self.levels[Int(index.load(ordering: .relaxed))] }

    /// What the configuration says.
    public var standard: Logger.Level { loan.withLock { $0.standard } }

    /// Sets a level; answers its order, by which `giveBack` knows whether it is still the last one. `forGood`: loans go back to this
    /// one from now on.
    public func set(_ level: Logger.Level, forGood: Bool) -> UInt64 {
        loan.withLock { loan in
            if forGood { loan.standard = level }
            loan.order += 1
            index.store(Self.number(level), ordering: .relaxed)
            return loan.order
        }
    }

    /// Ends a loan; false when somebody has changed the level since.
    @discardableResult
    public func giveBack(_ order: UInt64) -> Bool {
        loan.withLock { loan in
            guard loan.order == order else { return false }
            loan.order += 1
            index.store(Self.number(loan.standard), ordering: .relaxed)
            return true
        }
    }

    private static let levels = Logger.Level.allCases

    private static func number(_ level: Logger.Level) -> UInt8 {
        guard let index = levels.firstIndex(of: level) else { trap("a level that is none") }
        return UInt8(index)
    }
}
