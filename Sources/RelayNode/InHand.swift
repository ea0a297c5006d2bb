// InHand: which envelopes the process has in hand at this moment, in a page that survives a crash. An envelope that was in hand at
// two crashes running becomes *held (suspect)* instead of crashing the daemon for ever. Only crashes count (a trap, a fault, an
// abort): a SIGKILL or a power cut says nothing about what was in hand.
//
// `hold` is called on the engine thread; reading what a crash has left happens once, at start. A page that cannot be made is an
// error of the environment: the daemon runs without it and says so.

import CLinux
import Glibc
import RelayModel

/// The page. `@unchecked`: each slot is written by one thread, with atomic stores.
final class InHand: @unchecked Sendable {
    private let page: UnsafeMutablePointer<clinux_hand>

    /// Slot of the engine thread.
    static let engineSlot: UInt32 = 0

    /// Nil when the page cannot be mapped.
    init?(directory: String) {
        guard let page = clinux_hand_open(directory + "/in-hand") else { return nil }
        self.page = page
    }

    /// The envelopes that were in hand when the process before this one crashed; the page is clean afterwards.
    func takeSuspects() -> [UInt64] {
        let crashed = page.pointee.crash_signal != 0
        var suspects: [UInt64] = []
        for slot in 0..<UInt32(CLINUX_HAND_SLOTS) {
            let number = withUnsafeBytes(of: &page.pointee.envelopes) {
                $0.load(fromByteOffset: Int(slot) * 8, as: UInt64.self)
            }
            if crashed, number != 0 { suspects.append(number) }
            clinux_hand_set(page, slot, 0)
        }
        page.pointee.crash_signal = 0
        return suspects
    }

    /// From now on a crash is noted.
    func watch() { clinux_hand_watch(page) }

    /// Zero puts it down.
    func hold(_ number: UInt64) { clinux_hand_set(page, Self.engineSlot, number) }
}
