// InHand: which envelopes the process has in hand at this moment, in a page that survives a crash. An envelope that was in hand at
// two crashes running becomes *held (suspect)* instead of crashing the daemon for ever. Only crashes count (a trap, a fault, an
// abort): a SIGKILL or a power cut says nothing about what was in hand.
//
// `hold` is called on the engine thread, the links' loops and wherever else payload is worked on; each thread has its slot. Reading
// what a crash has left happens once, at start. A page that cannot be made is an error of the environment: the daemon runs without
// it and says so.

import CLinux
import Glibc
import RelayModel

/// The page. `@unchecked`: each slot is written by one thread, with atomic stores.
final class InHand: @unchecked Sendable {
    private let page: UnsafeMutablePointer<clinux_hand>

    /// Nil when the page cannot be mapped.
    init?(directory: String) {
        guard let page = clinux_hand_open(directory + "/in-hand") else { return nil }
        self.page = page
    }

    /// Did the process before this one end by a fatal signal? Before the page is made one's own.
    static func hasCrash(directory: String) -> Bool {
        let file = open(directory + "/in-hand", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var hand = clinux_hand()
        return read(file, &hand, MemoryLayout<clinux_hand>.size) == MemoryLayout<clinux_hand>.size
            && hand.crash_signal != 0
    }

    /// What the thread that crashed had in hand when the process before this one ended; of all threads when the signal came from
    /// outside and names none. The page is clean afterwards.
    func takeSuspects() -> [UInt64] {
        let held = withUnsafeBytes(of: &page.pointee.envelopes) { Array($0.bindMemory(to: UInt64.self)) }
        var suspects: [UInt64] = []
        // A bus error is a page of the store that the disk does not give: no envelope is to blame.
        if page.pointee.crash_signal != 0, page.pointee.crash_signal != UInt64(SIGBUS) || page.pointee.is_sent != 0 {
            let candidates = page.pointee.is_sent != 0 ? held : [page.pointee.crash_envelope]
            for number in candidates where number != 0 && !suspects.contains(number) { suspects.append(number) }
        }
        var clean = clinux_hand()
        clean.magic = page.pointee.magic
        page.pointee = clean
        return suspects
    }

    /// What the process before this one said when it trapped; nil when it ended otherwise. Ask before `takeSuspects`.
    func takeSentence() -> String? {
        var text = [UInt8](repeating: 0, count: Int(CLINUX_HAND_SENTENCE))
        let count = text.withUnsafeMutableBytes { raw in
            clinux_hand_take_sentence(page, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
        }
        return count == 0 ? nil : String(decoding: text[..<count], as: UTF8.self)
    }

    /// From now on a crash is noted.
    func watch() { clinux_hand_watch(page) }

    /// Takes an envelope in hand on this thread; zero puts it down.
    func hold(_ number: UInt64) { clinux_hand_take(page, number) }
}
