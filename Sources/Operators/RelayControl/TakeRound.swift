// TakeRound: which documents of which inboxes come next on one connection of the take socket. A value that goes round the agencies, some of
// each at a time, and within an agency from the oldest envelope on; each look is one short snapshot with a bounded number of rows. It shows
// nothing by itself: what it finds is claimed first, so that no other connection has it, and read in a later snapshot.

import RelayCore
import RelayModel
import RelayRows

/// One document for one agency: the unit of every promise.
public struct TakeClaim: Sendable, Hashable {
    public var agency: AgencyCode
    public var number: UInt64

    public init(agency: AgencyCode, number: UInt64) {
        self.agency = agency
        self.number = number
    }
}

public struct TakeRound: Sendable {
    public struct Look: Sendable {
        public var claims: [TakeClaim] = []
        /// Nothing is left, of what was there when the signal of this number had been given.
        public var cleanSince: UInt64?
    }

    /// In the order of their keys; nil: all that have documents here and that the caller may have.
    private let agencies: [AgencyCode]?
    /// Where the round stands: the next agency has this name or a greater one.
    private var position = ""
    /// Where the look into an agency's inbox goes on; not there: at its beginning.
    private var next: [AgencyCode: UInt64] = [:]
    private var visits = 0
    /// The signal that had been given when this round began.
    private var signal: UInt64?
    /// All rows of all inboxes were looked at in this round, and none was found.
    private var isBarren = true

    /// Rows and agencies of one look.
    static let rowsMax = 8_192
    static let agenciesMax = 256
    /// Of one agency before others have their turn.
    static let share = 64
    /// So often an inbox is looked at from its beginning, however much lies there: a large document has an early number, and arrives late.
    static let visitsFromBeginning = 16
    private static let placesMax = 4_096

    public init(agencies: [AgencyCode]?) {
        self.agencies = agencies.map { $0.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) } }
    }

    /// Looks for documents until `wanted` are claimed, or as far as one snapshot may go. `claim`: of these envelopes of an agency, in their
    /// order, the first so many that nobody has.
    public mutating func look(
        _ rows: some RowReader, wanted: Int, signal given: UInt64, may: (AgencyCode) -> Bool,
        claim: (AgencyCode, [UInt64], Int) -> [UInt64]
    ) -> Look {
        var look = Look()
        var rowsLeft = Self.rowsMax
        var agenciesLeft = Self.agenciesMax
        while look.claims.count < wanted, rowsLeft > 0, agenciesLeft > 0 {
            if signal == nil { (signal, isBarren) = (given, true) }
            guard let agency = nextAgency(rows) else {
                let began = signal
                signal = nil
                position = ""
                if isBarren { look.cleanSince = began }
                if isBarren || !look.claims.isEmpty { return look }
                continue
            }
            agenciesLeft -= 1
            // On to the next agency: no code has an octet as small as this.
            position = agency.name + "\u{1}"
            guard let code = agency.code, may(code) else { continue }
            let share = min(wanted - look.claims.count, Self.share)
            look.claims += visit(code, rows, share, &rowsLeft, claim)
        }
        return look
    }

    private func nextAgency(_ rows: some RowReader) -> (name: String, code: AgencyCode?)? {
        if let agencies {
            let found = agencies.first { !$0.text.utf8.lexicographicallyPrecedes(position.utf8) }
            return found.map { ($0.text, $0) }
        }
        var from = RowKey()
        from.append(unended: position)
        return from.withBytes { start in
            rows.row(.inbox, atOrAfter: start).map { found in
                let name = String(decoding: found.key.prefix { $0 != 0 }, as: UTF8.self)
                return (name, AgencyCode(name))
            }
        }
    }

    private mutating func visit(
        _ agency: AgencyCode, _ rows: some RowReader, _ share: Int, _ rowsLeft: inout Int,
        _ claim: (AgencyCode, [UInt64], Int) -> [UInt64]
    ) -> [TakeClaim] {
        visits += 1
        let from = visits % Self.visitsFromBeginning == 0 ? 0 : next[agency] ?? 0
        let prefix = Keys.inbox(agency.text)
        var found: [TakeClaim] = []
        var numbers: [UInt64] = []
        var isWhole = true
        var last: UInt64 = 0
        var left = rowsLeft
        func claimThese() {
            let claimed = claim(agency, numbers, share - found.count)
            found += claimed.map { TakeClaim(agency: agency, number: $0) }
            numbers.removeAll(keepingCapacity: true)
        }
        Keys.inbox(agency.text, number: from).withBytes { start in
            rows.scan(.inbox, from: start) { key, _ in
                guard prefix.isPrefix(of: key) else { return false }
                // Some at a time, before more is looked at: of a deep inbox not all rows need be.
                if numbers.count >= Self.share { claimThese() }
                guard left > 0, found.count < share else {
                    isWhole = false
                    return false
                }
                left -= 1
                last = key.number(at: key.count - 8)
                numbers.append(last)
                return true
            }
        }
        if !numbers.isEmpty { claimThese() }
        rowsLeft = left
        if isWhole {
            next[agency] = nil
        } else {
            if next.count >= Self.placesMax { next = [:] }
            next[agency] = found.count == share ? (found.last?.number ?? last) + 1 : last + 1
        }
        if !isWhole || from > 0 || !found.isEmpty { isBarren = false }
        return found
    }
}
