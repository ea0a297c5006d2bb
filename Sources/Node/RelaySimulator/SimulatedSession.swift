// SimulatedSession: one session between two nodes of the world: two directions in each of which packets keep their order, with
// latency, bandwidth, stalls, and an end that can come between any two octets. What the packets mean is the business of the
// two kinds of session: values (fast), and real conversations (the octets of TCPCL and of bundles). Owned by the world.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel

/// What one direction carries at a time.
enum Packet {
    case octets(ByteBuffer)
    case handshake
    case header(Dispatch)
    case payload(Ticket, ByteBuffer)
    case end(Ticket)
    case answer(Ticket, Answer)
    /// A sign of life is asked for, or given.
    case probe(isAnswer: Bool)

    var cost: UInt64 {
        switch self {
        case .octets(let buffer), .payload(_, let buffer): UInt64(buffer.readableBytes)
        case .handshake, .header, .end, .answer, .probe: 200
        }
    }
}

/// One way of a cable that several sessions share.
final class Line {
    /// Octets in a millisecond.
    let rate: UInt64
    /// When the last octet written so far will have left, in thousandths of a millisecond.
    var freeAt: UInt64 = 0

    init(rate: UInt64) { self.rate = rate }
}

/// One direction: a pipe that keeps order.
struct Direction {
    struct Waiting {
        var packet: Packet
        var due: UInt64
    }
    /// The cable that it goes by, where that is the bound.
    var line: Line?
    /// Octets that are written and have not come out.
    private(set) var heldBytes: UInt64 = 0
    var latency: UInt64 = 5
    /// Octets in a millisecond.
    var rate: UInt64 = 20_000
    /// When the last octet written so far will have left, in thousandths of a millisecond.
    var freeAt: UInt64 = 0
    var stalledUntil: UInt64 = 0
    var packets: [Waiting] = []
    var head = 0

    var backlog: Int { packets.count - head }

    /// A socket takes no more: it holds what its link carries in half a second, as the daemon has it (SocketBuffers).
    var isFull: Bool {
        if let line { return heldBytes >= max(line.rate * 500, 16 * 1_024) }
        return backlog >= 8
    }

    /// Writes a packet; answers when it will come out.
    mutating func write(_ packet: Packet, now: UInt64) -> UInt64 {
        if let line {
            line.freeAt = max(line.freeAt, freeAt, now * 1_000) + max(1, packet.cost * 1_000 / line.rate)
            freeAt = line.freeAt
        } else {
            freeAt = max(freeAt, now * 1_000) + max(1, packet.cost * 1_000 / rate)
        }
        heldBytes += packet.cost
        let due = max(freeAt / 1_000 + latency, stalledUntil)
        packets.append(Waiting(packet: packet, due: due))
        return due
    }

    mutating func next(now: UInt64) -> Packet? {
        guard head < packets.count, packets[head].due <= now, stalledUntil <= now else { return nil }
        heldBytes -= packets[head].packet.cost
        defer {
            head += 1
            if head > 64, head * 2 > packets.count {
                packets.removeFirst(head)
                head = 0
            }
        }
        return packets[head].packet
    }

    var nextDue: UInt64? { head < packets.count ? max(packets[head].due, stalledUntil) : nil }
}

/// One end of a session.
struct SessionEnd {
    var node: Int
    var life: Int
    var ticket: Ticket
    /// The engine knows of the session.
    var isKnown = false
    /// The engine has been told that it is over, or will never hear of it.
    var isOver = false
}

/// What both kinds of session have in common.
class SimulatedSession {
    let number: Int
    var ends: [SessionEnd]
    /// Written by end 0, and by end 1.
    var directions = [Direction(), Direction()]
    /// Nothing more comes out on either side.
    var isCut = false

    init(number: Int, ends: [SessionEnd]) {
        self.number = number
        self.ends = ends
    }

    var isOver: Bool { ends.allSatisfy(\.isOver) }

    func opened(_ world: World) {}
    func perform(_ effect: Effect, _ end: Int, _ world: World) {}
    func delivered(_ packet: Packet, _ end: Int, _ world: World) {}
    /// The connection is gone, as this end notices now.
    func lost(_ end: Int, _ world: World) {}
    func timer(_ end: Int, _ world: World) {}
    /// The way has carried nothing for as long as a link may be silent.
    func judgeSilence(_ end: Int, _ world: World) {}

    final func write(_ packet: Packet, from end: Int, _ world: World) {
        guard !isCut else { return }
        let due = directions[end].write(packet, now: world.now)
        world.plan(.packets(session: number, from: end), at: due)
    }
}
