// TakeWindow: the documents that one connection of the take socket was shown, by their sequence numbers, from the oldest that has not ended
// on. A value; cannot fail, but answers what a client may not say.

import NIOCore
import RelayControl

struct TakeWindow {
    /// From the oldest that has not ended to the newest.
    static let span = 4_096

    private enum Stand {
        case shown
        /// Its acknowledgement is on its way to the disk.
        case acknowledged
        case ended
    }
    private struct Place {
        var claim: TakeClaim
        var stand: Stand
    }

    private var places = CircularBuffer<Place>()
    private var first: UInt64 = 1
    /// All up to here have been acknowledged or given back.
    private var through: UInt64 = 0
    /// Shown, and neither acknowledged nor given back.
    private(set) var open = 0

    /// How many more may be shown.
    var room: Int { Self.span - places.count }
    /// The sequence number of the last one.
    var last: UInt64 { first + UInt64(places.count) - 1 }
    /// Neither acknowledged nor given back.
    var openClaims: [TakeClaim] { places.compactMap { $0.stand == .shown ? $0.claim : nil } }

    mutating func show(_ claims: [TakeClaim]) {
        for claim in claims { places.append(Place(claim: claim, stand: .shown)) }
        open += claims.count
    }

    /// All that are open up to this one become acknowledged.
    mutating func acknowledge(through sequence: UInt64) -> [(sequence: UInt64, claim: TakeClaim)] {
        guard sequence > through else { return [] }
        var found: [(sequence: UInt64, claim: TakeClaim)] = []
        var next = max(through + 1, first)
        while next <= min(sequence, last) {
            if let claim = leave(next, .acknowledged) { found.append((next, claim)) }
            next += 1
        }
        through = min(sequence, last)
        return found
    }

    mutating func acknowledge(_ sequence: UInt64) -> TakeClaim? { leave(sequence, .acknowledged) }

    mutating func giveBack(_ sequence: UInt64) -> TakeClaim? {
        let claim = leave(sequence, .ended)
        trim()
        return claim
    }

    private mutating func leave(_ sequence: UInt64, _ stand: Stand) -> TakeClaim? {
        guard sequence >= first, sequence <= last else { return nil }
        let index = places.index(places.startIndex, offsetBy: Int(sequence - first))
        guard places[index].stand == .shown else { return nil }
        places[index].stand = stand
        open -= 1
        return places[index].claim
    }

    /// Their acknowledgement is durable.
    mutating func end(_ sequences: some Sequence<UInt64>) {
        for sequence in sequences where sequence >= first && sequence <= last {
            places[places.index(places.startIndex, offsetBy: Int(sequence - first))].stand = .ended
        }
        trim()
    }

    private mutating func trim() {
        while let place = places.first, place.stand == .ended {
            places.removeFirst()
            first += 1
        }
    }
}
