// HangingCopyTests: the disk of a copy may never answer: the snapshot that the copy reads is let go when it is given up, all the same.

import Foundation
import NIOConcurrencyHelpers
import RelayRows
import Testing

@testable import RelayStore

@Suite struct HangingCopyTests {
    private let scratch = CopyScratch()

    /// Takes nothing until the gate is open.
    private final class DeadDisk: CopySink, Sendable {
        let partial = "dead"
        let written: UInt64 = 0
        private let gate = ConditionLock(value: false)
        private let asked = NIOLockedValueBox(false)

        var isAsked: Bool { asked.withLockedValue { $0 } }
        func open() {
            gate.lock()
            gate.unlock(withValue: true)
        }
        func write(_ bytes: UnsafeRawBufferPointer) -> StoreFailure? {
            asked.withLockedValue { $0 = true }
            gate.lock(whenValue: true)
            gate.unlock()
            return nil
        }
        func flush() -> StoreFailure? { nil }
    }

    private static func eventually(_ condition: () -> Bool) -> Bool {
        for _ in 0..<60_000 where !condition() { usleep(1_000) }
        return condition()
    }

    @Test(arguments: [true, false]) func theSnapshotIsLetGo(isCompacting: Bool) throws {
        let store = try LMDBStore(directory: scratch.path + "/store", settings: .small())
        _ = store.batch { rows in
            // More than the stream holds.
            withBytes("payload") { key in
                rows.put(.corrupt, key, count: 12 << 20) { $0.initializeMemory(as: UInt8.self, repeating: 1) }
            }
        }
        let disk = DeadDisk()
        let isGivenUp = NIOLockedValueBox(false)
        let outcome = NIOLockedValueBox<String?>(nil)
        Thread.detachNewThread {
            let stream = CopyStream(store.environment, store.readers, isCompacting: isCompacting)
            let failure = stream.pump(into: disk, bytesPerSecond: nil) { _ in
                isGivenUp.withLockedValue { $0 } ? "it was cancelled" : nil
            }
            outcome.withLockedValue { $0 = failure?.sentence ?? "done" }
        }
        defer { disk.open() }
        #expect(Self.eventually { disk.isAsked })
        #expect(store.readers.oldestSnapshot != nil)
        isGivenUp.withLockedValue { $0 = true }
        #expect(Self.eventually { store.readers.oldestSnapshot == nil })
        #expect(outcome.withLockedValue { $0 } == nil, "the disk has not answered yet")
        disk.open()
        #expect(Self.eventually { outcome.withLockedValue { $0 } != nil })
        #expect(outcome.withLockedValue { $0 } == "The copy was given up: it was cancelled.")
    }
}
