// CrashTests: under load each node is killed with SIGKILL again and again, at moments drawn from a seed, while documents in pieces
// travel and agencies take from their inboxes; then the count must balance: what was accepted is at its homes or was taken there, each
// once and as it was handed in, every acknowledgement that was answered holds, and every node's books agree with its neighbours'.
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
        let clerks = Self.homes.map { Clerk(node: $0.0, agency: $0.1, folder: network.folder.path, load: load) }
        for clerk in clerks { clerk.start() }
        for round in 0..<kills {
            for (place, name) in chance.shuffled(Network.names).enumerated() {
                let large = place % 2 == round % 2 ? load.startLarge() : nil
                // A batch of documents flows while the node dies after so many answers and so many microseconds.
                let batch = load.start(count: Self.batch)
                let answers = chance.below(UInt64(Self.batch))
                let isReached = try eventually(within: 60) { load.answered(in: batch) >= answers || load.isOver(batch) }
                #expect(isReached)
                let own = clerks.filter { $0.node == name }
                _ = try eventually(within: 5) { own.isEmpty || own.contains { $0.isAcknowledging } }
                usleep(useconds_t(chance.below(20_000)))
                network.kill(name)
                try network.start(name)
                load.join(batch)
                if let large { load.join(large) }
            }
            if round % 10 == 9 { print("round \(round + 1) of \(kills)") }
        }
        try expectDrained(network)
        let books = try clerks.map { try $0.stop() }
        var arrived: [String: [String: Set<String>]] = [:]
        var delivered: [String: Int] = [:]
        for (clerk, books) in zip(clerks, books) {
            let left = try network.inbox(clerk.node, clerk.agency)
            delivered[clerk.node, default: 0] += try expectAcknowledgementsHold(network, clerk, books, left)
            for (envelope, document) in books.seen {
                arrived[clerk.agency, default: [:]][document, default: []].insert(envelope)
            }
            for document in left {
                arrived[clerk.agency, default: [:]][document.documentID ?? "", default: []].insert(document.envelope)
            }
        }
        try expectAllArrived(arrived, load)
        try expectBooks(network, delivered)
        try expectLargeOnes(network, load, zip(clerks, books).map { ($0, $1) })
    }

    static let batch = 60
    static let homes = [("hcm", "H29"), ("hcm", "H29.15"), ("hanoi", "H26")]

    private func expectDrained(_ network: Network) throws {
        let isDrained = try eventually(within: 120) {
            try Network.names.allSatisfy { name in
                let inStore = try network.status(name).inStore
                return inStore["waiting"] == 0 && inStore["deferred"] == 0
            }
        }
        #expect(isDrained, "\(network.logTail("vpcp"))\n\(network.logTail("truc"))")
    }

    /// What was acknowledged and answered is delivered, and not there any more; said once more, nothing is taken a second time. Gives
    /// how many documents the agency has taken.
    private func expectAcknowledgementsHold(
        _ network: Network, _ clerk: Clerk, _ books: Clerk.Books, _ left: [InboxAnswer.Document]
    ) throws -> Int {
        #expect(books.faults.isEmpty)
        #expect(!books.confirmed.isEmpty)
        let there = Set(left.map(\.envelope))
        #expect(there.count == left.count)
        #expect(books.confirmed.isDisjoint(with: there))
        // An acknowledgement without an answer holds, or the document is still there.
        let taken = books.confirmed.union(books.unanswered.subtracting(there)).sorted()
        for first in stride(from: 0, to: taken.count, by: 500) {
            let names = Array(taken[first..<min(first + 500, taken.count)])
            let result = try network.control(clerk.node, ["inbox", "ack", clerk.agency] + names + ["--json"])
            let answer = try ControlJSON.answer(AcknowledgeAnswer.self, from: Array(result.output.utf8))
            #expect(answer.taken == 0 && answer.alreadyTaken == names.count, "\(clerk.agency)")
        }
        print(
            "\(clerk.agency): \(taken.count) taken, \(books.unanswered.count) of them without an answer, \(left.count) left, \(books.interruptions) interruptions"
        )
        return taken.count
    }

    /// Those in pieces came to all who are named, were compared octet by octet, and their submitter knows who has taken them.
    private func expectLargeOnes(_ network: Network, _ load: Load, _ clerks: [(clerk: Clerk, books: Clerk.Books)])
        throws
    {
        var compared = 0
        for (clerk, books) in clerks {
            for envelope in books.compared.intersection(books.confirmed) {
                compared += 1
                let isKnown = try eventually {
                    try network.trace("vpcp", envelope).recipients.contains {
                        $0.name == clerk.agency && $0.state == "delivered"
                    }
                }
                #expect(isKnown, "\(envelope) \(clerk.agency)")
            }
            #expect(!books.compared.isEmpty, "\(clerk.agency) got nothing in pieces")
        }
        print("\(compared) copies in pieces fetched, compared and taken")
    }

    private func expectAllArrived(_ arrived: [String: [String: Set<String>]], _ load: Load) throws {
        let accepted = load.accepted
        var lost: [String] = []
        var extra: [String] = []
        for (document, recipients) in load.submitted {
            for (_, agency) in Self.homes {
                let count = arrived[agency]?[document]?.count ?? 0
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
    private func expectBooks(_ network: Network, _ delivered: [String: Int]) throws {
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
        var atHome: UInt64 = 0
        for name in ["hcm", "hanoi"] {
            let documents = try #require(ledgers[name]?.documents)
            #expect(documents.ended["delivered"] == UInt64(delivered[name] ?? 0), "\(name)")
            atHome += (documents.inStore["arrived"] ?? 0) + (documents.ended["delivered"] ?? 0)
        }
        #expect(atHome == ledgers["vpcp"]?.documents?.submitted)
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
