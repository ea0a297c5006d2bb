// PageLook: looks through the trees of the store and its list of free pages while everything goes on: after an opening that had no time
// for the whole file, with each verification, and as often as the schedule has those. One look at a time, on a thread of its pool. It
// decides nothing: damage stops the store at its next batch (LMDBStore.lookThrough).

import Logging
import NIOCore
import NIOPosix
import RelayModel
import RelayStore
import Synchronization

final class PageLook: Sendable {
    /// The service manager waits as long for a start after a crash; a snapshot keeps pages from being used again meanwhile.
    private static let longest: UInt64 = 45_000

    private let store: LMDBStore
    private let pool: NIOThreadPool
    private let logger: Logger
    /// Has the engine begin a batch: of an idle node there would be none.
    private let wake: @Sendable () -> Void
    private let isLooking = Atomic(false)

    init(store: LMDBStore, pool: NIOThreadPool, logger: Logger, wake: @escaping @Sendable () -> Void) {
        self.store = store
        self.pool = pool
        self.logger = logger
        self.wake = wake
    }

    /// Begins one now where the opening was cut short, and one whenever the schedule is due.
    func watch(on loop: any EventLoop, every span: Milliseconds) {
        if !store.isLookedThrough {
            logger.notice("the store was opened before all of it was looked at; that is done now")
            begin()
        }
        guard span != .zero else { return }
        let every = TimeAmount.milliseconds(Int64(clamping: span.count))
        loop.scheduleRepeatedTask(initialDelay: every, delay: every) { [weak self] _ in self?.begin() }
    }

    /// One that is under way goes on.
    func begin() {
        guard !isLooking.exchange(true, ordering: .acquiring) else { return }
        pool.submit { [self] state in
            defer { isLooking.store(false, ordering: .releasing) }
            guard case .active = state else { return }
            guard let found = store.lookThrough(milliseconds: Self.longest) else {
                return logger.warning("the pages of the store could not be looked at; the next verification does it")
            }
            if found.fault != nil { return wake() }
            let metadata: Logger.Metadata = ["pages": "\(found.pages)", "rows": "\(found.rows)"]
            if found.isCutShort {
                logger.warning("45 s did not suffice to look at all pages of the store", metadata: metadata)
            } else {
                logger.notice("the pages of the store are in order", metadata: metadata)
            }
        }
    }
}
