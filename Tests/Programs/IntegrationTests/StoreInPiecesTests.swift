// StoreInPiecesTests: a hub whose free pages lie one by one between those of documents that wait. It took large documents whose bytes it
// had room for and whose rows it had not, started anew again and again, ended every session each time, and nothing got through.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct StoreInPiecesTests {
    private static let letters = 7_000
    private static let notice = "the store is full; sessions are ended and the engine starts anew"

    private func submit(
        _ network: Network, _ count: Int, _ name: String, bytes: Int, to agency: (Int) -> String
    ) throws {
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        let window = 200
        var answered = 0
        for index in 0..<count {
            #expect(
                client.submit(
                    token: UInt64(index), from: "G22", to: [agency(index)], document: "\(name) \(index)",
                    payload: [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: bytes)))
            while index - answered >= window || index == count - 1 && answered < count {
                guard case .accepted = client.answer() else { throw TestFailure("\(name): not accepted") }
                answered += 1
            }
        }
    }

    @Test func aHubInPiecesGoesOn() throws {
        let network = try Network(plain: true)
        try network.replace("truc", "  map_size: 1GiB", "  map_size: 80MiB\n  reserve_min: 16MiB")
        // What fills the store here is one peer and one sender: their shares are all of it.
        try network.replace("truc", "store:", "quotas: {peer_bytes: 100%, sender_bytes: 100%}\nstore:")
        try network.start(["truc", "vpcp"])
        // Nobody takes anything yet: letters for two homes stand one behind the other.
        try submit(network, Self.letters, "letter", bytes: 3_000) { $0 % 2 == 0 ? "H29" : "H26" }
        let hasAll = try eventually(within: 120) {
            try network.status("truc").inStore["waiting"] ?? 0 == UInt64(Self.letters)
        }
        #expect(hasAll, "\(network.logTail("truc"))")
        // Half of them go.
        try network.start("hanoi")
        #expect(
            try eventually(within: 120) {
                try network.status("truc").inStore["waiting"] ?? 0 == UInt64(Self.letters / 2)
            })
        // Large ones for the home that is down, as many as there is room for; and small ones for the other.
        try submit(network, 8, "large", bytes: 2_000_000) { _ in "H29" }
        try submit(network, 200, "small", bytes: 3_000) { _ in "H26" }
        let hasArrived = try eventually(within: 60) {
            let summary: LedgerAnswer = try network.ledger("hanoi")
            return summary.documents?.inStore["arrived"] ?? 0 == UInt64(Self.letters / 2 + 200)
        }
        #expect(hasArrived, "\(network.logTail("truc"))")
        #expect(!network.logText("truc").contains(Self.notice))
        try network.start("hcm")
        let isEmpty = try eventually(within: 120) {
            try ["vpcp", "truc"].allSatisfy { try network.status($0).inStore["waiting"] == 0 }
        }
        #expect(isEmpty, "\(network.logTail("truc"))")
        #expect(!network.logText("truc").contains(Self.notice))
        try network.expectBooksBalance(["vpcp", "truc", "hcm", "hanoi"])
    }

    /// Seven rounds of mail that is all delivered must not make the file grow because of a program that is dead.
    @Test func aKilledReaderHoldsNothing() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp", "hcm"])
        let reader = try network.compiled("reader", ["-llmdb"])
        let program = try Program(
            reader, [network.folder["truc/store"]], output: network.folder["reader.out"],
            errors: network.folder["reader.err"])
        #expect(try eventually { network.folder.text("reader.out").contains("reading") })
        program.send(SIGKILL)
        program.wait()
        let said = "a program that read the store from outside was killed; what it held is released"
        var round = 0
        let isReleased = try eventually(within: 60) {
            round += 1
            try submit(network, 10, "round \(round)", bytes: 20_000) { _ in "H29" }
            return network.logText("truc").contains(said)
        }
        #expect(isReleased, "\(network.logTail("truc"))")
    }
}
