// SpoolGroup: what is done together in one spool: the same step for many documents of one agency. All are written, the files brought
// onto the disk beside each other while the next are written, and their folder once for all; or all are renamed, and both folders
// synced once. What fails for one document is its own answer and keeps no other; what fails for the folder is the answer of all that
// were not refused before. Runs on the thread of its directory and keeps nothing.

import NIOConcurrencyHelpers
import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayStore

struct SpoolGroup {
    /// Files of one directory that are open at once.
    static let filesMax = 128

    let source: DocumentSource
    let pulse: SpoolWorkers.Pulse
    /// What this thread has in hand, for who asks after a crash; 0 for nothing.
    let hold: @Sendable (UInt64) -> Void

    /// All steps are of one kind and one directory. The answers in their order; none to `discard`.
    func run(_ steps: [HandOver]) -> [EngineInput] {
        guard let first = steps.first else { return [] }
        var failures = [HandOverFailure?](repeating: nil, count: steps.count)
        var identity: UInt64 = 0
        do throws(SpoolFailure) {
            let folder = try SpoolFolder(first.directory)
            identity = folder.identity
            pulse.beat()
            switch first.step {
            case .write: write(steps, folder, &failures)
            case .move: move(steps, folder, &failures)
            case .discard: discard(steps, folder)
            }
        } catch {
            for index in steps.indices { failures[index] = error.failure }
        }
        if case .discard = first.step { return [] }
        return zip(steps, failures).map { step, failure in
            guard let failure else { return .event(.handedOver(ticket: step.ticket, folder: identity)) }
            return .event(.handOverFailed(ticket: step.ticket, failure))
        }
    }

    /// For all that have not failed before.
    private func settle(_ failures: inout [HandOverFailure?], _ body: () throws(SpoolFailure) -> Void) {
        guard failures.contains(nil) else { return }
        do throws(SpoolFailure) {
            try body()
        } catch {
            for index in failures.indices where failures[index] == nil { failures[index] = error.failure }
        }
    }

    private func goOn() throws(SpoolFailure) {
        pulse.beat()
        if pulse.isStopping { throw .spool("this node is stopping") }
    }

    // MARK: - Writing

    /// One document's files that are not known to be on the disk.
    private struct Open {
        var index: Int
        var files: [SpoolFolder.Written]
    }

    private func write(_ steps: [HandOver], _ folder: borrowing SpoolFolder, _ failures: inout [HandOverFailure?]) {
        var open: [Open] = []
        // Those that are being synced.
        var landing: (documents: [Open], sync: FileSync)?
        var known: (spool: Spool, rights: SpoolFolder.Rights)?
        for (index, step) in steps.enumerated() {
            guard case .write(let payload, let length, let digest, let spool) = step.step else { continue }
            do throws(SpoolFailure) {
                try goOn()
                if known?.spool != spool {
                    known = (spool, try folder.rights(mode: spool.mode, group: spool.group))
                }
                guard let rights = known?.rights else { continue }
                try folder.requireRoom(length, reserve: spool.reserveBytes)
                hold(step.number)
                defer { hold(0) }
                var reader = DocumentReader(source: source, payload: payload)
                // First, so that a document that is there has it; a spool without sidecars has none left of before either.
                let sidecar = try SpoolSidecar.write(step, rights, to: folder)
                do throws(SpoolFailure) {
                    let document = try folder.write(step.file, length: length, digest: digest, rights: rights) {
                        (buffer) throws(SpoolFailure) in
                        try goOn()
                        try reader.next(&buffer)
                    }
                    open.append(Open(index: index, files: [sidecar, document].compactMap(\.self)))
                } catch {
                    if let sidecar { folder.drop(sidecar) }
                    throw error
                }
            } catch {
                failures[index] = error.failure
            }
            if 2 * open.count >= Self.filesMax / 2 { takeTurns(&open, &landing, folder, &failures) }
        }
        takeTurns(&open, &landing, folder, &failures)
        takeTurns(&open, &landing, folder, &failures)
        settle(&failures) { () throws(SpoolFailure) in try folder.settleWritten() }
    }

    /// Waits for those that are being synced, and begins with the next.
    private func takeTurns(
        _ open: inout [Open], _ landing: inout (documents: [Open], sync: FileSync)?,
        _ folder: borrowing SpoolFolder, _ failures: inout [HandOverFailure?]
    ) {
        let before = landing
        // So that the disk has something to do meanwhile.
        landing = open.isEmpty ? nil : (open, FileSync(open.flatMap { $0.files.map(\.descriptor) }, beat: pulse.beat))
        open = []
        guard let before else { return }
        var codes = before.sync.wait()[...]
        for document in before.documents {
            for file in document.files {
                do throws(SpoolFailure) {
                    try folder.landed(file, codes.removeFirst())
                } catch {
                    failures[document.index] = error.failure
                }
            }
        }
    }

    // MARK: - Renaming

    private func move(_ steps: [HandOver], _ folder: borrowing SpoolFolder, _ failures: inout [HandOverFailure?]) {
        for (index, step) in steps.enumerated() {
            guard case .move(let identity, let document) = step.step else { continue }
            do throws(SpoolFailure) {
                try goOn()
                try folder.moveSidecar(SpoolSidecar.name(step.file))
                try folder.move(step.file, writtenIn: identity, document: document, beat: goOn)
            } catch {
                failures[index] = error.failure
            }
        }
        settle(&failures) { () throws(SpoolFailure) in try folder.settleMoved() }
    }

    /// What stays lies in `tmp` until it is written over, and nobody reads it.
    private func discard(_ steps: [HandOver], _ folder: borrowing SpoolFolder) {
        for step in steps {
            for file in [SpoolSidecar.name(step.file), step.file] {
                do throws(SpoolFailure) { try folder.remove(file) } catch { continue }
            }
            pulse.beat()
        }
    }
}

/// The store, for one thread at a time: however many spools there are, others find readers free.
final class DocumentSource: Sendable {
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
    /// Octets that are in memory for one directory.
    private static let portion: UInt64 = 1 << 20

    init(source: DocumentSource, payload: [ExtentRange]) {
        self.source = source
        self.payload = payload[...]
    }

    mutating func next(_ buffer: inout ByteBuffer) throws(SpoolFailure) {
        while let range = payload.first, range.length == 0 { payload.removeFirst() }
        guard let range = payload.first else { return }
        let length = min(range.length, Self.portion)
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
