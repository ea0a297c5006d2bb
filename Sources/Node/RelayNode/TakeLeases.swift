// TakeLeases: which documents are shown on which connection of the take socket, so that two consumers of one agency do not get the same one.
// In memory only: a lease ends with its connection, or with the commit of its acknowledgement, and with the process. It guards nothing that
// the store does not: who acknowledges twice, or by two ways, is told what was not there any more.
//
// A document that was leased and is not is only shown after a snapshot that begins behind its new lease: a lease that ended with a commit
// has that commit behind it. Any thread; each call is short.

import RelayControl
import RelayModel
import Synchronization

final class TakeLeases: Sendable {
    private struct Books {
        var leased: [AgencyCode: Set<UInt64>] = [:]
        /// Shown on a connection that ended, and not acknowledged.
        var shown: Set<TakeClaim> = []
        /// What has waited longer may have been shown: to clients of the process before this one, or more than can be remembered.
        var shownBefore: RelayTime
    }
    private let books: Mutex<Books>

    /// More are not remembered one by one.
    static let shownMax = 65_536

    /// `start`: what arrived before this may have been shown by the process before.
    init(start: RelayTime) { books = Mutex(Books(shownBefore: start)) }

    /// Gives a connection the first so many of these documents that nobody has and that are not to be passed over.
    func claim(_ agency: AgencyCode, _ numbers: [UInt64], _ wanted: Int, except: Set<TakeClaim>) -> [UInt64] {
        guard wanted > 0 else { return [] }
        return books.withLock { books in
            var taken: [UInt64] = []
            // Taken out while it changes: so it is changed in place.
            var leased = books.leased.removeValue(forKey: agency) ?? []
            for number in numbers {
                if taken.count == wanted { break }
                let isPassedOver = !except.isEmpty && except.contains(TakeClaim(agency: agency, number: number))
                if !isPassedOver, leased.insert(number).inserted { taken.append(number) }
            }
            if !leased.isEmpty { books.leased[agency] = leased }
            return taken
        }
    }

    /// They wait for somebody else. `wereShown`: by the connection that had them.
    func release(_ claims: [TakeClaim], wereShown: Bool, now: RelayTime) {
        guard !claims.isEmpty else { return }
        books.withLock { books in
            for claim in claims { Self.end(claim, &books) }
            guard wereShown else { return }
            if books.shown.count + claims.count > Self.shownMax {
                books.shown = []
                books.shownBefore = now
            } else {
                books.shown.formUnion(claims)
            }
        }
    }

    /// They have left the inbox, and that is durable.
    func forget(_ claims: [TakeClaim]) {
        books.withLock { books in
            for claim in claims {
                Self.end(claim, &books)
                if !books.shown.isEmpty { books.shown.remove(claim) }
            }
        }
    }

    private static func end(_ claim: TakeClaim, _ books: inout Books) {
        books.leased[claim.agency]?.remove(claim.number)
        if books.leased[claim.agency]?.isEmpty == true { books.leased[claim.agency] = nil }
    }

    func mayHaveBeenShown(_ claim: TakeClaim, arrived: RelayTime) -> Bool {
        books.withLock { $0.shownBefore >= arrived || !$0.shown.isEmpty && $0.shown.contains(claim) }
    }

    var count: Int { books.withLock { $0.leased.values.reduce(0) { $0 + $1.count } } }
}
