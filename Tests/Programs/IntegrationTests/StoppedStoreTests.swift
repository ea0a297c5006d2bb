// StoppedStoreTests: a store whose pages go bad under a running daemon. It ends by itself with a sentence; what is damaged is refused at the
// next start with one sentence and exit 78, what stops again and again likewise; and no envelope is held as a suspect for a page.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct StoppedStoreTests {
    private static let waiting = 5

    /// A hub with documents for hanoi, a copy of its store as it was in good order, and the names of the documents.
    private func network() throws -> (network: Network, envelopes: [String]) {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp"])
        try network.folder.write("Kính gửi: Ủy ban nhân dân Thành phố Hà Nội", to: "text")
        let envelopes = try (1...Self.waiting).map { _ in
            try network.submit("vpcp", network.folder["text"], ["--sender", "G22", "--to", "H26"]).envelope
        }
        #expect(try eventually { try network.status("truc").inStore["waiting"] == UInt64(Self.waiting) })
        #expect(network.stop("truc") == .exited(0))
        try FileManager.default.copyItem(
            atPath: network.folder["truc/store/data.mdb"], toPath: network.folder["good.mdb"])
        return (network, envelopes)
    }

    private func putBack(_ network: Network) throws {
        let data = network.folder["truc/store/data.mdb"]
        unlink(data)
        try FileManager.default.copyItem(atPath: network.folder["good.mdb"], toPath: data)
    }

    /// Every leaf of the running daemon's file says that it is no leaf; then it has something to do. How it ended.
    private func damage(_ network: Network, _ work: () throws -> Void) throws -> ProgramEnd? {
        let path = network.folder["truc/store/data.mdb"]
        let file = open(path, O_RDWR)
        guard file >= 0 else { throw TestFailure("\(path) cannot be opened") }
        let bytes = try network.folder.bytes("truc/store/data.mdb")
        var none: UInt8 = 0
        for page in stride(from: 8_192, to: bytes.count, by: 4_096) where bytes[page + 10] == 2 && bytes[page + 11] == 0
        {
            #expect(pwrite(file, &none, 1, off_t(page + 10)) == 1)
        }
        close(file)
        try work()
        return try network.end(of: "truc")
    }

    private func refusal(_ network: Network) throws -> String {
        let result = try network.run(Places.edocd, ["--config", network.folder["truc.yaml"]])
        #expect(result.end == .exited(78), "\(result)")
        // Without the time that each line begins with.
        return result.errors.split(separator: "\n").map { line in
            guard line.first?.isNumber == true, let space = line.firstIndex(of: " ") else { return String(line) }
            return String(line[space...].dropFirst())
        }.joined(separator: "\n")
    }

    /// All that waited, and what came meanwhile, is there and goes on; none was suspected.
    private func expectAllGoesOn(_ network: Network, _ envelopes: [String], more: Int) throws {
        try network.start("truc")
        #expect(
            try eventually { try network.status("truc").inStore["waiting"] == UInt64(Self.waiting + more) },
            "\(network.logTail("truc"))")
        #expect(try network.status("truc").inStore["held"] ?? 0 == 0)
        #expect(!network.logText("truc").contains("suspect"))
        try network.start("hanoi")
        #expect(try eventually { try network.inbox("hanoi", "H26").count == Self.waiting + more })
        #expect(try Set(envelopes).isSubset(of: network.inbox("hanoi", "H26").map(\.envelope)))
    }

    @Test func aDamagedPageIsNoCrashLoop() throws {
        let (network, envelopes) = try network()
        try network.start("truc")
        let end = try damage(network) {
            _ = try network.submit("vpcp", network.folder["text"], ["--sender", "G22", "--to", "H26"])
        }
        #expect(end == .exited(70), "\(network.logTail("truc"))")
        let said = network.logText("truc").split(separator: "\n").filter { $0.contains("store cannot go on") }
        #expect(said.count == 1, "\(network.logTail("truc"))")
        // Every further start says the same sentence, and touches nothing.
        let first = try refusal(network)
        #expect(
            first.split(separator: "\n").count { $0.contains("is damaged: ") && $0.contains("edocctl salvage") } == 1)
        let damaged = try network.folder.bytes("truc/store/data.mdb")
        #expect(try refusal(network) == first)
        #expect(try network.folder.bytes("truc/store/data.mdb") == damaged)
        // The disk gives it again as it was. The envelope that was in hand is not to blame.
        try putBack(network)
        try expectAllGoesOn(network, envelopes, more: 1)
    }

    /// The look at the file finds nothing, and it stops all the same: at the third start it is refused until a person has looked.
    @Test func whatStopsAgainAndAgainIsRefused() throws {
        let (network, envelopes) = try network()
        for _ in 1...2 {
            try network.start("truc")
            let end = try damage(network) { _ = try network.control("truc", ["check", "commit"]) }
            #expect(end == .exited(70), "\(network.logTail("truc"))")
            try putBack(network)
        }
        let sentence = try refusal(network)
        #expect(sentence.contains("has stopped 2 times running, the last time because: "), "\(sentence)")
        #expect(sentence.contains("edocctl --store asks it; edocctl salvage brings"), "\(sentence)")
        // It can be asked meanwhile: how it stands, what is in it, and any document.
        let store = ["--store", network.folder["truc/store"]]
        let list = try network.run(Places.edocctl, store + ["queue", "list", "--json"])
        #expect(list.end == .exited(0) && envelopes.allSatisfy(list.output.contains), "\(list)")
        let status = try network.run(Places.edocctl, store + ["status"])
        #expect(status.end == .exited(0), "\(status)")
        for command in [["outcomes"], ["list", "--outcome", "undelivered"]] {
            let answer = try network.run(Places.edocctl, store + command)
            #expect(answer.end == .exited(0), "\(answer)")
        }
        // Asking does not make it start.
        #expect(try refusal(network) == sentence)
        #expect(unlink(network.folder["truc/store/stopped"]) == 0)
        try expectAllGoesOn(network, envelopes, more: 0)
    }
}
