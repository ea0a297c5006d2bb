// SuspectTests: an envelope that makes the daemon crash, on the thread that decides or on a link's loop. At the second crash
// running it is held as a suspect, and all others go on. A SIGKILL says nothing of what was in hand.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct SuspectTests {
    enum Place: String, CaseIterable, CustomTestStringConvertible {
        case engine = "engine"
        case loop = "NIO-ELT"
        var testDescription: String { rawValue }
    }

    /// Three documents wait at the hub for hanoi, which is not there; the second is bad on a certain thread.
    private func network(_ thread: Place, signal: Int32) throws -> (network: Network, envelopes: [String]) {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        try Data("Kính gửi: Ủy ban nhân dân Thành phố Hà Nội".utf8).write(
            to: URL(fileURLWithPath: network.folder["text"]))
        let envelopes = try (1...3).map { index in
            try network.submit(
                "vpcp", network.folder["text"], ["--sender", "G22", "--to", "H26", "--document", "\(index)"]
            ).envelope
        }
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 3 }, "\(network.logTail("truc"))")
        let number = try network.show("truc", envelopes[1]).envelope.number
        for name in ["vpcp", "truc"] { #expect(network.stop(name) == .exited(0)) }
        network.setEnvironment(
            "truc",
            [
                "LD_PRELOAD": try network.interposer("crasher"), "EDOC_CRASH_THREAD": thread.rawValue,
                "EDOC_CRASH_PAGE": network.folder["truc/store/in-hand"], "EDOC_CRASH_ENVELOPE": String(number),
                "EDOC_CRASH_SIGNAL": String(signal),
                // The runtime's own report of a crash takes seconds.
                "SWIFT_BACKTRACE": "enable=no",
            ])
        return (network, envelopes)
    }

    /// The hub starts, hanoi comes, and the hub is gone.
    private func expectCrash(_ network: Network, _ signal: Int32) throws {
        try network.start("truc")
        try network.start("hanoi")
        #expect(try network.end(of: "truc") == .signalled(signal), "\(network.logTail("truc"))")
        network.stop("hanoi")
    }

    private func state(_ network: Network, _ envelope: String) throws -> String? {
        try network.show("truc", envelope).envelope.recipients.first?.state
    }

    @Test(arguments: Place.allCases, [SIGABRT, SIGSEGV])
    func theSecondCrashRunningMakesASuspect(_ place: Place, _ signal: Int32) throws {
        let (network, envelopes) = try network(place, signal: signal)
        try expectCrash(network, signal)
        #expect(!network.logText("truc").contains("suspect"))
        try expectCrash(network, signal)
        try network.start("truc")
        #expect(try eventually { try state(network, envelopes[1]) == "held" }, "\(network.logTail("truc"))")
        let answer = try network.show("truc", envelopes[1]).envelope
        #expect(answer.recipients[0].lastAnswer.hasPrefix("held (suspect)"))
        #expect(network.logText("truc").contains("held as suspect: in hand at two crashes running"))

        // The others go on, and the daemon with them.
        try network.start("hanoi")
        #expect(
            try eventually { Set(try network.inbox("hanoi", "H26").map(\.envelope)) == [envelopes[0], envelopes[2]] },
            "\(network.logTail("truc"))")
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 0 })
        #expect(try network.status("truc").inStore["held"] == 1)
        #expect(network.isRunning("truc"))
        try network.expectBooksBalance(["truc", "hanoi"])
    }

    @Test func killingMakesNoSuspect() throws {
        let (network, envelopes) = try network(.engine, signal: SIGKILL)
        for _ in 1...2 { try expectCrash(network, SIGKILL) }
        network.setEnvironment("truc", [:])
        try network.start(["truc", "hanoi"])
        #expect(
            try eventually { Set(try network.inbox("hanoi", "H26").map(\.envelope)) == Set(envelopes) },
            "\(network.logTail("truc"))")
        #expect(!network.logText("truc").contains("suspect"))
    }
}
