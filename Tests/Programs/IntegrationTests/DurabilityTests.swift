// DurabilityTests: invariant 1 in the real daemon. Syncs and socket writes of the real programs are written down by an interposed
// library, over plain TCP so that the octets can be read, with every sync delayed by 200 ms: no END acknowledgement, *Completed*,
// report, hand-over or answer to a submitter leaves before the commit that justifies it is on disk.

import ControlAPI
import Foundation
import NIOCore
import RelayModel
import RelayNode
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct DurabilityTests {
    static let nodes = ["vpcp", "truc", "hcm"]
    static let delay: UInt64 = 200

    private func network() throws -> Network {
        let network = try Network(plain: true)
        let library = try network.interposer("interposer")
        for name in Self.nodes {
            network.setEnvironment(
                name,
                [
                    "LD_PRELOAD": library, "EDOC_INTERPOSE_LOG": network.folder[name + ".calls"],
                    "EDOC_INTERPOSE_DELAY_MS": String(Self.delay),
                ])
        }
        try network.start(Self.nodes)
        return network
    }

    @Test func nothingLeavesBeforeItsCommit() throws {
        let network = try network()
        // By the control socket, by the submission socket, and twice in one breath by a peer.
        let file = try network.package("dispatch.edxml", to: ["H29", "H29.15"])
        let accepted = try network.submit("vpcp", file)
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        for token in 1...20 {
            #expect(
                client.submit(
                    token: UInt64(token), from: "G22", to: ["H29"], document: "bulk \(token)",
                    payload: [UInt8](repeating: 5, count: 3_000)))
        }
        for _ in 1...20 {
            guard case .accepted = client.answer() else { throw TestFailure("a submission was refused") }
        }
        let hanoi = try RawPeer(port: network.port, as: "hanoi", tls: nil)
        let sample = SampleBundle {
            $0.source = "hanoi"
            $0.sender = "H26"
            $0.path = ["hanoi"]
        }
        let first = try hanoi.offer(sample.octets())
        let second = try hanoi.offer(sample.octets())
        #expect(try hanoi.answer(to: first) == .acknowledged)
        #expect(try hanoi.answer(to: second) == .refused(.completed))
        #expect(try eventually { try network.inbox("hcm", "H29").count == 22 }, "\(network.logTail("truc"))")
        let taken: AcknowledgeAnswer = try network.ask("hcm", "inbox", "ack", "H29", accepted.envelope)
        #expect(taken.taken == 1)
        #expect(
            try eventually {
                try network.trace("vpcp", accepted.envelope).recipients.contains { $0.state == "delivered" }
            })
        for name in Self.nodes { #expect(network.stop(name) == .exited(0), "\(network.logTail(name))") }

        let logs = Dictionary(
            uniqueKeysWithValues: Self.nodes.map { ($0, InterposedLog(network.folder.text($0 + ".calls"))) })
        for name in Self.nodes {
            let log = try #require(logs[name])
            #expect(log.commits.count > 3, "\(name)")
            #expect(log.commits.allSatisfy { $0.nanoseconds >= Self.delay * 1_000_000 })
            try expectAnswersWait(name, log)
            try expectHandOversWait(name, log)
        }
        try expectCompletedWaits(try #require(logs["truc"]), sample.bundleID)
        try expectReportsWait(try #require(logs["hcm"]))
        try expectSubmittersWait(try #require(logs["vpcp"]))
        try expectAcknowledgementWaits(try #require(logs["hcm"]))
    }

    /// END acknowledgements: of whatever came in.
    private func expectAnswersWait(_ name: String, _ log: InterposedLog) throws {
        let incoming = log.transfersIn()
        let answers = log.answersOut()
        #expect(!incoming.isEmpty, "\(name) has taken nothing")
        for transfer in incoming {
            let answer = answers.first { $0.connection == transfer.connection && $0.id == transfer.id }
            let found = try #require(answer, "\(name): \(transfer.bundle) has no answer")
            guard found.refusal == nil else { continue }
            expectCommit(log, after: transfer.ended, before: found.order, "\(name): END of \(transfer.bundle)")
        }
    }

    /// What goes on to the next hop was on this disk first.
    private func expectHandOversWait(_ name: String, _ log: InterposedLog) throws {
        let incoming = log.transfersIn()
        for transfer in log.transfersOut() {
            guard let came = incoming.filter({ $0.bundle == transfer.bundle }).map(\.ended).min() else { continue }
            expectCommit(log, after: came, before: transfer.began, "\(name): \(transfer.bundle) goes on")
        }
        if name == "truc" { #expect(log.transfersOut().count >= 22) }
    }

    /// *Completed* for the second copy leaves after the commit of the first.
    private func expectCompletedWaits(_ log: InterposedLog, _ bundle: BundleID) throws {
        let copies = log.transfersIn().filter { $0.bundle == bundle }.sorted { $0.ended < $1.ended }
        #expect(copies.count == 2)
        let first = try #require(copies.first)
        let refusal = try #require(log.answersOut().first { $0.refusal == .completed })
        expectCommit(log, after: first.ended, before: refusal.order, "Completed")
    }

    /// A report leaves the home after the commit of what it reports, and its own.
    private func expectReportsWait(_ log: InterposedLog) throws {
        let documents = log.transfersIn().filter { !$0.isReport }
        let reports = log.transfersOut().filter(\.isReport)
        #expect(!reports.isEmpty)
        for report in reports {
            for row in rows(of: report) {
                let came = documents.filter { $0.bundle == row.bundle }.map(\.ended).min()
                let ended = try #require(came, "\(row.bundle) is reported and has not come")
                expectCommit(log, after: ended, before: report.began, "report of \(row.bundle)")
            }
        }
    }

    /// A sync began after one moment and its commit was on disk before the other.
    private func expectCommit(
        _ log: InterposedLog, after: Int, before: Int, _ what: String, _ location: SourceLocation = #_sourceLocation
    ) {
        let isCommitted = log.hasCommit(after: after, before: before)
        #expect(isCommitted, "\(what) leaves before its commit", sourceLocation: location)
    }

    private func rows(of transfer: InterposedTransfer) -> [ReportRow] { Hub.rows(of: transfer.payload) }

    /// Answers on the submission socket, and 201 on the control socket.
    private func expectSubmittersWait(_ log: InterposedLog) throws {
        var bulk = 0
        var created = 0
        for (inode, asked) in log.read {
            let answered = log.written[inode] ?? InterposedStream()
            if asked.bytes.starts(with: Array("EDS1".utf8)) {
                var requests = ByteBuffer(bytes: asked.bytes)
                var ends: [UInt64: Int] = [:]
                while let request = try BulkRequest.read(from: &requests) {
                    requests.moveReaderIndex(forwardBy: Int(request.payloadLength))
                    ends[request.token] = asked.order(at: requests.readerIndex - 1)
                }
                var answers = ByteBuffer(bytes: answered.bytes)
                while true {
                    let place = answers.readerIndex
                    guard case .accepted(let token, _)? = BulkAnswer.read(from: &answers) else { break }
                    bulk += 1
                    let came = try #require(ends[token])
                    expectCommit(log, after: came, before: answered.order(at: place), "answer \(token)")
                }
            } else if asked.bytes.starts(with: Array("POST /v1/submit".utf8)) {
                created += 1
                #expect(answered.bytes.starts(with: Array("HTTP/1.1 201".utf8)))
                let came = asked.order(at: asked.bytes.count - 1)
                expectCommit(log, after: came, before: answered.order(at: 0), "201")
            }
        }
        #expect(bulk == 20 && created == 1)
    }

    /// The agency hears that its acknowledgement counts when it is on disk.
    private func expectAcknowledgementWaits(_ log: InterposedLog) throws {
        var count = 0
        for (inode, asked) in log.read where asked.bytes.starts(with: Array("POST /v1/inbox/H29/ack".utf8)) {
            let answered = try #require(log.written[inode])
            #expect(answered.bytes.starts(with: Array("HTTP/1.1 200".utf8)))
            count += 1
            expectCommit(log, after: asked.order(at: asked.bytes.count - 1), before: answered.order(at: 0), "ack")
        }
        #expect(count == 1)
    }
}
