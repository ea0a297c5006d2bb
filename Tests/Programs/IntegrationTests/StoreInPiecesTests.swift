// StoreInPiecesTests: a hub whose free pages lie one by one between those of documents that wait. It took large documents whose bytes it
// had room for and whose rows it had not, started anew again and again, ended every session each time, and nothing got through.
//
//   EDOC_PIECES_LETTERS  small documents (7,000; Scripts/pieces says 80,000)
//   EDOC_PIECES_MAP      the hub's map (80MiB; Scripts/pieces says 512MiB)

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct StoreInPiecesTests {
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
        let letters = Int(Self.figure("EDOC_PIECES_LETTERS") ?? "7000") ?? 7_000
        let map = Self.figure("EDOC_PIECES_MAP") ?? "80MiB"
        // Quick for the short form, patient for the full one.
        let patience = max(120, Double(letters) / 40)
        let network = try Network(plain: true)
        try network.replace("truc", "  map_size: 1GiB", "  map_size: \(map)\n  reserve_min: 16MiB")
        // What fills the store here is one peer and one sender: their shares are all of it.
        for name in Network.names {
            try network.replace(name, "store:", "quotas: {peer_bytes: 100%, sender_bytes: 100%}\nstore:")
        }
        try network.start(["truc", "vpcp"])
        func waiting(_ name: String) throws -> UInt64 { try network.status(name).inStore["waiting"] ?? 0 }
        func arrived() throws -> UInt64 { try network.ledger("hanoi").documents?.inStore["arrived"] ?? 0 }
        // Nobody takes anything yet: letters for two homes stand one behind the other.
        try submit(network, letters, "letter", bytes: 3_000) { $0 % 2 == 0 ? "H29" : "H26" }
        let hasAll = try eventually(within: patience) { try waiting("truc") == UInt64(letters) }
        #expect(hasAll, "\(network.logTail("truc"))")
        // Half of them go.
        try network.start("hanoi")
        #expect(try eventually(within: patience) { try waiting("truc") == UInt64(letters / 2) })
        #expect(try eventually(within: patience) { try arrived() == UInt64(letters / 2) })
        // Large ones for the home that is down, more than there is room for; and small ones for the other.
        let sessions = try network.ledger("truc").peers.reduce(0) { $0 + $1.linkUps }
        let acceptable = try network.status("truc").store.acceptableBytes
        try submit(network, Int(acceptable / 2_000_000) + 8, "large", bytes: 2_000_000) { _ in "H29" }
        let start = ProcessInfo.processInfo.systemUptime
        try submit(network, 200, "small", bytes: 3_000) { _ in "H26" }
        let hasArrived = try eventually(within: 60) { try arrived() == UInt64(letters / 2 + 200) }
        let seconds = ProcessInfo.processInfo.systemUptime - start
        #expect(hasArrived, "\(network.logTail("truc"))")
        #expect(try eventually { try network.ledger("truc").refusedTransfers["noResources"] ?? 0 > 0 })
        let large = try waiting("truc") - UInt64(letters / 2)
        print(
            "letters \(letters), map \(map): \(acceptable >> 20) MiB acceptable, \(large) of 2 MB taken, "
                + "200 small ones through in \(Int(seconds * 1_000)) ms")
        // It took most of what it said that it could take.
        #expect(large * 2_000_000 * 10 >= acceptable * 8, "\(large)")
        // No session has ended, and the engine has not started over.
        #expect(try network.ledger("truc").peers.reduce(0) { $0 + $1.linkUps } == sessions)
        #expect(!network.logText("truc").contains(Self.notice))
        try network.start("hcm")
        let isEmpty = try eventually(within: patience) { try waiting("vpcp") == 0 && waiting("truc") == 0 }
        #expect(isEmpty, "\(network.logTail("truc"))")
        #expect(!network.logText("truc").contains(Self.notice))
        try network.expectBooksBalance(["vpcp", "truc", "hcm", "hanoi"])
    }

    private static func figure(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

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
        // What is delivered gives its pages back: rounds of mail take no more room than the first of them.
        var used: [UInt64] = []
        for round in 1...7 {
            try submit(network, 100, "later \(round)", bytes: 60_000) { _ in "H29" }
            #expect(try eventually { try network.status("truc").inStore["waiting"] == 0 })
            used.append(try network.status("truc").store.usedBytes)
        }
        #expect(used[6] < used[0] + (12 << 20), "\(used)")
    }

    /// A program that is alive and looks at an old snapshot is left alone, and told with its number.
    @Test func anOldReaderIsTold() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp"])
        let reader = try network.compiled("reader", ["-llmdb"])
        let program = try Program(
            reader, [network.folder["truc/store"]], output: network.folder["reader.out"],
            errors: network.folder["reader.err"])
        #expect(try eventually { network.folder.text("reader.out").contains("reading") })
        // A minute is what a look at a store may take. Readers are looked at behind each commit.
        let isTold = try eventually(within: 120) {
            #expect(try network.control("truc", ["check", "commit"]).end == .exited(0))
            let check = try network.control("truc", ["check", "room"])
            return check.end == .exited(1) && check.output.contains("process \(program.pid)")
        }
        let findings = try network.status("truc").findings ?? []
        #expect(isTold, "\(findings)")
        #expect(findings.contains { $0.code == "readerOld" })
        program.send(SIGTERM)
        program.wait()
        let isForgotten = try eventually {
            #expect(try network.control("truc", ["check", "commit"]).end == .exited(0))
            return try network.status("truc").findings?.contains { $0.code == "readerOld" } == false
        }
        #expect(isForgotten)
    }
}
