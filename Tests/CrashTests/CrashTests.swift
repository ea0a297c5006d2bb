// CrashTests: under load each node is killed with SIGKILL again and again, at moments drawn from a seed; then the count must
// balance: what was accepted is at its homes, each once, and every node's books agree with its neighbours'.
//
//   EDOC_CRASH_KILLS   kills of each node (5; Scripts/crash says 50)
//   EDOC_CRASH_SEED    the seed

import ControlAPI
import Foundation
import RelayModel
import RelayNode
import Synchronization
import TestNetwork
import Testing

@Suite(.serialized) struct CrashTests {
    static func number(_ name: String, _ fallback: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment[name].flatMap(UInt64.init) ?? fallback
    }

    @Test func nothingIsLostAndNothingComesTwice() throws {
        let kills = Int(Self.number("EDOC_CRASH_KILLS", 5))
        var chance = Dice(seed: Self.number("EDOC_CRASH_SEED", 1907))
        let network = try Network()
        try network.start(Network.names)
        let load = Load(socket: network.folder["vpcp/submit.sock"])
        for round in 0..<kills {
            for name in chance.shuffled(Network.names) {
                // A batch of documents flows while the node dies after so many answers and so many microseconds.
                let batch = load.start(count: Self.batch)
                let answers = chance.below(UInt64(Self.batch))
                let isReached = try eventually(within: 60) { load.answered(in: batch) >= answers || load.isOver(batch) }
                #expect(isReached)
                usleep(useconds_t(chance.below(20_000)))
                network.kill(name)
                try network.start(name)
                load.join(batch)
            }
            if round % 10 == 9 { print("round \(round + 1) of \(kills)") }
        }
        try expectAllArrived(network, load)
        try expectBooks(network)
    }

    static let batch = 60
    static let homes = [("hcm", "H29"), ("hcm", "H29.15"), ("hanoi", "H26")]

    private func expectAllArrived(_ network: Network, _ load: Load) throws {
        let isDrained = try eventually(within: 120) {
            try ["vpcp", "truc"].allSatisfy { name in
                let inStore = try network.status(name).inStore
                return inStore["waiting"] == 0 && inStore["deferred"] == 0
            }
        }
        #expect(isDrained, "\(network.logTail("vpcp"))\n\(network.logTail("truc"))")
        var arrived: [String: [String: Int]] = [:]
        for (node, agency) in Self.homes {
            var counts: [String: Int] = [:]
            for document in try network.inbox(node, agency) { counts[document.documentID ?? "", default: 0] += 1 }
            arrived[agency] = counts
        }
        let accepted = load.accepted
        var lost: [String] = []
        var extra: [String] = []
        for (document, recipients) in load.submitted {
            for (_, agency) in Self.homes {
                let count = arrived[agency]?[document] ?? 0
                if count > 1 || (count == 1 && !recipients.contains(agency)) {
                    extra.append("\(document) \(agency) \(count)")
                }
                if accepted.contains(document), recipients.contains(agency), count == 0 {
                    lost.append("\(document) \(agency)")
                }
            }
        }
        print("\(load.submitted.count) submitted, \(accepted.count) accepted")
        #expect(!accepted.isEmpty)
        #expect(lost.isEmpty)
        #expect(extra.isEmpty)
        for counts in arrived.values { #expect(counts.keys.allSatisfy { load.submitted[$0] != nil }) }
    }

    /// Conservation on each node, and on each link: forwarded here is taken there.
    private func expectBooks(_ network: Network) throws {
        var ledgers: [String: LedgerAnswer] = [:]
        for name in Network.names {
            let ledger = try network.ledger(name)
            #expect(ledger.documents?.balances == true && ledger.reports?.balances == true, "\(name): \(ledger)")
            #expect(ledger.documents?.inStore["corrupt"] == 0 && ledger.documents?.inStore["held"] == 0, "\(name)")
            #expect(ledger.documents?.ended["refused"] == 0 && ledger.documents?.ended["expired"] == 0, "\(name)")
            ledgers[name] = ledger
        }
        for (from, to) in [("vpcp", "truc"), ("truc", "hcm"), ("truc", "hanoi")] {
            let forwarded = ledgers[from]?.peers.first { $0.node == to }?.forwarded
            let taken = ledgers[to]?.peers.first { $0.node == from }?.taken
            #expect(forwarded == taken, "\(from) to \(to)")
        }
        let arrived = ["hcm", "hanoi"].reduce(UInt64(0)) { $0 + (ledgers[$1]?.documents?.inStore["arrived"] ?? 0) }
        #expect(arrived == ledgers["vpcp"]?.documents?.submitted)
    }
}

/// A seeded generator (SplitMix64).
struct Dice {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: UInt64) -> Int { Int(next() % bound) }

    mutating func shuffled(_ names: [String]) -> [String] {
        var rest = names
        var result: [String] = []
        while !rest.isEmpty { result.append(rest.remove(at: below(UInt64(rest.count)))) }
        return result
    }
}
