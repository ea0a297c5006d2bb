// FrozenDiskTests: the disk of the store hangs under the real daemon: no sync, no write and no question after its room is answered. Whoever
// asks how the node is hears so, in two seconds, however many ask and however often; and all goes on when the disk does.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct FrozenDiskTests {
    /// The daemon's two seconds, and what it takes to start a client on a busy machine.
    private static let patience = 4.0
    private static let sentence = "the store cannot be read: its disk does not answer"

    private static func timed<Result>(_ body: () throws -> Result) rethrows -> (Result, Double) {
        let start = ProcessInfo.processInfo.systemUptime
        let result = try body()
        return (result, ProcessInfo.processInfo.systemUptime - start)
    }

    private static func health(_ network: Network, commit: Bool = false) throws -> HealthAnswer {
        let page = try network.run(
            "/usr/bin/env",
            [
                "curl", "-s", "--max-time", "20", "--unix-socket", network.folder["vpcp/control.sock"],
                "http://localhost/v1/health" + (commit ? "?commit=true" : ""),
            ])
        return try ControlJSON.answer(HealthAnswer.self, from: Array(page.output.utf8))
    }

    @Test func whoAsksHearsThatTheDiskHangs() throws {
        let network = try Network()
        network.setEnvironment(
            "vpcp",
            [
                "LD_PRELOAD": try network.interposer("interposer"),
                "EDOC_INTERPOSE_FROZEN": network.folder["frozen"],
            ])
        try network.start("vpcp")
        let well = try Self.health(network, commit: true)
        #expect(well.storeError == nil && well.commitError == nil && well.commitMicroseconds != nil)
        try network.folder.write("", to: "frozen")
        defer { unlink(network.folder["frozen"]) }
        // The engine hangs in the sync of this document.
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        #expect(client.submit(token: 1, from: "G22", to: ["H29"], document: "một", payload: [1, 2, 3]))
        // More often than there are threads to look at a store.
        for _ in 0..<20 {
            let (answer, span) = try Self.timed { try Self.health(network) }
            #expect(span < Self.patience, "\(span) s")
            #expect(answer.storeError == Self.sentence && answer.engineMilliseconds == nil)
            #expect(answer.node == "vpcp" && answer.disk.mapBytes > 0)
        }
        let (probed, span) = try Self.timed { try Self.health(network, commit: true) }
        #expect(span < Self.patience && probed.commitError == Self.sentence, "\(span) s")
        let (check, checked) = try Self.timed { try network.control("vpcp", ["check"]) }
        #expect(checked < 3 * Self.patience, "\(checked) s")
        #expect(check.end == .exited(2) && check.output.contains("disk does not answer"), "\(check)")
        #expect(network.isRunning("vpcp"))
        // It thaws: what was handed in is taken, and nothing is left of it.
        unlink(network.folder["frozen"])
        guard case .accepted = client.answer() else { throw TestFailure("the submission was refused") }
        #expect(
            try eventually {
                let answer = try Self.health(network, commit: true)
                return answer.storeError == nil && answer.commitError == nil && answer.engineMilliseconds != nil
            })
    }
}
