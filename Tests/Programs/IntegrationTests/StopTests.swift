// StopTests: a daemon that is told to stop keeps nobody waiting who waits for news.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct StopTests {
    private func curl(_ network: Network, _ path: String, to name: String, _ more: [String] = []) throws -> Program {
        try Program(
            "/usr/bin/curl",
            ["-sS", "--unix-socket", network.folder["vpcp/control.sock"]] + more + ["http://localhost" + path],
            output: network.folder[name], errors: network.folder[name + ".err"])
    }

    private func ask(_ network: Network, _ path: String) throws -> OutcomesAnswer {
        // What a program says is put behind what is there.
        try network.folder.write("", to: "answer")
        let program = try curl(network, path, to: "answer")
        #expect(program.wait() == .exited(0), "\(network.folder.text("answer.err"))")
        return try ControlJSON.answer(OutcomesAnswer.self, from: try network.folder.bytes("answer"))
    }

    /// A reader of the feed gets its answer, with the cursor that it came with, and who watches frames is told why it ends.
    @Test func whoWaitsIsAnswered() throws {
        let network = try Network(plain: true)
        try network.start("vpcp")
        let cursor = try #require(try ask(network, "/v1/outcomes?after=now").cursor)
        let reader = try curl(network, "/v1/outcomes?wait=60s&after=\(cursor)", to: "reader")
        let watcher = try curl(network, "/v1/wire/truc", to: "watcher", ["-N"])
        #expect(try eventually { network.folder.text("watcher").contains("WATCH") })
        // The reader is within its request when a later one of another connection has been answered.
        _ = try ask(network, "/v1/outcomes?after=now")
        #expect(network.stop("vpcp") == .exited(0))
        #expect(reader.wait() == .exited(0), "\(network.folder.text("reader.err"))")
        let answer = try ControlJSON.answer(OutcomesAnswer.self, from: try network.folder.bytes("reader"))
        #expect(answer.outcomes.isEmpty && answer.cursor == cursor && answer.isGap == nil)
        #expect(watcher.wait() == .exited(0), "\(network.folder.text("watcher.err"))")
        #expect(network.folder.text("watcher").contains("this node is stopping"))
        let log = network.logText("vpcp")
        #expect(log.contains("stopping") && log.contains("stopped"))
        #expect(log.components(separatedBy: "event=stopping").count <= 2, "it is said once")
    }

    /// What is no HTTP is an error like the others.
    @Test func whatIsNoHTTPIsAnsweredInWords() throws {
        let network = try Network(plain: true)
        try network.start("vpcp")
        let program = try curl(network, "/v1/status", to: "answer", ["-i", "-X", "G(T"])
        _ = program.wait()
        let text = network.folder.text("answer")
        #expect(text.hasPrefix("HTTP/1.1 400 "), "\(text)")
        #expect(text.contains("the request is not HTTP that can be understood") && text.contains("\"code\""), "\(text)")
    }
}
