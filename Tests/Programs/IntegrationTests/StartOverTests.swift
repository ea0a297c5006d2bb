// StartOverTests: a commit of the hub finds no room on the disk in spite of the reserve. The batch is thrown away, all sessions end,
// the engine is built anew, and the peers offer again: nothing that was decided in the lost batch leaves, and nothing is lost.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct StartOverTests {
    static let nodes = ["vpcp", "truc", "hcm"]
    static let documents = 12
    static let notice = "the store is full; sessions are ended and the engine starts anew"

    private func network() throws -> Network {
        let network = try Network(plain: true)
        network.setEnvironment(
            "truc",
            [
                "LD_PRELOAD": try network.interposer("interposer"), "EDOC_INTERPOSE_LOG": network.folder["calls"],
                "EDOC_INTERPOSE_FULL": network.folder["full"],
            ])
        try network.start(Self.nodes)
        for name in ["vpcp", "hcm"] {
            #expect(try eventually { try network.peerState("truc", name) == "up" }, "\(network.logTail("truc"))")
        }
        return network
    }

    /// The next commit of the hub fails.
    private func fill(_ network: Network) throws { try network.folder.write("", to: "full") }

    private func submit(_ network: Network, _ numbers: ClosedRange<Int>) throws {
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        for number in numbers {
            #expect(
                client.submit(
                    token: UInt64(number), from: "G22", to: ["H29"], document: "VB \(number)",
                    payload: [UInt8](repeating: 5, count: 3_000 + number)))
        }
        for _ in numbers {
            guard case .accepted = client.answer() else { throw TestFailure("a submission was refused") }
        }
    }

    private func expectArrived(_ network: Network, _ count: Int) throws {
        let haveArrived = try eventually { try network.inbox("hcm", "H29").count >= count }
        #expect(haveArrived, "\(network.logTail("truc"))")
        let documents = try network.inbox("hcm", "H29")
        #expect(documents.compactMap(\.documentID).sorted() == (1...count).map { "VB \($0)" }.sorted())
    }

    @Test func aLostBatchSaysNothingAndLosesNothing() throws {
        let network = try network()
        try fill(network)
        try submit(network, 1...Self.documents)
        try expectArrived(network, Self.documents)
        let log = network.logText("truc")
        #expect(log.components(separatedBy: Self.notice).count == 2, "\(log)")
        for name in ["vpcp", "hcm"] { #expect(log.contains("session ended") && log.contains(name)) }
        #expect(try network.status("truc").inStore["waiting"] == 0)

        // Again, with traffic from the other side in the same breath: reports of hcm.
        try fill(network)
        try submit(network, Self.documents + 1...2 * Self.documents)
        try expectArrived(network, 2 * Self.documents)
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 0 })
        #expect(network.logText("truc").components(separatedBy: Self.notice).count == 3)
        try network.expectBooksBalance(Self.nodes)
        for name in Self.nodes { #expect(network.stop(name) == .exited(0), "\(network.logTail(name))") }
        try expectSilence(InterposedLog(network.folder.text("calls")))
    }

    /// Behind a commit that failed nothing of it goes out, neither an answer nor a bundle, until another one is on disk.
    private func expectSilence(_ log: InterposedLog) throws {
        #expect(log.faults.count == 2)
        let incoming = log.transfersIn()
        let outgoing = log.transfersOut()
        let answers = log.answersOut()
        var lostCount = 0
        for fault in log.faults {
            let next = try #require(log.commits.first { $0.began > fault }?.ended)
            #expect(!answers.contains { (fault..<next).contains($0.order) })
            #expect(!outgoing.contains { (fault..<next).contains($0.began) })
            // What the peer had sent by then and got no answer for, it sent again.
            let lost = incoming.filter { transfer in
                transfer.ended < fault
                    && !answers.contains { $0.connection == transfer.connection && $0.id == transfer.id }
            }
            lostCount += lost.count
            for transfer in lost {
                let again = incoming.contains { $0.bundle == transfer.bundle && $0.began > transfer.ended }
                #expect(again, "\(transfer.bundle)")
            }
        }
        // One of the two at least; the other may have held reports only.
        #expect(lostCount > 0, "no batch that was lost held a transfer")
        for transfer in incoming {
            let answer = answers.first { $0.connection == transfer.connection && $0.id == transfer.id }
            guard let answer, answer.refusal == nil else { continue }
            #expect(log.hasCommit(after: transfer.ended, before: answer.order), "END of \(transfer.bundle)")
        }
        for transfer in outgoing {
            guard let came = incoming.filter({ $0.bundle == transfer.bundle }).map(\.ended).min() else { continue }
            #expect(log.hasCommit(after: came, before: transfer.began), "\(transfer.bundle) goes on")
        }
    }

    /// A submitter whose own node has to start over hears that, and the next submission is taken.
    @Test func aSubmitterIsTold() throws {
        let network = try Network(plain: true)
        network.setEnvironment(
            "vpcp",
            [
                "LD_PRELOAD": try network.interposer("interposer"),
                "EDOC_INTERPOSE_FULL": network.folder["full"],
            ])
        try network.start(["truc", "vpcp"])
        try Data("Kính gửi".utf8).write(to: URL(fileURLWithPath: network.folder["text"]))
        let arguments = ["submit", network.folder["text"], "--sender", "G22", "--to", "H29"]
        #expect(try eventually { try network.peerState("vpcp", "truc") == "up" })
        try fill(network)
        let refused = try network.control("vpcp", arguments)
        #expect(refused.end != .exited(0) && refused.errors.contains("no room"), "\(refused.errors) \(refused.output)")
        #expect(network.logText("vpcp").contains(Self.notice))
        #expect(try network.status("vpcp").inStore.values.reduce(0, +) == 0)
        let accepted = try network.control("vpcp", arguments)
        #expect(accepted.end == .exited(0), "\(accepted.errors)")
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 1 })
        try network.expectBooksBalance(["vpcp", "truc"])
    }

    /// Many submitters while the node starts over, again and again: who hears that nothing of it is in the store can rely on that, and
    /// so can who hears that it was accepted.
    @Test func whatIsSaidToBeLostIsNotThere() throws {
        let network = try Network(plain: true)
        network.setEnvironment(
            "vpcp",
            [
                "LD_PRELOAD": try network.interposer("interposer"),
                "EDOC_INTERPOSE_FULL": network.folder["full"],
            ])
        try network.start(["vpcp"])
        try Data("Kính gửi".utf8).write(to: URL(fileURLWithPath: network.folder["text"]))
        var accepted: UInt64 = 0
        for round in 0..<4 {
            try fill(network)
            let submitters = try (0..<6).map { number in
                try Program(
                    Places.edocctl,
                    [
                        "submit", network.folder["text"], "--sender", "G22", "--to", "H29", "--socket",
                        network.folder["vpcp/control.sock"],
                    ], output: network.folder["out"], errors: network.folder["errors-\(round)-\(number)"])
            }
            for (number, submitter) in submitters.enumerated() {
                if submitter.wait() == .exited(0) {
                    accepted += 1
                } else {
                    let said = network.folder.text("errors-\(round)-\(number)")
                    #expect(said.contains("no room"), "\(said)")
                }
            }
        }
        #expect(network.logText("vpcp").contains(Self.notice))
        let inStore = try network.status("vpcp").inStore.values.reduce(0, +)
        #expect(inStore == accepted)
        try network.expectBooksBalance(["vpcp"])
    }
}

extension Network {
    /// How a node sees a peer.
    func peerState(_ name: String, _ peer: String) throws -> String? {
        let answer: PeersAnswer = try ask(name, "peers")
        return answer.peers.first { $0.node == peer }?.state
    }
}
