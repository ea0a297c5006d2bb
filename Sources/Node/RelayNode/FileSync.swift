// FileSync: brings several files onto their disk at once. A file system writes one journal for all that wait for it, so a few threads that
// sync a file each are many times faster than one that syncs them in turn; and each file has an answer of its own, which a sync of the
// whole file system does not give. It owns no descriptor. A disk that hangs keeps the caller and the threads that help it.

import Glibc
import Monotonic
import NIOConcurrencyHelpers
import Synchronization

enum FileSync {
    /// The caller's own among them.
    static let threads = 4
    /// So few are synced by the caller alone.
    static let fewFiles = 4

    private final class Errand: Sendable {
        let descriptors: [Int32]
        let beat: @Sendable () -> Void
        private let next = Atomic(0)
        private let codes: NIOLockedValueBox<(list: [Int32], left: Int)>
        private let isDone = MonotonicLock(value: false)

        init(_ descriptors: [Int32], _ beat: @escaping @Sendable () -> Void) {
            self.descriptors = descriptors
            self.beat = beat
            codes = NIOLockedValueBox(([Int32](repeating: 0, count: descriptors.count), descriptors.count))
        }

        func work() {
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < descriptors.count else { return }
                let code = FileSync.sync(descriptors[index])
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

        func wait() -> [Int32] {
            isDone.lock(whenValue: true)
            isDone.unlock()
            return codes.withLockedValue { $0.list }
        }
    }

    /// Syncs all; 0 or the number of the error of each, in their order. `beat` is called behind each, on any thread.
    static func sync(_ descriptors: [Int32], beat: @escaping @Sendable () -> Void) -> [Int32] {
        guard descriptors.count > fewFiles else {
            return descriptors.map { descriptor in
                defer { beat() }
                return sync(descriptor)
            }
        }
        let errand = Errand(descriptors, beat)
        // Where no thread can be made the caller does all.
        for _ in 1..<threads where DetachedThread.start("spool-sync", { errand.work() }) != nil { break }
        errand.work()
        return errand.wait()
    }

    private static func sync(_ descriptor: Int32) -> Int32 {
        while fsync(descriptor) != 0 { if errno != EINTR { return errno } }
        return 0
    }
}
