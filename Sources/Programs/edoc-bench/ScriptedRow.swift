// ScriptedRow: three nodes in a row, A, hub and C, on one thread (ScriptedNode). What happens is the same each time, so that what it costs
// can be counted. The far home reports arrivals, as a daemon does; nobody takes anything out.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelaySession

/// What is handed in: the same octets each time.
struct ScriptedDocument {
    private let payload: ByteBuffer
    private let digest: Digest

    init(payloadBytes: Int) {
        var random = PseudoRandom(state: 11)
        let bytes = random.bytes(payloadBytes)
        payload = ByteBuffer(bytes: bytes)
        digest = bytes.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
    }

    func submit(at node: ScriptedNode, to recipients: [String], _ ticket: Ticket) throws {
        guard let sender = AgencyCode("G22") else { throw BenchFailure("no names") }
        let submission = Submission(
            ticket: ticket, sender: sender, recipients: recipients, urgency: .normal, documentID: "\(ticket.number)",
            payloadLength: UInt64(payload.readableBytes), lifetime: nil)
        node.post(.submitted(submission))
        node.post(.submissionBytes(ticket, payload))
        node.post(.submissionCompleted(ticket, digest: digest))
    }
}

/// The three nodes, and what is handed in at the first.
final class ScriptedRow {
    static let names = ["A", "hub", "C"]
    private let nodes: [ScriptedNode]
    private let tickets = TicketSource()
    private var time: UInt64 = 1_000_000
    private let document: ScriptedDocument
    private let counts: SharedCounts?
    /// Where the work of this script itself is counted.
    private static let elsewhere = 3

    init(directory: String, payloadBytes: Int, counts: SharedCounts?) throws {
        self.counts = counts
        counts?.slot = Self.elsewhere
        document = ScriptedDocument(payloadBytes: payloadBytes)
        let ids = ["vpcp", "truc", "hcm"].compactMap { NodeID(name: $0) }
        guard ids.count == 3, let first = AgencyCode("G22"), let last = AgencyCode("H29") else {
            throw BenchFailure("no names")
        }
        var agencies = Directory()
        try agencies.insert(Directory.Agency(code: first, name: "G22", home: ids[0], aliases: []))
        try agencies.insert(Directory.Agency(code: last, name: "H29", home: ids[2], aliases: []))
        let now = Self.reading(time)
        let tickets = tickets
        nodes = try ids.indices.map { index in
            let ways: [Route] =
                index == 1
                ? [Route(target: .node(ids[0]), via: [ids[0]]), Route(target: .node(ids[2]), via: [ids[2]])]
                : [Route(target: .anything, via: [ids[1]])]
            guard let routes = RouteTable(ways) else { throw BenchFailure("no routes") }
            let open = SendRights(fromNodes: [.any], fromAgencies: [.any], toAgencies: [.any])
            let neighbours = index == 1 ? [ids[0], ids[2]] : [ids[1]]
            let peers = neighbours.map { Peer(node: $0, dials: index != 1, rights: open) }
            let configuration = CoreConfiguration(
                node: ids[index], directory: agencies, routes: routes, peers: peers, limits: CoreLimits())
            return try ScriptedNode(
                directory: "\(directory)-\(index)", configuration: configuration, tickets: tickets, now: now)
        }
        for leaf in [nodes[0], nodes[2]] {
            ScriptedEnd.connect(
                leaf.end(with: nodes[1].id, dials: true), nodes[1].end(with: leaf.id, dials: false), now.relay)
        }
        try settle()
    }

    static func reading(_ time: UInt64) -> ClockReading {
        ClockReading(
            relay: RelayTime(milliseconds: time), wall: WallTime(milliseconds: 820_454_400_000 + time))
    }

    /// Hands in so many, a batch at a time, and lets each batch go through; answers how many have arrived in all.
    func pass(_ count: Int, batch: Int = 128) throws -> Int {
        for start in stride(from: 0, to: count, by: batch) {
            for _ in start..<min(start + batch, count) {
                try document.submit(at: nodes[0], to: ["H29"], tickets.take())
            }
            try run()
        }
        try settle()
        counts?.slot = Self.elsewhere
        guard nodes[0].refused == 0 else { throw BenchFailure("\(nodes[0].refused) documents were refused") }
        return try nodes[2].arrived()
    }

    /// Steps until nothing happens any more; a millisecond for each turn of the three.
    private func run(looks: Bool = false) throws {
        var isBusy = true
        var turns = 0
        while isBusy {
            isBusy = false
            time += 1
            for (index, node) in nodes.enumerated() {
                counts?.slot = index
                isBusy = try node.step(Self.reading(time), looks: looks && turns == 0) || isBusy
                counts?.slot = Self.elsewhere
            }
            turns += 1
            guard turns < 100_000 else { throw BenchFailure("the script does not come to rest") }
        }
    }

    /// Reports are gathered for a few milliseconds; whoever waits for the time to pass finds it passed.
    private func settle() throws {
        for _ in 0..<4 {
            time += 25
            try run(looks: true)
        }
    }
}
