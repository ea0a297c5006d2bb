// RepeatedNotices: what anybody may cause by connecting, and what a hop says of one envelope after the other, is said once, and then with a
// count every ten minutes: a port check would fill the journal, and so would a row that is missing in a neighbour's tables. How many there
// are, the metrics say. The event loops; cannot fail.

import RelayCore
import RelayModel
import Synchronization

final class RepeatedNotices: Sendable {
    private struct Seen {
        var said: RelayTime
        var unsaid: UInt64 = 0
    }

    static let pause = Milliseconds.minutes(10)
    /// Hosts and reasons that are remembered; the least recently used goes first.
    static let seenMax = 256

    private let seen = Mutex(RecentlyUsed<String, Seen>(max: RepeatedNotices.seenMax))

    var seenCount: Int { seen.withLock { $0.count } }

    /// By what it is the same as an earlier one; nil for what is always said.
    private static func key(_ notice: Notice) -> String? {
        switch notice.kind {
        // Whoever connects again does so from another port.
        case .contactFailed: notice.text.lastIndex(of: ":").map { String(notice.text[..<$0]) } ?? notice.text
        case .refusedEverywhere: "refused by \(notice.peer?.name ?? "")"
        case .linkSilent: "silent \(notice.peer?.name ?? "")"
        default: nil
        }
    }

    /// The notice as it is to be written; nil when it was written lately.
    func thinned(_ notice: Notice, now: RelayTime) -> Notice? {
        guard let key = Self.key(notice) else { return notice }
        let unsaid = seen.withLock { seen -> UInt64? in
            let before = seen.take(key)
            if var known = before, now.since(known.said) < Self.pause {
                known.unsaid += 1
                seen.put(key, known)
                return nil
            }
            seen.put(key, Seen(said: now))
            return before?.unsaid ?? 0
        }
        guard let unsaid else { return nil }
        var notice = notice
        if unsaid > 0 { notice.text += ", and \(unsaid) more like it since it was last said" }
        return notice
    }
}
