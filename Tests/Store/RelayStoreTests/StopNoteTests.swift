// How often a program may end by itself on one store before the next opening is refused.

import Glibc
import Testing

@testable import RelayStore

@Suite struct StopNoteTests {
    private let scratch = StoreScratch()

    private func isRefused() -> Bool {
        do throws(StoreFailure) {
            _ = try StopNote.judge(scratch.path, usual: 700)
            return false
        } catch {
            #expect(error.kind == .damaged && error.sentence.contains("edocctl salvage"))
            return true
        }
    }

    /// How many faults in a row an opening bears.
    private func trials(_ signal: Int32, envelopes: [UInt64?]) -> Int {
        StopNote.remove(scratch.path)
        for (count, envelope) in envelopes.enumerated() {
            if isRefused() { return count }
            LMDBStore.noteFault(scratch.path, signal: signal, said: nil, envelope: envelope)
        }
        return isRefused() ? envelopes.count : .max
    }

    @Test func faultsAreCounted() throws {
        #expect(trials(SIGBUS, envelopes: Array(repeating: nil, count: 9)) == 2)
        #expect(trials(SIGSEGV, envelopes: Array(repeating: nil, count: 9)) == 2)
        #expect(trials(SIGILL, envelopes: Array(repeating: nil, count: 9)) == 5)
        // The same one again is no progress; another one each time is.
        #expect(trials(SIGBUS, envelopes: Array(repeating: 7, count: 9)) == 2)
        #expect(trials(SIGBUS, envelopes: (1...9).map { $0 }) == .max)
    }

    /// A note as the version before wrote it.
    @Test func anOldNoteIsRead() throws {
        let file = open(scratch.path + "/" + StopNote.name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let text = "2 MDB_CORRUPTED: a page was not what it should be."
        #expect(write(file, text, text.utf8.count) == text.utf8.count)
        close(file)
        #expect(StopNote.read(scratch.path) == .init(count: 2, limit: 2, why: String(text.dropFirst(2))))
        #expect(isRefused())
    }
}
