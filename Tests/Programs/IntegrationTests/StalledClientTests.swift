// StalledClientTests: a client of the control socket or of the submission socket that does not read its answers, or stops in the middle of
// what it sends, is dropped by the real daemon, is told of once and counted; others are answered meanwhile and afterwards.

import ControlAPI
import NIOCore
import RelayModel
import RelayNode
import TestNetwork
import Testing

@Suite(.serialized) struct StalledClientTests {
    private func node() throws -> Network {
        let network = try Network(plain: true)
        try network.replace(
            "vpcp", "  submit_socket: vpcp/submit.sock", "  submit_socket: vpcp/submit.sock\n  client_timeout: 2s")
        try network.start("vpcp")
        return network
    }

    /// One notice each, and the figure for monitors.
    private func expectDropped(
        _ network: Network, _ socket: String, _ words: [String], location: SourceLocation = #_sourceLocation
    ) throws {
        let notices = network.logText("vpcp").split(separator: "\n").filter { $0.contains("was dropped") }
        #expect(notices.count == words.count, "\(notices)", sourceLocation: location)
        for (notice, word) in zip(notices, words) {
            #expect(notice.contains("\(socket): a client that \(word) was dropped"), sourceLocation: location)
        }
        let figures = try network.run(
            "/usr/bin/curl",
            ["-sS", "--unix-socket", network.folder["vpcp/control.sock"], "http://localhost/metrics"])
        #expect(
            figures.output.contains("edoc_clients_dropped_total{node=\"vpcp\",socket=\"\(socket)\"} \(words.count)\n"),
            "\(figures.output.split(separator: "\n").filter { $0.contains("dropped") })", sourceLocation: location)
    }

    @Test func theControlSocket() throws {
        let network = try node()
        let client = try BulkClient(socket: network.folder["vpcp/control.sock"])
        let request = Array("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        let many = Array(repeatElement(request, count: 100).joined())
        // Its answers are not read: first the daemon stops taking its requests, then it drops it.
        var written = 0
        while client.write(many) {
            written += 1
            try #require(written < 10_000)
        }
        #expect(client.isEnded())
        #expect(try network.status("vpcp").node == "vpcp")
        try expectDropped(network, "control", ["does not read its answer"])
    }

    @Test func theSubmissionSocket() throws {
        let network = try node()
        let socket = network.folder["vpcp/submit.sock"]
        // Between two frames a client may be silent as long as it likes.
        let patient = try BulkClient(socket: socket)
        func expectAnswer(_ token: UInt64) {
            #expect(patient.submit(token: token, from: "G22", to: ["H29"], document: "\(token)", payload: [1, 2, 3]))
            guard case .accepted(token, _) = patient.answer() else {
                Issue.record("\(token): \(network.logTail("vpcp"))")
                return
            }
        }
        expectAnswer(1)

        let deaf = try BulkClient(socket: socket)
        let nobody = String(repeating: "x", count: 8_000)
        var written = 0
        while deaf.submit(token: UInt64(written), from: nobody, to: ["H29"], document: "", payload: [1]) {
            written += 1
            try #require(written < 100_000)
        }
        #expect(deaf.isEnded())
        expectAnswer(2)

        // In a head, in a payload that is taken, and in one that is read over.
        var frame = ByteBuffer()
        BulkRequest(
            token: 9, sender: "G22", recipients: ["H29"], urgency: .normal, documentID: "broken off", lifetime: .zero,
            payloadLength: 1_000
        ).write(to: &frame)
        var foreign = ByteBuffer()
        BulkRequest(
            token: 9, sender: "H29", recipients: ["H29"], urgency: .normal, documentID: "", lifetime: .zero,
            payloadLength: 1_000
        ).write(to: &foreign)
        let head = Array(frame.readableBytesView)
        for bytes in [Array(head.prefix(20)), head + [1, 2, 3], Array(foreign.readableBytesView) + [1]] {
            let stalled = try BulkClient(socket: socket)
            #expect(stalled.write(bytes))
            #expect(stalled.isEnded())
        }
        expectAnswer(3)
        let stopped = "stopped in the middle of a frame"
        try expectDropped(network, "submission", ["does not read its answer", stopped, stopped, stopped])
        #expect(try network.ledger("vpcp").documents?.submitted == 3)
        try network.expectBooksBalance(["vpcp"])
    }
}
