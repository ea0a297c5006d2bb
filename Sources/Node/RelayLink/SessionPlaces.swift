// SessionPlaces: who may hold how many of the connections that others open. A value under the registry's lock; decides only, closes nothing.
// There are two rooms. In the first are strangers: whoever has connected and not yet proven who it is. When it is full, the
// address that holds most loses its oldest, so that a crowd pushes out its own. In the second are proven neighbours: each has a
// share, and one place is kept for every configured peer, whatever the others hold.

import RelayCore
import RelayModel

struct SessionPlaces: Sendable {
    struct Bounds: Hashable, Sendable {
        /// Sessions of proven peers; a peer's first one always has a place.
        var sessionsMax: Int
        var perPeer: Int
        var strangersMax: Int
    }

    /// Why a session has no place.
    enum Refusal: Hashable, Sendable {
        case peerHasEnough(Int)
        case allTaken(Int)

        var sentence: String {
            switch self {
            case .peerHasEnough(let count): "The peer has \(count) sessions already, and no more have a place."
            case .allTaken(let count): "All \(count) places for sessions are taken."
            }
        }
    }

    var bounds: Bounds
    /// By address, the oldest first.
    private var strangers: [String: [Ticket]] = [:]
    private var addresses: [Ticket: String] = [:]
    private var sessions: [NodeID: Int] = [:]
    private var owners: [Ticket: NodeID] = [:]

    init(_ bounds: Bounds) { self.bounds = bounds }

    var strangerCount: Int { addresses.count }
    var sessionCount: Int { owners.count }
    /// What the peer with most holds.
    var mostOfOnePeer: Int { sessions.values.max() ?? 0 }
    func count(of peer: NodeID) -> Int { sessions[peer] ?? 0 }

    /// Somebody has connected. Answers who has to go for it.
    mutating func came(_ session: Ticket, from address: String) -> [Ticket] {
        let key = Self.owner(of: address)
        addresses[session] = key
        strangers[key, default: []].append(session)
        var gone: [Ticket] = []
        while addresses.count > bounds.strangersMax, let oldest = oldestOfTheMost() {
            leave(oldest)
            gone.append(oldest)
        }
        return gone
    }

    /// Of the address that holds most; of several such, of the one whose oldest came first.
    private func oldestOfTheMost() -> Ticket? {
        strangers.values.max { left, right in
            left.count == right.count ? right[0] < left[0] : left.count < right.count
        }?.first
    }

    /// It has proven to be a peer. Nil when it has a place.
    mutating func proved(_ session: Ticket, to be: NodeID) -> Refusal? {
        let own = count(of: be)
        if own >= bounds.perPeer { return .peerHasEnough(own) }
        // A first one is within what is kept.
        let further = owners.count - sessions.count
        if own > 0, further >= max(bounds.sessionsMax - sessions.count, 0) { return .allTaken(bounds.sessionsMax) }
        leave(session)
        owners[session] = be
        sessions[be] = own + 1
        return nil
    }

    /// It is gone, from whichever room.
    mutating func leave(_ session: Ticket) {
        if let address = addresses.removeValue(forKey: session) {
            strangers[address]?.removeAll { $0 == session }
            if strangers[address]?.isEmpty == true { strangers[address] = nil }
        }
        if let peer = owners.removeValue(forKey: session) {
            let left = count(of: peer) - 1
            sessions[peer] = left > 0 ? left : nil
        }
    }

    /// Whoever has one address has many: of the sixth version, a network of 64 bits.
    static func owner(of address: String) -> String {
        guard address.hasPrefix("[") else {
            return address.lastIndex(of: ":").map { String(address[..<$0]) } ?? address
        }
        let host = address.dropFirst().prefix { $0 != "]" && $0 != "%" }
        // An address of the fourth version in the clothes of the sixth.
        if host.contains(".") {
            return String(host[(host.lastIndex(of: ":").map(host.index(after:)) ?? host.startIndex)...])
        }
        guard let gap = host.firstRange(of: "::") else {
            return host.split(separator: ":").prefix(4).joined(separator: ":")
        }
        let front = host[..<gap.lowerBound].split(separator: ":")
        let back = host[gap.upperBound...].split(separator: ":")
        let zeros = [Substring](repeating: "0", count: max(8 - front.count - back.count, 0))
        return (front + zeros + back).prefix(4).joined(separator: ":")
    }
}

/// Who holds how much of what sessions share, for operators.
public struct LinkShares: Sendable {
    public var sessions: Int
    public var sessionsMax: Int
    public var mostOfOnePeer: Int
    public var sessionsPerPeer: Int
    public var strangers: Int
    public var strangersMax: Int
    public var heldBytes: Int
    public var heldBytesMax: Int
    public var mostBytesOfOne: Int

    /// One owner's part of the memory is the whole divided by this.
    public static let ownersPart = SessionMemory.ownersPart
}
