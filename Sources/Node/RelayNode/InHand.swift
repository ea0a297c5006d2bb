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

    /// How the process before this one ended by a fatal signal.
    struct Crash {
        var signal: Int32
        /// The signal came from outside, and names no thread.
        var isSent: Bool
        /// What it said when it trapped.
        var sentence: String?
        /// What the thread that crashed had in hand; of all threads when the signal was sent.
        var envelopes: [UInt64] = []

        /// A page of the store that the disk does not give: no envelope is to blame, but what stood there cannot be read.
        var isLostPage: Bool { signal == SIGBUS && !isSent }
    }

    /// Nil when it ended otherwise. The page is clean afterwards.
    func takeCrash() -> Crash? {
        let sentence = takeSentence()
        let held = withUnsafeBytes(of: &page.pointee.envelopes) { Array($0.bindMemory(to: UInt64.self)) }
        var crash: Crash?
        if page.pointee.crash_signal != 0 {
            var found = Crash(
                signal: Int32(truncatingIfNeeded: page.pointee.crash_signal), isSent: page.pointee.is_sent != 0,
                sentence: sentence)
            for number in found.isSent ? held : [page.pointee.crash_envelope]
            where number != 0 && !found.envelopes.contains(number) { found.envelopes.append(number) }
            crash = found
        }
        var clean = clinux_hand()
        clean.magic = page.pointee.magic
        page.pointee = clean
        return crash
    }

    private func takeSentence() -> String? {
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
