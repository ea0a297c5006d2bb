// FileSync: brings several files onto their disk at once, while its owner is at something else. A file system writes one journal for all that
// wait for it, and a disk is flushed once for all that ask, so some threads that sync a file each are many times faster than one that
// syncs them in turn; and each file has an answer of its own, which a sync of the whole file system does not give. It owns no
// descriptor. A disk that hangs keeps whoever waits, and the threads.

import Glibc
import Monotonic
import NIOConcurrencyHelpers
import Synchronization

final class FileSync: Sendable {
    /// The waiting owner's own among them.
    static let threads = 8
    /// So few are synced by the owner alone, when it waits.
    static let fewFiles = 4

    private let descriptors: [Int32]
    private let beat: @Sendable () -> Void
    private let next = Atomic(0)
    private let codes: NIOLockedValueBox<(list: [Int32], left: Int)>
    private let isDone: MonotonicLock<Bool>

    /// Begins to sync all. Nobody closes them before `wait` has returned. `beat` is called behind each, on any thread.
    init(_ descriptors: [Int32], beat: @escaping @Sendable () -> Void) {
        self.descriptors = descriptors
        self.beat = beat
        codes = NIOLockedValueBox(([Int32](repeating: 0, count: descriptors.count), descriptors.count))
        isDone = MonotonicLock(value: descriptors.isEmpty)
        guard descriptors.count > Self.fewFiles else { return }
        // Where no thread can be made the owner does all.
        for _ in 1..<Self.threads where DetachedThread.start("spool-sync", { [self] in work() }) != nil { break }
    }

    /// 0 or the number of the error of each, in their order.
    func wait() -> [Int32] {
        work()
        isDone.lock(whenValue: true)
        isDone.unlock()
        return codes.withLockedValue { $0.list }
    }

    private func work() {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < descriptors.count else { return }
            let code = Self.sync(descriptors[index])
            beat()
            let isLast = codes.withLockedValue { codes in
                codes.list[index] = code
                codes.left -= 1
                return codes.left == 0
            }
            guard isLast else { continue }
            isDone.lock()
            isDone.unlock(withValue: true)
        }
    }

    private static func sync(_ descriptor: Int32) -> Int32 {
        while fsync(descriptor) != 0 { if errno != EINTR { return errno } }
        return 0
    }
}
