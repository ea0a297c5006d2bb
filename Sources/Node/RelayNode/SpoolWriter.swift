// SpoolWriter: does the steps of hand-overs, each on the thread of its directory (SpoolWorkers), so that a slow or dead disk of an agency
// holds up nobody else, and the engine never. It decides nothing: each step is one that the core has ordered after its commit, and its
// answer goes back as an event.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RelayCore
import RelayEngine
import RelayModel
import RelayStore

final class SpoolWriter: Sendable {
    /// Octets that are in memory for one directory.
    private static let portion: UInt64 = 1 << 20
    /// How often somebody looks whether all threads show signs of life.
    private static let lookEvery = TimeAmount.milliseconds(500)

    private let workers: SpoolWorkers

    init(store: LMDBStore, inHand: InHand?, report: @escaping @Sendable ([EngineInput]) -> Void) {
        let source = DocumentSource(store: store)
        workers = SpoolWorkers(report: report) { step, pulse in
            inHand?.hold(step.number)
            defer { inHand?.hold(0) }
            return Self.run(step, source, pulse)
        }
    }

    /// On the engine's thread; does not wait.
    func perform(_ step: HandOver) { workers.perform(step) }

    /// What was ordered and not begun is void.
    func reset() { workers.reset() }

    /// A large document on a slow disk does not hold up the end of the process; it is written anew after the next start.
    func stop() { workers.stop() }

    /// False when a thread is still waiting for its disk after that time.
    func ended(within patience: TimeAmount) async -> Bool {
        // A thread may end after the node's own loops.
        await workers.ended(within: patience, on: MultiThreadedEventLoopGroup.singleton.any())
    }

    /// Looks, for as long as the loop runs, whether all threads show signs of life.
    func watch(on loop: any EventLoop) {
        loop.scheduleRepeatedTask(initialDelay: Self.lookEvery, delay: Self.lookEvery) { [workers] _ in workers.look() }
    }

    private static func run(_ step: HandOver, _ source: DocumentSource, _ pulse: SpoolWorkers.Pulse) -> EngineInput? {
        do throws(SpoolFailure) {
            let folder = try SpoolFolder(step.directory)
            pulse.beat()
            switch step.step {
            case .write(let payload, let length, let digest, let spool):
                try folder.requireRoom(length, reserve: spool.reserveBytes)
                // First, so that a document that is there has it; a spool without sidecars has none left of before either.
                try SpoolSidecar.write(step, spool, to: folder)
                var reader = DocumentReader(source: source, payload: payload, portion: portion)
                try folder.write(step.file, length: length, digest: digest, mode: spool.mode, group: spool.group) {
                    (buffer) throws(SpoolFailure) in
                    pulse.beat()
                    if pulse.isStopping { throw .spool("this node is stopping") }
                    try reader.next(&buffer)
                }
            case .move(let identity, let document):
                try folder.moveSidecar(SpoolSidecar.name(step.file))
                try folder.move(step.file, writtenIn: identity, document: document) { () throws(SpoolFailure) in
                    pulse.beat()
                    if pulse.isStopping { throw .spool("this node is stopping") }
                }
            case .discard:
                try folder.remove(SpoolSidecar.name(step.file))
                try folder.remove(step.file)
                return nil
            }
            return .event(.handedOver(ticket: step.ticket, folder: folder.identity))
        } catch {
            if case .discard = step.step { return nil }
            return .event(.handOverFailed(ticket: step.ticket, error.failure))
        }
    }
}

/// The store, for one thread at a time: however many spools there are, others find readers free.
private final class DocumentSource: Sendable {
    private let store: LMDBStore
    private let turn = NIOLock()

    init(store: LMDBStore) { self.store = store }

    func copy(
        _ range: Range<UInt64>, of extent: UInt64, into buffer: inout ByteBuffer
    ) throws(StoreFailure) -> PayloadReader.Outcome {
        turn.lock()
        defer { turn.unlock() }
        return try store.read { rows in PayloadReader.copy(range, of: extent, from: rows, into: &buffer) }
    }
}

/// The payload of one document, portion by portion, each in a short read transaction.
private struct DocumentReader {
    let source: DocumentSource
    var payload: ArraySlice<ExtentRange>
    let portion: UInt64

    init(source: DocumentSource, payload: [ExtentRange], portion: UInt64) {
        self.source = source
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
            outcome = try source.copy(range.offset..<range.offset + length, of: range.extent, into: &read)
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
