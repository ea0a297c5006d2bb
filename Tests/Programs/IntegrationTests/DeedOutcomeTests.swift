// DeedOutcomeTests: what becomes of deeds, with the real programs: each verb at a hub whose next hop is down, what the submitter hears,
// suspensions one after the other, and the end of every time that is set: of a lifetime, of undoing, of a suspension.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite struct DeedOutcomeTests {
    private static func submit(_ network: Network, _ name: String, _ options: [String] = []) throws -> String {
        try network.folder.write("công văn \(name)\n", to: name)
        return try network.submit(
            "vpcp", network.folder[name], ["--sender", "G22", "--document", name, "--to", "H29"] + options
        ).envelope
    }

    /// Looks, and keeps the preview.
    private static func preview(_ network: Network, _ node: String, _ arguments: String...) throws -> String {
        let answer: PreviewAnswer = try network.ask(node, arguments)
        return String(try #require(answer.job, "\(arguments): \(answer)").id)
    }

    @discardableResult
    private static func apply(_ network: Network, _ node: String, _ verb: String, _ id: String) throws -> Job {
        (try network.ask(node, verb, "--apply", id) as JobAnswer).job
    }

    @discardableResult
    private static func undo(_ network: Network, _ node: String, _ verb: String, _ id: String) throws -> Job {
        (try network.ask(node, verb, "--undo", id) as JobAnswer).job
    }

    private static func state(_ network: Network, _ node: String, _ envelope: String) throws -> String {
        try network.show(node, envelope).envelope.recipients[0].state
    }

    private static func isHeldExpired(_ network: Network, _ envelope: String) throws -> Bool {
        let list: QueueListAnswer = try network.ask("vpcp", "queue", "list", envelope)
        return list.lines.map(\.state) == ["held-expired"]
    }

    private static func why(_ network: Network, _ node: String, _ envelope: String) throws -> String {
        try network.show(node, envelope).envelope.recipients[0].why.joined(separator: "\n")
    }

    /// Entries of the operator log about one job, the oldest first: verb, and outcome.
    private static func log(_ network: Network, _ node: String, _ job: String) throws -> [String] {
        let answer: AuditAnswer = try network.ask(node, "audit", "list", "--limit", "1000")
        return answer.entries.reversed().filter {
            $0.subject.hasPrefix("job \(job):") || $0.subject.hasPrefix("job \(job),")
        }.map { $0.verb + " " + $0.outcome }
    }

    /// At a hub whose next hop is down: release, retry, requeue, reroute and its undoing, expire, and a peer's suspensions.
    @Test func everyVerbAtAHub() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        let letters = try (1...3).map { try Self.submit(network, "\($0)") }
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 3 })

        // Held and released.
        let hold = try Self.preview(network, "truc", "hold", letters[0])
        #expect(try Self.apply(network, "truc", "hold", hold).done == 1)
        #expect(try Self.state(network, "truc", letters[0]) == "held")
        let release = try Self.preview(network, "truc", "release", "--state", "held")
        let released = try Self.apply(network, "truc", "release", release)
        #expect(released.done == 1 && released.undoUntil == nil)
        #expect(try Self.state(network, "truc", letters[0]) == "waiting")
        // What has been released since is not undone, and nothing says that it was.
        let idle = try network.control("truc", ["hold", "--undo", hold])
        #expect(idle.output.contains("nothing was left to undo"), "\(idle.output) \(idle.errors)")
        #expect(
            try Self.log(network, "truc", hold) == [
                "hold begun", "hold done: 1 of 1, 0 skipped, 0 failed", "undo begun",
                "undo done: nothing was left to undo",
            ])
        let refused = try network.control("truc", ["hold", "--undo", hold])
        #expect(refused.end == .exited(1))
        #expect(try Self.log(network, "truc", hold).last == "undo refused: job \(hold) is undone already")

        // By way of a neighbour, and back again; requeued, it forgets it as well.
        for verb in ["reroute", "requeue"] {
            let reroute = try Self.preview(network, "truc", "reroute", "--to", "H29", "--via", "hanoi")
            #expect(try Self.apply(network, "truc", "reroute", reroute).done == 3)
            #expect(try Self.why(network, "truc", letters[0]).contains("hanoi"))
            if verb == "reroute" {
                #expect(try Self.undo(network, "truc", "reroute", reroute).undone == 3)
            } else {
                let requeue = try Self.preview(network, "truc", "requeue", "--to", "H29")
                #expect(try Self.apply(network, "truc", "requeue", requeue).done == 3)
            }
            #expect(try !Self.why(network, "truc", letters[0]).contains("hanoi"), "\(verb)")
        }
        let retry = try Self.preview(network, "truc", "retry", "--to", "H29")
        #expect(try Self.apply(network, "truc", "retry", retry).done == 3)

        // Ended by an operator: the submitter hears that, and neither who it was nor why.
        let expire = try Self.preview(network, "truc", "expire", letters[1], "--reason", "nội bộ: sai địa chỉ")
        #expect(try Self.apply(network, "truc", "expire", expire).done == 1)
        #expect(
            try eventually { try network.trace("vpcp", letters[1]).recipients[0].isFinal }, "\(network.logTail("vpcp"))"
        )
        let end = try network.trace("vpcp", letters[1]).recipients[0]
        #expect(end.state == "expired" && end.reason == "transmission cancelled by an operator", "\(end)")
        for command in ["trace", "show"] {
            let text = try network.control("vpcp", [command, letters[1]]).output
            #expect(!text.contains("sai địa chỉ"), "\(text)")
        }
        #expect(try network.control("truc", ["history"]).output.contains("transmission cancelled by an operator"))
        // Where it was handed in, nothing calls it forwarded without its end.
        let reported = "reported since: expired at truc: transmission cancelled by an operator"
        #expect(try network.control("vpcp", ["history"]).output.contains(reported))
        #expect(try network.control("vpcp", ["show", letters[1]]).output.contains(reported))
        #expect(try network.control("vpcp", ["list"]).output.contains("1 forwarded, of which reported: 1 expired"))
        let outcomes = try network.control("vpcp", ["list", "--outcome", "expired"]).output
        #expect(outcomes.contains("CAUSE") && outcomes.contains("expired-3"), "\(outcomes)")

        try Self.suspendAndResume(network, waiting: [letters[0], letters[2]])
        try network.expectBooksBalance(["truc", "vpcp", "hcm"])
    }

    /// A neighbour that is suspended twice, taken back once, and resumed; and again, until the time of that is over.
    private static func suspendAndResume(_ network: Network, waiting: Set<String>) throws {
        // A second suspension stands in the place of the first, and is undone to it.
        func suspension() throws -> [String] {
            (try network.ask("truc", "suspensions") as SuspensionsAnswer).suspensions.map {
                "\($0.subject) \($0.reason) \($0.until == nil ? "open" : "ends")"
            }
        }
        let first = try Self.preview(
            network, "truc", "suspend", "--peer", "hcm", "--for", "2h", "--reason", "sửa đường truyền")
        try Self.apply(network, "truc", "suspend", first)
        let look = try network.control("truc", ["suspend", "--peer", "hcm", "--reason", "chuyển trụ sở"])
        #expect(look.output.contains("sửa đường truyền") && look.output.contains("takes its place"), "\(look.output)")
        let second = try Self.preview(network, "truc", "suspend", "--peer", "hcm", "--reason", "chuyển trụ sở")
        try Self.apply(network, "truc", "suspend", second)
        #expect(try suspension() == ["peer hcm chuyển trụ sở open"])
        let early = try network.control("truc", ["suspend", "--undo", first])
        #expect(early.end == .exited(1) && early.errors.contains("nothing is left to undo"), "\(early.errors)")
        #expect(try Self.undo(network, "truc", "suspend", second).phase == "undone")
        #expect(try suspension() == ["peer hcm sửa đường truyền ends"])
        let entries = (try network.ask("truc", "audit", "list", "--verb", "suspend") as AuditAnswer).entries
        #expect(entries.contains { $0.subject == "job \(first): --peer hcm, for 2h" && $0.outcome == "done" })

        // It comes up, and is given nothing until it is resumed.
        try network.start("hcm")
        #expect(
            try eventually {
                let peers: PeersAnswer = try network.ask("truc", "peers")
                return peers.peers.contains { $0.node == "hcm" && !$0.sessions.isEmpty }
            })
        #expect(try network.status("truc").inStore["waiting"] == 2)
        #expect(try network.inbox("hcm", "H29").isEmpty)
        let resume = try Self.preview(network, "truc", "resume", "--peer", "hcm")
        try Self.apply(network, "truc", "resume", resume)
        #expect(try suspension().isEmpty)
        #expect(
            try eventually { Set(try network.inbox("hcm", "H29").map(\.envelope)) == waiting },
            "\(network.logTail("truc"))")
        let late = try network.control("truc", ["suspend", "--undo", first])
        #expect(late.end == .exited(1) && late.errors.contains("has ended"), "\(late.errors)")

        // The end of its time: it goes on by itself.
        let short = try Self.preview(network, "truc", "suspend", "--peer", "hcm", "--for", "2s", "--reason", "x")
        try Self.apply(network, "truc", "suspend", short)
        let last = try Self.submit(network, "4")
        #expect(
            try eventually { try network.inbox("hcm", "H29").contains { $0.envelope == last } },
            "\(network.logTail("truc"))")
        #expect(try suspension().isEmpty)
        let resumed = (try network.ask("truc", "audit", "list", "--verb", "resume") as AuditAnswer).entries
        #expect(resumed.first?.login == "edocd" && resumed.first?.subject == "peer hcm", "\(resumed)")
    }

    /// The ends of lifetimes and of the window for undoing; and an agency that leaves the directory while it is suspended.
    @Test func timesThatEnd() throws {
        let network = try Network()
        try network.replace("truc", "control:\n", "control:\n  undo_window: 1s\n")
        try network.start(["truc", "vpcp"])
        let deleted = try Self.submit(network, "1")
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 1 })

        // At vpcp, whose hub is stopped: lifetimes that end between a preview and its job, and between a job and its undoing.
        network.stop("truc")
        let short = try Self.submit(network, "2", ["--lifetime", "10s"])
        let held = try Self.preview(network, "vpcp", "hold", short)
        #expect(try Self.apply(network, "vpcp", "hold", held).done == 1)
        let release = try Self.preview(network, "vpcp", "release", short)
        let gone = try Self.submit(network, "3", ["--lifetime", "10s"])
        let delete = try Self.preview(network, "vpcp", "delete", gone, "--reason", "gửi nhầm")
        #expect(try Self.apply(network, "vpcp", "delete", delete).done == 1)
        try network.start("truc")

        // At truc, where one second is for undoing: held for good, deleted for good, with a report.
        let hold = try Self.preview(network, "truc", "hold", deleted)
        #expect(try Self.apply(network, "truc", "hold", hold).done == 1)
        #expect(try eventually { (try network.ask("truc", "jobs", hold) as JobAnswer).job.undoUntil == nil })
        let late = try network.control("truc", ["hold", "--undo", hold])
        #expect(late.end == .exited(1) && late.errors.contains("the time for undoing job \(hold) is over"))
        let deletion = try Self.preview(network, "truc", "delete", deleted, "--reason", "nội bộ: gửi nhầm")
        #expect(try Self.apply(network, "truc", "delete", deletion).done == 1)
        #expect(try eventually { try Self.state(network, "truc", deleted) == "deleted" }, "\(network.logTail("truc"))")
        #expect(
            try eventually { try network.trace("vpcp", deleted).recipients[0].state == "deleted" },
            "\(network.logTail("vpcp"))")
        #expect(
            try network.trace("vpcp", deleted).recipients[0].reason == "transmission cancelled by an operator")

        // Suspended, gone from the directory with a reload, listed still, and resumed by its code.
        let suspend = try Self.preview(network, "truc", "suspend", "--to", "H29.15", "--reason", "sáp nhập")
        try Self.apply(network, "truc", "suspend", suspend)
        try network.folder.write("công văn\n", to: "5")
        let stranded = try network.submit("vpcp", network.folder["5"], ["--sender", "G22", "--to", "H29.15"]).envelope
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 1 })
        let directory = network.folder.text("agencies.yaml")
        let lines = directory.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix("  H29.15:") })
        try network.folder.write(
            (lines[..<start] + lines[(start + 4)...]).joined(separator: "\n"), to: "agencies.yaml")
        #expect(
            try network.control("truc", ["reload", "--force"]).end == .exited(0), "\(network.logTail("truc"))")
        #expect(try network.control("truc", ["suspensions"]).output.contains("agency H29.15"))
        #expect(try Self.state(network, "truc", stranded) == "waiting")
        let resume = try Self.preview(network, "truc", "resume", "--to", "H29.15")
        try Self.apply(network, "truc", "resume", resume)
        try network.folder.write(directory, to: "agencies.yaml")
        try network.start("hcm")
        #expect(
            try eventually { try network.inbox("hcm", "H29.15").map(\.envelope) == [stranded] },
            "\(network.logTail("truc"))")
        // Of what the store knows nothing more, too.
        let empty = try Self.preview(network, "truc", "suspend", "--to", "H26", "--reason", "x")
        try Self.apply(network, "truc", "suspend", empty)
        try network.folder.write(
            directory.replacingOccurrences(of: "  H26:\n", with: "  H27:\n").replacingOccurrences(
                of: "000.00.00.H26", with: "000.00.00.H27"), to: "agencies.yaml")
        #expect(try network.control("truc", ["reload", "--force"]).end == .exited(0))
        try Self.apply(network, "truc", "resume", try Self.preview(network, "truc", "resume", "--to", "H26"))
        #expect((try network.ask("truc", "suspensions") as SuspensionsAnswer).suspensions.isEmpty)

        // Meanwhile the lifetimes have ended: nothing has been ended by that.
        #expect(try eventually { try Self.isHeldExpired(network, short) })
        let passed = try network.control("vpcp", ["release", "--apply", release])
        #expect(passed.output.contains("1 expired since the preview: look again"), "\(passed.output)")
        #expect(try Self.isHeldExpired(network, short))
        let undone = try Self.undo(network, "vpcp", "hold", held)
        #expect(undone.undone == 0 && undone.leftHeld == 1)
        #expect(try Self.isHeldExpired(network, short))
        #expect(
            try Self.log(network, "vpcp", held).last == "undo done: 0 of 1 undone, 1 held beyond their lifetime")
        // It was handed in after the other.
        #expect(
            try eventually {
                let seen = try network.show("vpcp", gone)
                return seen.envelope.expires.map { $0 <= seen.now } ?? false
            })
        let restored = try network.control("vpcp", ["delete", "--undo", delete])
        #expect(restored.output.contains("beyond their lifetime"), "\(restored.output) \(restored.errors)")
        #expect(try eventually { try Self.isHeldExpired(network, gone) })
        let ends: PreviewAnswer = try network.ask("vpcp", "release", "--state", "held", "--reason", "quá hạn")
        #expect(ends.count == 2 && ends.ends == 2)
        #expect(try Self.apply(network, "vpcp", "release", String(try #require(ends.job).id)).done == 2)
        for envelope in [short, gone] { #expect(try Self.state(network, "vpcp", envelope) == "expired") }
        try network.expectBooksBalance(["truc", "vpcp", "hcm"])
    }

    /// A job that is stopped in the middle; a neighbour that is left alone, and dialled by a retry; a drain that is taken back.
    @Test func stoppedAndTakenBack() throws {
        let network = try Network()
        for (old, new) in [("dial_backoff_min: 100ms", "dial_backoff_min: 10m"), ("_max: 1s\n", "_max: 10m\n")] {
            try network.replace("vpcp", old, new)
        }
        // The hub's port is known, and nobody listens there.
        try network.start("truc")
        network.stop("truc")
        try network.start("vpcp")
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        let count: UInt64 = 2_000
        for token in 0..<count {
            let isSent = client.submit(
                token: token, from: "G22", to: ["H29"], document: "\(token)", payload: Array("công văn".utf8))
            #expect(isSent)
            if token % 500 == 499 { for _ in 0..<500 { #expect(client.answer() != nil) } }
        }
        network.stop("vpcp")
        // Each batch of the job takes its time on a disk as slow as this.
        network.setEnvironment(
            "vpcp", ["LD_PRELOAD": try network.interposer("interposer"), "EDOC_INTERPOSE_DELAY_MS": "400"])
        try network.start("vpcp")
        let id = try Self.preview(network, "vpcp", "hold", "--state", "waiting")
        let started: JobAnswer = try network.ask("vpcp", "hold", "--apply", id, "--no-wait")
        #expect(started.job.phase == "running")
        let cancelled = (try network.ask("vpcp", "hold", "--cancel", id) as JobAnswer).job
        #expect(cancelled.phase == "cancelled" && cancelled.done < count, "\(cancelled)")
        let done = cancelled.done
        #expect(try network.status("vpcp").inStore["held"] ?? 0 == done)
        #expect(
            try Self.log(network, "vpcp", id) == [
                "hold begun", "cancel done", "hold cancelled: \(done) of \(count), 0 skipped, 0 failed",
            ])
        network.stop("vpcp")
        network.setEnvironment("vpcp", [:])
        try network.start("vpcp")
        #expect((try network.ask("vpcp", "jobs", id) as JobAnswer).job.done == done, "it stays as it was left")
        if done > 0 { #expect(try Self.undo(network, "vpcp", "hold", id).undone == done) }

        // Drained, and taken back before it is empty.
        #expect(try network.control("vpcp", ["drain", "--yes", "--reason", "thay máy"]).end == .exited(0))
        try network.folder.write("công văn\n", to: "late")
        let options = ["--sender", "G22", "--to", "H29"]
        let refused = try network.control("vpcp", ["submit", network.folder["late"]] + options)
        #expect(refused.end == .exited(1) && refused.errors.contains("being emptied"), "\(refused.errors)")
        #expect(try network.control("vpcp", ["drain", "--yes"]).end == .exited(1))
        #expect(try network.control("vpcp", ["drain", "--cancel"]).end == .exited(0))
        #expect((try network.ask("vpcp", "drain") as DrainAnswer).isDraining == false)
        let late = try network.submit("vpcp", network.folder["late"], options).envelope
        #expect(network.isRunning("vpcp"))
        let drains = (try network.ask("vpcp", "audit", "list", "--limit", "3") as AuditAnswer).entries
        #expect(
            drains.reversed().map { $0.verb + " " + $0.outcome } == [
                "drain done", "drain refused: the node is being drained already", "cancel drain done",
            ])

        // The hub is up again, and would be dialled in ten minutes; a retry dials at once.
        #expect(
            try eventually {
                let peers: PeersAnswer = try network.ask("vpcp", "peers")
                return peers.peers.contains { $0.node == "truc" && $0.failures > 0 }
            })
        try network.start("truc")
        let retry = try Self.preview(network, "vpcp", "retry", late)
        #expect(try Self.apply(network, "vpcp", "retry", retry).done == 1)
        #expect(
            try eventually { try network.status("truc").inStore["waiting"] == count + 1 },
            "\(network.logTail("vpcp"))")
        try network.expectBooksBalance(["truc", "vpcp"])
    }
}
