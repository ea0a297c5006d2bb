// SessionLifetimeTests: sessions end in order when they have lived as long as they may, new ones begin, and the documents that go
// through meanwhile arrive, each once.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct SessionLifetimeTests {
    private static let reason = "The session has lived as long as sessions may."

    /// A neighbour that hangs is cut long before the time that one gets which finishes something.
    @Test func aPeerThatHangsDoesNotHoldTheStop() throws {
        let network = try Network()
        try network.start(["vpcp", "truc"])
        #expect(try eventually { try session(network) != nil }, "\(network.logTail("truc"))")
        network.send(SIGSTOP, to: "truc")
        #expect(network.stop("vpcp") == .exited(0), "\(network.logTail("vpcp"))")
        network.send(SIGCONT, to: "truc")
        #expect(network.logText("vpcp").contains("nothing is heard any more and the session is cut"))
        // One that answers is not.
        try network.start("vpcp")
        #expect(try eventually { try session(network) != nil }, "\(network.logTail("truc"))")
        #expect(network.stop("vpcp") == .exited(0))
        // The one for urgent documents was cut with it.
        #expect((1...2).contains(network.logText("vpcp").ranges(of: "the session is cut").count))
    }

    @Test func sessionsEndInOrderUnderLoad() throws {
        let network = try Network()
        let nodes = ["vpcp", "truc", "hcm"]
        try network.replace("truc", "tls:\n", "session:\n  session_lifetime: 1s\ntls:\n")
        try network.start(nodes)
        #expect(try eventually { try session(network) != nil }, "\(network.logTail("truc"))")
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        // Documents until both links have been begun anew at least twice, so that sessions end with transfers on them.
        var count = 0
        let hasEnded = try eventually {
            for _ in 0..<20 {
                count += 1
                let isSent = client.submit(
                    token: UInt64(count), from: "G22", to: ["H29"], document: "VB \(count)",
                    payload: [UInt8](repeating: 5, count: 20_000))
                guard isSent, case .accepted = client.answer() else { throw TestFailure("not accepted") }
            }
            return endings(network, "vpcp") >= 2 && endings(network, "hcm") >= 2
        }
        #expect(hasEnded, "\(network.logTail("truc"))")
        #expect(try eventually { try network.inbox("hcm", "H29").count >= count }, "\(network.logTail("truc"))")
        let documents = try network.inbox("hcm", "H29")
        #expect(documents.count == count && Set(documents.map(\.documentID)).count == count)
        // The link stays up over them: one session takes over from the other.
        #expect(try session(network) != nil)
        // In order: nothing was in doubt, nothing was sent twice.
        let ledger = try network.ledger("truc")
        #expect(ledger.refusedTransfers["duplicate"] ?? 0 == 0, "\(ledger.refusedTransfers)")
        try network.expectBooksBalance(nodes)
    }

    /// When the session with vpcp began.
    private func session(_ network: Network) throws -> Timestamp? {
        let answer: PeersAnswer = try network.ask("truc", "peers")
        return answer.peers.first { $0.node == "vpcp" && $0.state == "up" }?.since
    }

    private func endings(_ network: Network, _ peer: String) -> Int {
        network.logText("truc").split(separator: "\n").count { $0.contains(Self.reason) && $0.contains(peer) }
    }
}
