// SessionPlaces: who may hold how many of the connections that others open. A value under the registry's lock; decides only, closes nothing.
// There are two rooms. In the first are strangers: whoever has connected and not yet proven who it is. When it is full, the
// address that holds most loses its oldest, so that a crowd pushes out its own. A crowd whose every member has another address is
// no crowd by that: so beside the room one place is kept for each address that a configured peer came from last, or is dialled at. In the
// second are proven neighbours: each has a share, and one place is kept for every configured peer, whatever the others hold.

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

    /// Where configured peers came from last, and where they are dialled.
    private var origins: [NodeID: String] = [:]
    private var targets: [NodeID: String] = [:]
    /// One stranger of each of these addresses has a place, whatever the others hold.
    private var kept: Set<String> = []

    init(_ bounds: Bounds) { self.bounds = bounds }

    /// The configured peers, and their addresses where there are some. What is known of others is forgotten.
    mutating func configure(_ peers: [(node: NodeID, address: String?)]) {
        let known = Set(peers.map(\.node))
        origins = origins.filter { known.contains($0.key) }
        let before = targets
        targets = [:]
        for peer in peers {
            // A name was looked up when it was dialled.
            targets[peer.node] = peer.address.map(Self.owner) ?? before[peer.node]
        }
        keep()
    }

    /// A connection to a peer stands.
    mutating func dialled(_ peer: NodeID, at address: String) {
        targets[peer] = Self.owner(of: address)
        keep()
    }

    private mutating func keep() { kept = Set(origins.values).union(targets.values) }

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
        while addresses.count > bounds.strangersMax, addresses.count - keptCount > bounds.strangersMax,
            let oldest = oldestOfTheMost()
        {
            leave(oldest)
            gone.append(oldest)
        }
        return gone
    }

    /// Strangers in the places that are kept.
    private var keptCount: Int { kept.count { strangers[$0] != nil } }

    /// Of the address that holds most; of several such, of the one whose oldest came first. A kept place is no part of what it holds.
    private func oldestOfTheMost() -> Ticket? {
        var most: (count: Int, oldest: Ticket)?
        for (address, tickets) in strangers {
            let count = tickets.count - (kept.contains(address) ? 1 : 0)
            guard count > 0 else { continue }
            if let most, (most.count, tickets[0]) > (count, most.oldest) { continue }
            most = (count, tickets[0])
        }
        return most?.oldest
    }

    /// It has proven to be a peer. Nil when it has a place.
    mutating func proved(_ session: Ticket, to be: NodeID) -> Refusal? {
        let own = count(of: be)
        if own >= bounds.perPeer { return .peerHasEnough(own) }
        // A first one is within what is kept.
        let further = owners.count - sessions.count
        if own > 0, further >= max(bounds.sessionsMax - sessions.count, 0) { return .allTaken(bounds.sessionsMax) }
        if let address = addresses[session], origins[be] != address {
            origins[be] = address
            keep()
        }
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
