// SpoolWriter: does the steps of hand-overs on threads of its own, so that a slow or dead disk of an agency holds up nobody else for long,
// and the engine never. It decides nothing: each step is one that the core has ordered after its commit, and its answer goes back as an
// event.
//
// Steps of one file run one after another, in the order in which they were ordered. After the engine has started over, steps that
// were ordered before and not begun are dropped: a late one must not touch a file that a new one has written.

import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RelayCore
import RelayEngine
import RelayModel
import RelayStore
import Synchronization

final class SpoolWriter: Sendable {
    /// Octets that are in memory for one file.
    private static let portion: UInt64 = 1 << 20

    private struct Work {
        /// Files at work, and what is to be done with each afterwards.
        var files: [String: [HandOver]] = [:]
    }

    private let store: LMDBStore
    private let pool: NIOThreadPool
    private let report: @Sendable (EngineInput) -> Void
    private let work = NIOLockedValueBox(Work())
    private let isStopping = Atomic(false)

    init(store: LMDBStore, pool: NIOThreadPool, report: @escaping @Sendable (EngineInput) -> Void) {
        self.store = store
        self.pool = pool
        self.report = report
    }

    /// On the engine's thread; does not wait.
    func perform(_ step: HandOver) {
        let isFirst = work.withLockedValue { work in
            if work.files[step.path] != nil {
                work.files[step.path]?.append(step)
                return false
            }
            work.files[step.path] = []
            return true
        }
        if isFirst { begin(step) }
    }

    /// What was ordered and not begun is void.
    func reset() {
        work.withLockedValue { work in
            for path in work.files.keys { work.files[path] = [] }
        }
    }

    /// A large document on a slow disk does not hold up the end of the process; it is written anew after the next start.
    func stop() {
        isStopping.store(true, ordering: .relaxed)
        reset()
    }

    private func begin(_ step: HandOver) {
        pool.submit { [self] state in
            if case .active = state { run(step) }
            let next = work.withLockedValue { work -> HandOver? in
                guard var waiting = work.files[step.path], !waiting.isEmpty else {
                    work.files[step.path] = nil
                    return nil
                }
                let next = waiting.removeFirst()
                work.files[step.path] = waiting
                return next
            }
            if let next { begin(next) }
        }
    }

    private func run(_ step: HandOver) {
        do throws(SpoolFailure) {
            let folder = try SpoolFolder(step.directory)
            switch step.step {
            case .write(let payload, let length, let digest, let spool):
                try folder.requireRoom(length, reserve: spool.reserveBytes)
                var reader = DocumentReader(store: store, payload: payload, portion: Self.portion)
                try folder.write(step.file, length: length, digest: digest, mode: spool.mode, group: spool.group) {
                    (buffer) throws(SpoolFailure) in
                    if isStopping.load(ordering: .relaxed) { throw .spool("this node is stopping") }
                    try reader.next(&buffer)
                }
            case .move(let identity): try folder.move(step.file, writtenIn: identity)
            case .discard: return try folder.remove(step.file)
            }
            report(.event(.handedOver(ticket: step.ticket, folder: folder.identity)))
        } catch {
            if case .discard = step.step { return }
            report(.event(.handOverFailed(ticket: step.ticket, error.failure)))
        }
    }
}

extension HandOver {
    /// What steps of one file have in common.
    fileprivate var path: String { directory + "/" + file }
}

/// The payload of one document, portion by portion, each in a short read transaction.
private struct DocumentReader {
    let store: LMDBStore
    var payload: ArraySlice<ExtentRange>
    let portion: UInt64

    init(store: LMDBStore, payload: [ExtentRange], portion: UInt64) {
        self.store = store
        self.payload = payload[...]
        self.portion = portion
    }

    mutating func next(_ buffer: inout ByteBuffer) throws(SpoolFailure) {
        while let range = payload.first, range.length == 0 { payload.removeFirst() }
        guard let range = payload.first else { return }
        let length = min(range.length, portion)
        var read = ByteBuffer()
        let outcome: PayloadReader.Outcome
        do throws(StoreFailure) {
            outcome = try store.read { rows in
                PayloadReader.copy(range.offset..<range.offset + length, of: range.extent, from: rows, into: &read)
            }
        } catch {
            // That the store cannot be read at this moment says nothing of the document.
            throw .spool("the store cannot be read: \(error.sentence)")
        }
        guard outcome == .complete else { throw .document("its payload cannot be read back from the store") }
        buffer = read
        payload[payload.startIndex].offset += length
        payload[payload.startIndex].length -= length
    }
}
