// FailedSyncTests: a sync that fails, in the real daemon, over plain TCP so that the octets can be read. What the disk holds is not
// known any more: the daemon ends with a word and exit code 70, nothing of the batch is answered, reported or handed on, and after
// a start on a disk that works nothing is lost that was accepted before.

import ControlAPI
import Foundation
import NIOCore
import RelayModel
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct FailedSyncTests {
    /// In the octets of whatever is to meet the failure; often enough to lie within one read.
    private static let marker = "sync-fails-here"
    private static let payload = [UInt8](Data(String(repeating: marker + " ", count: 40).utf8))
    private static let nodes = ["vpcp", "truc", "hcm"]

    /// vpcp, truc and hcm run, one document has arrived, and one waits at the hub for hanoi, which the test can be.
    private final class Scene {
        let network: Network
        let library: String
        let arrived: String
        let waiting: String

        init() throws {
            network = try Network(plain: true)
            library = try network.interposer("interposer")
            try network.start(FailedSyncTests.nodes)
            let file = try network.package("before.edxml", to: ["H29", "H26"])
            let first = try network.submit("vpcp", file)
            arrived = first.envelope
            waiting = first.envelope
            let network = network
            guard
                try eventually({
                    try network.inbox("hcm", "H29").count == 1 && network.status("truc").inStore["waiting"] == 1
                        && network.trace("vpcp", first.envelope).recipients.contains { $0.state == "arrived" }
                })
            else { throw TestFailure("the first document does not arrive") }
        }

        /// Starts a node anew, so that the first sync behind the text fails, and each takes a while.
        func arm(_ name: String, at text: String) throws {
            #expect(network.stop(name) == .exited(0))
            network.setEnvironment(
                name,
                [
                    "LD_PRELOAD": library, "EDOC_INTERPOSE_LOG": network.folder[name + ".calls"],
                    "EDOC_INTERPOSE_DELAY_MS": "100", "EDOC_INTERPOSE_FAIL_AT": text,
                ])
            try network.start(name)
            if name != "truc" {
                let network = network
                #expect(try eventually { try network.status(name).links.up == 1 })
            }
        }

        /// The node has ended because of the failure; then it starts without it. Gives what it did.
        func end(_ name: String) throws -> InterposedLog {
            #expect(try network.end(of: name) == .exited(70))
            #expect(network.logText(name).contains("critical: the store has failed, the daemon stops"))
            let log = InterposedLog(network.folder.text(name + ".calls"))
            #expect(log.failedSyncs.count == 1)
            // Nothing of its own disk is touched behind the failure.
            #expect(log.commits.allSatisfy { $0.ended < log.failedSyncs.first ?? 0 })
            try expectAnswersWait(log)
            unlink(network.folder[name + ".calls"])
            network.setEnvironment(name, [:])
            try network.start(name)
            return log
        }

        /// END acknowledgements and refusals of documents have their commits; those of the batch that failed do not exist.
        private func expectAnswersWait(_ log: InterposedLog) throws {
            let incoming = log.transfersIn()
            for answer in log.answersOut() {
                let transfer = try #require(
                    incoming.first { $0.connection == answer.connection && $0.id == answer.id })
                #expect(log.hasCommit(after: transfer.ended, before: answer.order))
            }
        }

        /// Everything that was accepted before, and `more`, is where it belongs, once.
        func expectNothingLost(more: Set<String>) throws {
            let network = network
            let expected = more.union([arrived])
            let isThere = try eventually { try network.inbox("hcm", "H29").count == expected.count }
            #expect(isThere, "\(network.logTail("vpcp"))\n\(network.logTail("truc"))\n\(network.logTail("hcm"))")
            #expect(try Set(network.inbox("hcm", "H29").map(\.envelope)) == expected)
            let recipient = try network.show("truc", waiting).envelope.recipients.first { $0.name == "H26" }
            #expect(recipient?.state == "waiting")
            try network.expectBooksBalance(FailedSyncTests.nodes)
        }
    }

    /// A peer sends, and sends again in the same breath: neither an END acknowledgement nor *Completed*.
    @Test func ofAnOffer() throws {
        let scene = try Scene()
        // Two with one identity are not let in: the test is vpcp for a while.
        #expect(scene.network.stop("vpcp") == .exited(0))
        try scene.arm("truc", at: Self.marker)
        let hanoi = try RawPeer(port: scene.network.port, as: "vpcp", tls: nil)
        let sample = SampleBundle { $0.payload = Self.payload }
        let ids = try [hanoi.offer(sample.octets()), hanoi.offer(sample.octets())]
        for id in ids {
            guard case .unanswered = try hanoi.answer(to: id) else {
                Issue.record("a transfer was answered")
                continue
            }
        }
        let log = try scene.end("truc")
        #expect(log.transfersIn().contains { $0.bundle == sample.bundleID })
        #expect(!log.transfersOut().contains { $0.bundle == sample.bundleID })
        // It is offered again.
        let again = try RawPeer(port: scene.network.port, as: "vpcp", tls: nil)
        #expect(try again.send(sample.octets()) == .acknowledged)
        try scene.network.start("vpcp")
        try scene.expectNothingLost(more: [sample.bundleID.envelopeName])
    }

    /// At the recipient's home: no acknowledgement, no arrival, and no report of one.
    @Test func ofAnArrival() throws {
        let scene = try Scene()
        let network = scene.network
        try scene.arm("hcm", at: Self.marker)
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        #expect(client.submit(token: 1, from: "G22", to: ["H29"], document: "a", payload: Self.payload))
        guard case .accepted(_, let name)? = client.answer() else { throw TestFailure("not accepted") }
        let log = try scene.end("hcm")
        let bundle = try #require(BundleID(envelopeName: name))
        #expect(log.transfersIn().contains { $0.bundle == bundle })
        for report in log.transfersOut() where report.isReport {
            #expect(!Hub.rows(of: report.payload).contains { $0.bundle == bundle })
        }
        try scene.expectNothingLost(more: [name])
        let isKnown = try eventually { try network.trace("vpcp", name).recipients.map(\.state) == ["arrived"] }
        #expect(isKnown, "\(network.logTail("vpcp"))")
    }

    /// Documents handed in on the submission socket, many in one breath: none is answered.
    @Test func ofBulkSubmissions() throws {
        let scene = try Scene()
        let network = scene.network
        try scene.arm("vpcp", at: Self.marker)
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        var isSent = true
        for token in 1...20 where isSent {
            isSent = client.submit(
                token: UInt64(token), from: "G22", to: ["H29"], document: "bulk \(token)", payload: Self.payload)
        }
        #expect(client.answer() == nil)
        let log = try scene.end("vpcp")
        #expect(log.transfersOut().allSatisfy { $0.isReport })
        try scene.expectNothingLost(more: [])
    }

    /// Handed in on the control socket: edocctl does not say that it was accepted.
    @Test func ofASubmission() throws {
        let scene = try Scene()
        let network = scene.network
        try scene.arm("vpcp", at: Self.marker)
        try network.folder.write(String(decoding: Self.payload, as: UTF8.self), to: "letter.txt")
        let result = try network.control(
            "vpcp", ["submit", network.folder["letter.txt"], "--sender", "G22", "--to", "H29"])
        #expect(result.end != .exited(0) && result.output.isEmpty, "\(result)")
        expectNoSuccess(try scene.end("vpcp"), of: "POST /v1/submit")
        try scene.expectNothingLost(more: [])
    }

    /// The agency is not told that its acknowledgement counts, and finds the document again.
    @Test func ofAnAcknowledgement() throws {
        let scene = try Scene()
        let network = scene.network
        try scene.arm("hcm", at: "POST /v1/inbox/H29/ack")
        let result = try network.control("hcm", ["inbox", "ack", "H29", scene.arrived])
        #expect(result.end != .exited(0) && result.output.isEmpty, "\(result)")
        let log = try scene.end("hcm")
        expectNoSuccess(log, of: "POST /v1/inbox/H29/ack")
        for report in log.transfersOut() where report.isReport {
            #expect(!Hub.rows(of: report.payload).contains { $0.state == .delivered })
        }
        try scene.expectNothingLost(more: [])
        let taken: AcknowledgeAnswer = try network.ask("hcm", "inbox", "ack", "H29", scene.arrived)
        #expect(taken.taken == 1)
        let isKnown = try eventually {
            try network.trace("vpcp", scene.arrived).recipients.contains { $0.state == "delivered" }
        }
        #expect(isKnown)
    }

    private func expectNoSuccess(_ log: InterposedLog, of request: String) {
        let inodes = log.read.filter { $0.value.bytes.starts(with: Array(request.utf8)) }.map(\.key)
        #expect(inodes.count == 1)
        for inode in inodes {
            let answered = log.written[inode]?.bytes ?? []
            #expect(!answered.starts(with: Array("HTTP/1.1 2".utf8)))
        }
    }
}
