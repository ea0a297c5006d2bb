// World, the slow line: when the world has been healed for a while, the cable between two neighbours, which all their sessions share, carries
// 1 Mbit/s or 256 kbit/s. It is full of ordinary mail, and urgent documents of 3 KB are handed in. The judge has a watch and the rate of the
// line: whatever is before them, the next hop has each on disk in time. Between real conversations only: in a session of values nothing waits.

import NIOCore
import RelayCore
import RelayModel

/// The line, and what is timed on it.
struct TimingBooks {
    /// Where documents are handed in, and the neighbour at the other end.
    var home = 0
    var peer = 0
    /// By the node that writes.
    var lines: [Int: Line] = [:]
    /// When each has to be on the disk of the next hop.
    var due: [Ticket: UInt64] = [:]
    var open: [BundleID: UInt64] = [:]
}

extension World {
    /// Operators have put in order what they left, and links have come up.
    static let lineAfter: UInt64 = 160_000
    private static let fillTime: UInt64 = 8_000
    private static let urgentGap: UInt64 = 2_500
    private static let urgentCount: UInt64 = 6
    private static let lineTime: UInt64 = 45_000

    /// 3 s at 1 Mbit/s and 8 s at 256 kbit/s; what lies between and beyond follows from the rate, in octets a millisecond.
    static func crossingTime(_ rate: UInt64) -> UInt64 { 1_280 + 215_000 / rate }

    func beginLine() {
        let living = sessions.values.filter { session in !session.isCut && session.ends.allSatisfy { !$0.isOver } }
        let pairs = Set(living.map { $0.ends.map(\.node).sorted() }).sorted { $0.lexicographicallyPrecedes($1) }
        guard !pairs.isEmpty else { return }
        let pair = pairs[Int(slowness.next(below: UInt64(pairs.count)))]
        let way = Int(slowness.next(below: 2))
        let rate: UInt64 = slowness.next(below: 2) == 0 ? 125 : 32
        belief.timing.home = pair[way]
        belief.timing.peer = pair[1 - way]
        belief.timing.lines = [pair[0]: Line(rate: rate), pair[1]: Line(rate: rate)]
        for session in sessions.values { putOnLine(session) }
        note(pair[way], "line", rate, "the line to \(nodes[pair[1 - way]].id) carries \(rate) octets a ms")
        // Several documents, or one giant in pieces; more than the line carries while the urgent ones come.
        if rate == 125, slowness.next(below: 3) == 0 {
            handOverLine(9 << 20, .normal)
        } else {
            for _ in 0..<8 { handOverLine(Int(rate) * 8_000, .normal) }
        }
        for count in 0..<Self.urgentCount {
            let urgency: Urgency = slowness.next(below: 2) == 0 ? .flash : .veryUrgent
            plan(
                .overLine(length: 3_000, urgency: urgency),
                at: now + Self.fillTime + count * Self.urgentGap + slowness.next(below: 500))
        }
        plan(.lineEnds, at: now + Self.lineTime)
    }

    /// Sessions between the two go by the line.
    func putOnLine(_ session: SimulatedSession) {
        let timing = belief.timing
        guard !timing.lines.isEmpty, Set(session.ends.map(\.node)) == [timing.home, timing.peer] else { return }
        for end in [0, 1] { session.directions[end].line = timing.lines[session.ends[end].node] }
    }

    func endLine() {
        belief.timing.lines = [:]
        for number in sessions.keys.sorted() {
            for end in [0, 1] { sessions[number]?.directions[end].line = nil }
        }
    }

    func handOverLine(_ length: Int, _ urgency: Urgency) {
        let timing = belief.timing
        guard let rate = timing.lines[timing.home]?.rate,
            let target = network.agencies.first(where: { $0.home == timing.peer })?.code,
            let ticket = handIn(timing.home, to: target, length: length, urgency: urgency, lifetime: nil)
        else { return }
        if urgency >= .veryUrgent { belief.timing.due[ticket] = now + Self.crossingTime(rate) }
    }

    func acceptedForLine(_ ticket: Ticket, _ bundle: BundleID) {
        guard let due = belief.timing.due.removeValue(forKey: ticket) else { return }
        belief.timing.open[bundle] = due
        plan(.lineTime(bundle), at: due)
    }

    /// The next hop has it, as the sender has heard.
    func crossed(_ bundle: BundleID, _ node: SimulatedNode) {
        guard node.index == belief.timing.home, belief.timing.open.removeValue(forKey: bundle) != nil else { return }
        summary.timed += 1
    }

    func judgeTime(of bundle: BundleID) {
        guard belief.timing.open.removeValue(forKey: bundle) != nil else { return }
        let timing = belief.timing
        fail(
            "\(nodes[timing.home].id): the urgent \(bundle) is not at \(nodes[timing.peer].id) in the time of the line")
    }
}
