// WaitingDispatches: the dispatches of one session that are not begun: the more urgent first, in their order among equals. A class that more
// urgent ones have overtaken with twenty times the octets of its first is served once: every class has its twentieth. A value;
// bounded by the window of the session, which the engine keeps. Cannot fail.

import NIOCore
import RelayCore
import RelayModel

struct WaitingDispatches {
    static let overtakingTimes: UInt64 = 20

    /// By urgency.
    private var lanes: [CircularBuffer<Dispatch>] = Array(repeating: [], count: Urgency.allCases.count)
    /// Octets that went before the first of each class.
    private var overtaken: [UInt64] = Array(repeating: 0, count: Urgency.allCases.count)
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ dispatch: Dispatch) {
        lanes[Int(dispatch.urgency.rawValue)].append(dispatch)
        count += 1
    }

    mutating func popFirst() -> Dispatch? {
        guard let place = nextPlace else { return nil }
        count -= 1
        overtaken[place] = 0
        guard let dispatch = lanes[place].popFirst() else { return nil }
        for lower in 0..<place where !lanes[lower].isEmpty {
            overtaken[lower] = overtaken[lower].saturatingPlus(Self.cost(dispatch))
        }
        return dispatch
    }

    /// Takes one out; false when it is not here any more.
    mutating func remove(_ ticket: Ticket) -> Bool {
        for lane in lanes.indices {
            // What is taken back is mostly the latest.
            guard let place = lanes[lane].lastIndex(where: { $0.ticket == ticket }) else { continue }
            lanes[lane].remove(at: place)
            if lanes[lane].isEmpty { overtaken[lane] = 0 }
            count -= 1
            return true
        }
        return false
    }

    private var nextPlace: Int? {
        var place: Int?
        for candidate in lanes.indices {
            guard let first = lanes[candidate].first else { continue }
            if overtaken[candidate] >= Self.cost(first).saturatingTimes(Self.overtakingTimes) { return candidate }
            place = candidate
        }
        return place
    }

    private static func cost(_ dispatch: Dispatch) -> UInt64 { dispatch.payloadLength.saturatingPlus(512) }

    mutating func removeAll() { self = WaitingDispatches() }
}
