// DeedTests: what an operator does with the real programs: look, apply, undo; a job that a crash interrupts; what must be refused;
// suspending, resubmitting and draining.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite struct DeedTests {
    /// The text of a document, which is none of the relay's business.
    private static func letter(_ network: Network, _ name: String) throws -> String {
        try network.folder.write("công văn \(name)\n", to: name)
        return network.folder[name]
    }

    @discardableResult
    private static func submit(
        _ network: Network, _ name: String, to recipients: [String], _ options: [String] = []
    ) throws -> SubmitAnswer {
        let flags = ["--sender", "G22", "--document", name] + recipients.flatMap { ["--to", $0] }
        return try network.submit("vpcp", try letter(network, name), flags + options)
    }

    private static func state(_ network: Network, _ envelope: String, _ recipient: String) throws -> String? {
        try network.show("vpcp", envelope).envelope.recipients.first { $0.name == recipient }?.state
    }

    @Test func lookApplyUndo() throws {
        let network = try Network()
        try network.start("vpcp")
        let first = try Self.submit(network, "1", to: ["H29", "H26"])
        try Self.submit(network, "2", to: ["H29"])

        // Looking touches nothing.
        let preview: PreviewAnswer = try network.ask("vpcp", "hold", "--to", "H29")
        #expect(preview.count == 2 && preview.lines.count == 2)
        #expect(preview.bytes == preview.lines.reduce(0) { $0 + $1.bytes })
        let id = String(try #require(preview.job).id)
        #expect(try Self.state(network, first.envelope, "H29") == "waiting")
        let text = try network.control("vpcp", ["hold", "--to", "H29"]).output
        #expect(text.contains("Nothing has been done yet") && text.contains("--apply"))
        let vietnamese = try network.run(
            Places.edocctl, ["hold", "--to", "H29", "--socket", network.folder["vpcp/control.sock"]],
            environment: ["LC_ALL": "vi_VN.UTF-8"])
        #expect(vietnamese.output.contains("Chưa thực hiện gì") && vietnamese.output.contains("NƠI NHẬN"))

        let held: JobAnswer = try network.ask("vpcp", "hold", "--apply", id)
        #expect(held.job.phase == "done" && held.job.done == 2 && held.job.skipped == 0 && held.job.failed == 0)
        #expect(try Self.state(network, first.envelope, "H29") == "held")
        #expect(try Self.state(network, first.envelope, "H26") == "waiting")

        // Not twice; undone within its time, and not twice either.
        #expect(try network.control("vpcp", ["hold", "--apply", id]).end == .exited(1))
        let undone: JobAnswer = try network.ask("vpcp", "hold", "--undo", id)
        #expect(undone.job.phase == "undone" && undone.job.undone == 2)
        #expect(try Self.state(network, first.envelope, "H29") == "waiting")
        #expect(try network.control("vpcp", ["hold", "--undo", id]).end == .exited(1))

        // A deletion needs a reason, and is kept for a while.
        let unreasoned = try network.control("vpcp", ["delete", "--document", "2"])
        #expect(unreasoned.end == .exited(1) && unreasoned.errors.contains("reason"))
        let deletion: PreviewAnswer = try network.ask("vpcp", "delete", "--document", "2", "--reason", "gửi nhầm")
        let job = String(try #require(deletion.job).id)
        let deleted: JobAnswer = try network.ask("vpcp", "delete", "--apply", job)
        #expect(deleted.job.done == 1 && deleted.job.undoUntil != nil)
        #expect(try network.status("vpcp").inStore["deleting"] == 1)
        #expect((try network.ask("vpcp", "delete", "--undo", job) as JobAnswer).job.undone == 1)
        try network.expectBooksBalance(["vpcp"])
        let jobs: JobsAnswer = try network.ask("vpcp", "jobs")
        #expect(jobs.jobs.first?.reason == "gửi nhầm")

        // What was held and deleted and taken back arrives, once.
        try network.start(["truc", "hcm", "hanoi"])
        network.stop("vpcp")
        try network.start("vpcp")
        #expect(try eventually { try network.inbox("hcm", "H29").count == 2 }, "\(network.logTail("vpcp"))")
        #expect(try eventually { try network.inbox("hanoi", "H26").count == 1 })
    }

    /// SIGKILL while a job runs: it goes on after the start, and its counts are exact.
    @Test func aJobSurvivesACrash() throws {
        let network = try Network()
        try network.start("vpcp")
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        let count: UInt64 = 4_000
        for token in 0..<count {
            let isSent = client.submit(
                token: token, from: "G22", to: ["H29"], document: "\(token)", payload: Array("công văn".utf8))
            #expect(isSent)
            if token % 500 == 499 { for _ in 0..<500 { #expect(client.answer() != nil) } }
        }
        let preview: PreviewAnswer = try network.ask("vpcp", "hold", "--state", "waiting")
        #expect(preview.count == count)
        let id = String(try #require(preview.job).id)
        let started: JobAnswer = try network.ask("vpcp", "hold", "--apply", id, "--no-wait")
        #expect(started.job.phase == "running")
        network.kill("vpcp")
        try network.start("vpcp")
        let isDone = try eventually {
            (try network.ask("vpcp", "jobs", id) as JobAnswer).job.phase == "done"
        }
        let job = (try network.ask("vpcp", "jobs", id) as JobAnswer).job
        #expect(isDone && job.done == count && job.skipped == 0 && job.failed == 0, "\(job)")
        #expect(try network.status("vpcp").inStore["held"] == count)
        try network.expectBooksBalance(["vpcp"])
    }

    @Test func badInputIsOneLine() throws {
        let network = try Network()
        try network.start("vpcp")
        let first = try Self.submit(network, "1", to: ["H29"])
        try Self.submit(network, "2", to: ["H29"])
        let beginning = String(first.envelope.prefix { $0 != "-" })
        for (arguments, status, word) in [
            (["hold", "nothing"], 1, "no envelope here"),
            (["hold", "--to", "Z99"], 1, "no agency"),
            (["hold", "--to", "H29..1"], 1, "no agency code"),
            (["hold", "--peer", "nobody"], 1, "no peer"),
            (["hold", "--state", "lost"], 1, "state must be one of"),
            (["hold", "--older", "long"], 1, "older is a span"),
            (["hold", "--urgency", "9"], 1, "urgency is 0 to 4"),
            (["hold", "--larger", "big"], 1, "larger is a size"),
            (["hold", "--hop", "any"], 1, "give peer"),
            (["hold"], 2, "say which envelopes"),
            (["hold", "--apply", "77"], 1, "no job 77"),
            (["hold", "--apply", "1", "--undo", "1"], 2, "one of"),
            (["hold", "--apply", "1", "--to", "H29"], 2, "leave the selector out"),
            (["delete", "--apply", "1", "--reason", "x"], 2, "belongs to the preview"),
            (["delete", "--undo", "1", "--reason", "x"], 2, "belongs to the preview"),
            (["hold", "--apply", "x"], 2, "invalid"),
            (["hold", ""], 1, "named by nothing"),
            (["show"], 2, "edocctl show --help"),
            (["show", ""], 2, "which envelope?"),
            (["trace", ""], 2, "which envelope?"),
            (["show", beginning + "-"], 1, "several envelopes"),
            (["show", "--nonsense"], 2, "edocctl show --help"),
            (["queue", "list", "--to", "ZZZ"], 1, "edocctl routes explain CODE"),
            (["history", "--agency", "ZZ"], 1, "no agency ZZ"),
            (["doctor", "--store", "/nowhere"], 2, "leave --store out"),
            (["hold", "--records"], 2, "say which envelopes"),
            (["resume", "--peer", "truc"], 1, "not suspended"),
            (["jobs", "77"], 1, "no job 77"),
            (["reroute", "--to", "H29"], 1, "needs a peer"),
            (["reroute", "--to", "H29", "--via", "hanoi"], 1, "no peer"),
            (["suspend", "--state", "waiting", "--reason", "x"], 1, "takes a peer or a receiving agency"),
            (["suspend", "--peer", "truc"], 1, "needs a reason"),
            (["suspend", "--peer", "truc", "--reason", "x", "--for", "soon"], 1, "span"),
            (["drain", "--cancel"], 1, "not being drained"),
        ] as [([String], Int32, String)] {
            let result = try network.control("vpcp", arguments)
            #expect(result.end == .exited(status), "\(arguments): \(result.output) \(result.errors)")
            #expect(result.errors.contains(word), "\(arguments): \(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(arguments): \(result.errors)")
            #expect(result.output.isEmpty, "\(arguments): \(result.output)")
        }
        #expect(try network.control("vpcp", ["history", "--agency", "G22"]).end == .exited(0))
        // A beginning that fits two is named with both.
        let ambiguous = try network.control("vpcp", ["hold", beginning])
        #expect(ambiguous.end == .exited(1) && ambiguous.errors.contains("several envelopes"))
        let json = try network.run(
            "/usr/bin/curl",
            [
                "-sS", "--unix-socket", network.folder["vpcp/control.sock"], "-d",
                #"{"verb": "delete", "reason": "x", "selector": {"sate": ["held"]}}"#,
                "http://localhost/v1/deeds/preview",
            ])
        #expect(json.output.contains("unknown field sate"), "\(json.output)")
    }

    /// A preview does not promise what the job would pass by.
    @Test func onlyItsHomeNodeResubmits() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        let sent = try Self.submit(network, "1", to: ["H29"], ["--lifetime", "4s"])
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 1 })
        let hold: PreviewAnswer = try network.ask("truc", "hold", sent.envelope)
        _ = try network.ask("truc", "hold", "--apply", String(try #require(hold.job).id)) as JobAnswer
        func preview() throws -> PreviewAnswer {
            try network.ask("truc", "resubmit", "--state", "held-expired", "--reason", "x")
        }
        #expect(try eventually { try preview().passedOver == ["not handed in here": 1] })
        let answer = try preview()
        #expect(answer.count == 0 && answer.job == nil)
        let text = try network.control("truc", ["resubmit", "--state", "held-expired", "--reason", "x"]).output
        #expect(text.contains("not touched: 1 (not handed in here)"), "\(text)")
        let refused = try network.control("truc", ["release", "--state", "held-expired"])
        #expect(refused.end == .exited(1) && refused.errors.contains("give a reason"), "\(refused.errors)")
        let ends: PreviewAnswer = try network.ask("truc", "release", "--state", "held-expired", "--reason", "x")
        #expect(ends.count == 1)
    }

    @Test func suspendResubmitDrain() throws {
        let network = try Network()
        try network.start(["truc", "hcm", "vpcp"])
        let suspended: PreviewAnswer = try network.ask(
            "vpcp", "suspend", "--to", "H29.*", "--for", "2h", "--reason", "chuyển trụ sở")
        #expect(suspended.job?.spanSeconds == 7_200)
        let looked = try network.control("vpcp", ["suspend", "--to", "H29.*", "--reason", "x", "--for", "90m"])
        #expect(looked.output.contains(", for 90m. Nothing has been done yet"), "\(looked.output)")
        let endless = try network.control("vpcp", ["suspend", "--to", "H29.*", "--reason", "x"])
        #expect(endless.output.contains(", until it is resumed."), "\(endless.output)")
        let own = try network.control("vpcp", ["suspend", "--to", "G22", "--reason", "x"])
        #expect(own.end == .exited(1) && own.errors.contains("agency G22 is at home here"), "\(own.errors)")
        for command in [["queue", "list", "--document", ""], ["hold", "--answer", ""], ["list", "--document", ""]] {
            let empty = try network.control("vpcp", command)
            #expect(empty.end == .exited(1) && empty.errors.contains("is empty; give it a value"), "\(empty.errors)")
        }
        let id = String(try #require(suspended.job).id)
        #expect(try network.control("vpcp", ["jobs", id]).output.contains(", for 2h\n"))
        #expect((try network.ask("vpcp", "suspend", "--apply", id) as JobAnswer).job.phase == "done")
        let waiting = try Self.submit(network, "1", to: ["H29"], ["--lifetime", "10s"])
        let row = try network.show("vpcp", waiting.envelope).envelope.recipients[0]
        #expect(row.why.first?.contains("agency H29.* is suspended") == true, "\(row.why)")
        let queue: QueueAnswer = try network.ask("vpcp", "queue")
        #expect(queue.rows.filter(\.isSuspended).map(\.total.count) == [1])
        let metrics = try network.run(
            "/usr/bin/curl",
            ["-sS", "--unix-socket", network.folder["vpcp/control.sock"], "http://localhost/metrics"])
        #expect(
            metrics.output.contains("\nedoc_queued_recipients{node=\"vpcp\",peer=\"(suspended)\",urgency=\"0\"} 1\n"))
        let explained = try network.control("vpcp", ["routes", "explain", "H29"])
        #expect(explained.output.contains("agency H29.* is suspended"), "\(explained.output)")
        #expect(!explained.output.contains("no next hop is live"))
        let list: SuspensionsAnswer = try network.ask("vpcp", "suspensions")
        #expect(list.suspensions.map(\.subject) == ["agency H29.*"] && list.suspensions[0].until != nil)

        // Held beyond its lifetime, and made anew.
        let hold: PreviewAnswer = try network.ask("vpcp", "hold", waiting.envelope)
        _ = try network.ask("vpcp", "hold", "--apply", String(try #require(hold.job).id)) as JobAnswer
        #expect(
            try eventually {
                (try network.ask("vpcp", "resubmit", "--state", "held-expired", "--reason", "x") as PreviewAnswer).count
                    == 1
            })
        for verb in ["resubmit", "release"] {
            let refused = try network.control("vpcp", [verb, "--state", "held-expired"])
            #expect(refused.end == .exited(1) && refused.errors.contains("reason"), "\(refused.errors)")
        }
        let rerouted = try network.control("vpcp", ["reroute", "--state", "held", "--via", "truc"])
        #expect(rerouted.output.contains(", by way of truc."), "\(rerouted.output)")
        let again: PreviewAnswer = try network.ask(
            "vpcp", "resubmit", "--state", "held-expired", "--reason", "quá hạn")
        let anew: JobAnswer = try network.ask("vpcp", "resubmit", "--apply", String(try #require(again.job).id))
        #expect(anew.job.done == 1, "\(anew)")
        let old = try network.show("vpcp", waiting.envelope).envelope
        let name = try #require(old.resubmittedAs.first)
        #expect(old.recipients[0].state == "expired")
        #expect(try network.show("vpcp", name).envelope.formerly == waiting.envelope)
        #expect(try network.trace("vpcp", waiting.envelope).resubmittedAs == [name])
        let inner: PreviewAnswer = try network.ask("vpcp", "suspend", "--to", "H29", "--reason", "x")
        _ = try network.ask("vpcp", "suspend", "--apply", String(try #require(inner.job).id)) as JobAnswer
        let outer: PreviewAnswer = try network.ask("vpcp", "resume", "--to", "H29")
        #expect(outer.stillSuspended?.map(\.subject) == ["agency H29.*"])
        let resumed = try network.control("vpcp", ["resume", "--to", "H29"])
        #expect(resumed.output.contains("agency H29.* stays suspended (job \(id))"), "\(resumed.output)")
        _ = try network.ask("vpcp", "resume", "--apply", String(try #require(outer.job).id)) as JobAnswer

        // Draining ends with what waits; what waits for a suspended agency keeps it from ending.
        #expect(try network.control("vpcp", ["drain", "--yes", "--reason", "thay máy"]).end == .exited(0))
        let late = try network.control("vpcp", ["submit", network.folder["1"], "--sender", "G22", "--to", "H29"])
        #expect(late.end == .exited(1) && late.errors.contains("being emptied"), "\(late.errors)")
        #expect(network.isRunning("vpcp"))
        let resume = try network.control("vpcp", ["suspensions", "--cancel", id])
        #expect(resume.end == .exited(0), "\(resume.errors)")
        #expect(
            try eventually { try network.inbox("hcm", "H29").map(\.envelope) == [name] }, "\(network.logTail("vpcp"))")
        #expect(try eventually { !network.isRunning("vpcp") }, "\(network.logTail("vpcp"))")
        #expect(network.stop("vpcp") == .exited(0), "\(network.logTail("vpcp"))")
    }
}
