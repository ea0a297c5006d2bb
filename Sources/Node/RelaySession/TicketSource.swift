// TicketSource: numbers that name offers and sessions within the life of the process. One for all links; any thread may take
// from it. Cannot fail.

import RelayCore
import Synchronization

/// Gives out tickets, each once. On one thread their order is the order of the calls.
public final class TicketSource: Sendable {
    private let last: Atomic<UInt64>

    /// The first ticket is one above `last`.
    public init(after last: UInt64 = 0) {
        self.last = Atomic(last)
    }

    public func take() -> Ticket {
        Ticket(last.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}
