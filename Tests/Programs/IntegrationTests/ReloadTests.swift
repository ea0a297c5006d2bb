// ReloadTests: `edocctl reload` on the real daemon: applied whole, refused whole, and forced; and who may ask for it.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct ReloadTests {
    private func hub() throws -> Network {
        let network = try Network()
        try network.start("truc")
        return network
    }

    private func change(_ network: Network, _ old: String, _ new: String) throws {
        let text = network.folder.text("agencies.yaml")
        let changed = text.replacingOccurrences(of: old, with: new)
        guard changed != text else { throw TestFailure("agencies.yaml has no \(old)") }
        try network.folder.write(changed, to: "agencies.yaml")
    }

    private func add(_ network: Network, _ row: String) throws { try change(network, "\nroutes:", row + "\nroutes:") }

    private func home(_ network: Network, _ agency: String) throws -> String? {
        let answer: ExplainAnswer = try network.ask("truc", "routes", "explain", agency)
        return answer.home
    }

    @Test func whatIsAddedIsThereWithTheAnswer() throws {
        let network = try hub()
        try add(network, "  H30:\n    name: Một cơ quan mới\n    home: hanoi\n")
        let result = try network.control("truc", ["reload"])
        #expect(result.end == .exited(0), "\(result.errors)")
        #expect(result.output.contains("agencies: 1 added, 0 moved, 0 removed of 4"), "\(result.output)")
        #expect(try home(network, "H30") == "hanoi")
        #expect(network.logText("truc").contains("verb=reload"))
        // Nothing has changed since.
        let again: ReloadAnswer = try network.ask("truc", "reload")
        #expect(again.isApplied)
    }

    /// Six of ten agencies are more than 5 %, and more than the five rows that are free.
    @Test func whatMovesTooMuchIsRefusedAndForced() throws {
        let network = try Network()
        for index in 1...6 { try add(network, "  X\(index): {name: Cơ quan \(index), home: hcm}\n") }
        try network.start("truc")
        for index in 1...5 { try change(network, "Cơ quan \(index), home: hcm", "Cơ quan \(index), home: hanoi") }
        try change(
            network, "    home: hcm\n    aliases: [000.00.15.H29]", "    home: hanoi\n    aliases: [000.00.15.H29]")
        let rehearsed = try network.control("truc", ["reload", "--dry-run"])
        #expect(rehearsed.end == .exited(1) && rehearsed.output.contains("Nothing was changed"), "\(rehearsed)")
        let refused = try network.control("truc", ["reload"])
        #expect(refused.end == .exited(1), "\(refused.output) \(refused.errors)")
        #expect(refused.output.contains("more than 5 %") && refused.output.contains("--force"))
        #expect(refused.output.contains("0 added, 6 moved, 0 removed of 10"), "\(refused.output)")
        #expect(try home(network, "H29.15") == "hcm")

        let forced = try network.control("truc", ["reload", "--force"])
        #expect(forced.end == .exited(0), "\(forced.output) \(forced.errors)")
        #expect(try home(network, "H29.15") == "hanoi")
        let log = network.logText("truc")
        #expect(log.contains("verb=reload") && log.contains("configuration, with force"), "\(log)")
    }

    @Test func aDryRunChangesNothing() throws {
        let network = try hub()
        try add(network, "  H30:\n    name: Một cơ quan mới\n    home: hanoi\n")
        let dry: ReloadAnswer = try network.ask("truc", "reload", "--dry-run")
        #expect(dry.isApplied && dry.isDry == true)
        #expect(dry.lines.contains { $0.contains("1 added") }, "\(dry.lines)")
        #expect(try network.control("truc", ["routes", "explain", "H30"]).end == .exited(1))
        #expect(!network.logText("truc").contains("verb=reload"))
        #expect(try network.control("truc", ["reload"]).end == .exited(0))
        #expect(try home(network, "H30") == "hanoi")
        try change(network, "home: hanoi\n\nroutes", "home: nowhere\n\nroutes")
        #expect(try network.control("truc", ["reload", "--dry-run"]).end == .exited(1))
    }

    /// What is on its way follows the new route.
    @Test func aForcedMoveTakesTheQueueWithIt() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        try Data("Kính gửi".utf8).write(to: URL(fileURLWithPath: network.folder["text"]))
        let envelope = try network.submit(
            "vpcp", network.folder["text"], ["--sender", "G22", "--to", "H29.15"]
        ).envelope
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 1 })
        try change(
            network, "    home: hcm\n    aliases: [000.00.15.H29]", "    home: hanoi\n    aliases: [000.00.15.H29]")
        for name in ["truc", "vpcp"] {
            #expect(try network.control(name, ["reload", "--force"]).end == .exited(0), "\(network.logTail(name))")
        }
        try network.start("hanoi")
        #expect(
            try eventually { try network.inbox("hanoi", "H29.15").map(\.envelope) == [envelope] },
            "\(network.logTail("truc"))")
    }

    /// H29 moves from hcm to hanoi. What had arrived at hcm is fetched and acknowledged there, the submitter believes it, and what is
    /// handed in later goes to hanoi.
    @Test func aMovedAgencyTakesAtItsOldHomeWhatHadArrived() throws {
        let network = try Network()
        try network.start(Network.names)
        let file = try network.package("before.edxml", to: ["H29", "H29.15"])
        let before = try network.submit("vpcp", file).envelope
        let hasArrived = try eventually {
            try network.trace("vpcp", before).recipients.map(\.state) == ["arrived", "arrived"]
        }
        #expect(hasArrived, "\(network.logTail("vpcp"))")
        try change(
            network, "    home: hcm\n    aliases: [000.00.00.H29]", "    home: hanoi\n    aliases: [000.00.00.H29]")
        for name in Network.names {
            #expect(try network.control(name, ["reload", "--force"]).end == .exited(0), "\(network.logTail(name))")
        }
        let late = try network.submit("vpcp", network.package("late.edxml", to: ["H29"])).envelope
        #expect(try eventually { try network.inbox("hanoi", "H29").map(\.envelope) == [late] })

        #expect(try network.inbox("hcm", "H29").map(\.envelope) == [before])
        let copy = network.folder["copy.edxml"]
        let fetched = try network.control("hcm", ["inbox", "fetch", "H29", before, "-o", copy])
        #expect(fetched.end == .exited(0), "\(fetched.errors)")
        #expect(try network.folder.bytes("copy.edxml") == network.folder.bytes("before.edxml"))
        let taken: AcknowledgeAnswer = try network.ask("hcm", "inbox", "ack", "H29", before)
        #expect(taken.taken == 1)
        let isKnown = try eventually {
            try network.trace("vpcp", before).recipients.contains { $0.name == "H29" && $0.state == "delivered" }
        }
        #expect(isKnown, "\(network.logTail("vpcp"))")
        #expect(!network.logText("vpcp").contains("are not believed"))

        // Nothing of it is left there, though others of its kind have theirs there: the agency is sent to its home.
        #expect(try network.inbox("hcm", "H29.15").map(\.envelope) == [before])
        let elsewhere = try network.control("hcm", ["inbox", "list", "H29"])
        #expect(elsewhere.end == .exited(1) && elsewhere.errors.contains("at home on node hanoi"), "\(elsewhere)")
        // What came to the new home is taken there.
        let second: AcknowledgeAnswer = try network.ask("hanoi", "inbox", "ack", "H29", late)
        #expect(second.taken == 1)
        #expect(try eventually { try network.trace("vpcp", late).recipients.map(\.state) == ["delivered"] })
        try network.expectBooksBalance(Network.names)
    }

    /// Two agencies become one, and the one that goes has documents in its inbox: nobody could ask for them any more.
    @Test func anAliasThatHidesAFilledInboxIsRefused() throws {
        let network = try Network()
        try network.start(["truc", "vpcp", "hcm"])
        try Data("Kính gửi".utf8).write(to: URL(fileURLWithPath: network.folder["text"]))
        let envelopes = try (1...3).map { _ in
            try network.submit("vpcp", network.folder["text"], ["--sender", "G22", "--to", "H29.15"]).envelope
        }
        #expect(try eventually { try network.inbox("hcm", "H29.15").count == 3 }, "\(network.logTail("hcm"))")
        let row = """
              H29.15:
                name: Sở Thông tin và Truyền thông TP. Hồ Chí Minh
                home: hcm
                aliases: [000.00.15.H29]

            """
        try change(network, row, "")
        try change(network, "aliases: [000.00.00.H29]", "aliases: [000.00.00.H29, H29.15, 000.00.15.H29]")
        let sentence =
            "H29.15 would become another spelling of H29, and 3 documents lie in its inbox here: have them taken first"
        for arguments in [["reload", "--dry-run"], ["reload"], ["reload", "--force"]] {
            let result = try network.control("hcm", arguments)
            #expect(result.end == .exited(1), "\(arguments): \(result)")
            #expect((result.output + result.errors).contains(sentence), "\(arguments): \(result)")
        }
        // What systemctl reload does hears the same, in the log.
        network.send(SIGHUP, to: "hcm")
        #expect(try eventually { network.logText("hcm").contains(sentence) }, "\(network.logTail("hcm"))")
        // A restart has nobody whom it could refuse: it says what is hidden, and so does who looks at the files beforehand.
        #expect(network.stop("hcm") == .exited(0))
        let hidden =
            "H29.15 is another spelling of H29 now, and nobody can take what lies in its inbox here: 3; take the alias away, reload, and have it taken first"
        let check = try network.run(Places.edocd, ["--check-config", "--config", network.folder["hcm.yaml"]])
        #expect(check.errors.contains("warning: " + hidden), "\(check)")
        try network.start("hcm")
        let found = try network.status("hcm").findings?.first { $0.code == "inboxHidden" }
        #expect(
            found?.grade == "critical" && found?.subject == "H29.15" && found?.text == hidden,
            "\(String(describing: found))")
        let checked = try network.control("hcm", ["check", "arrived"])
        #expect(checked.end == .exited(2) && checked.output.contains(hidden), "\(checked)")
        let metrics = try network.run(
            "/usr/bin/curl",
            ["-sS", "--unix-socket", network.folder["hcm/control.sock"], "http://localhost/metrics"])
        #expect(metrics.output.contains("edoc_findings{node=\"hcm\",code=\"inboxHidden\",grade=\"critical\"} 1\n"))
        let merged = network.folder.text("agencies.yaml")
        try change(network, "aliases: [000.00.00.H29, H29.15, 000.00.15.H29]", "aliases: [000.00.00.H29]")
        try change(network, "\nroutes:", "\n" + row + "\nroutes:")
        #expect(try network.control("hcm", ["reload"]).end == .exited(0))
        #expect(try network.status("hcm").findings?.contains { $0.code == "inboxHidden" } == false)
        try network.folder.write(merged, to: "agencies.yaml")
        // The old directory is in force, and where no inbox is hidden the new one is taken.
        #expect(try network.inbox("hcm", "H29.15").count == 3)
        #expect(try network.control("truc", ["reload", "--dry-run"]).end == .exited(0))
        for envelope in envelopes {
            let taken: AcknowledgeAnswer = try network.ask("hcm", "inbox", "ack", "H29.15", envelope)
            #expect(taken.taken == 1)
        }
        let dry = try network.control("hcm", ["reload", "--dry-run"])
        #expect(dry.end == .exited(0) && !dry.output.contains("another spelling"), "\(dry)")
        #expect(try network.control("hcm", ["reload"]).end == .exited(0))
        let explained: ExplainAnswer = try network.ask("hcm", "routes", "explain", "H29.15")
        #expect(explained.agency == "H29")
    }

    @Test func aBrokenFileLeavesTheOldOne() throws {
        let network = try hub()
        try add(network, "  H30:\n    name: Một cơ quan mới\n    home: hanoi\n    colour: red\n")
        for arguments in [["reload"], ["reload", "--force"]] {
            let result = try network.control("truc", arguments)
            #expect(result.end == .exited(1))
            #expect(result.errors.lowercased().contains("the old configuration stays"), "\(result.errors)")
            #expect(result.output.contains("agencies.H30.colour"), "\(result.output)")
        }
        #expect(try home(network, "H29") == "hcm")
        #expect(try network.control("truc", ["routes", "explain", "H30"]).end == .exited(1))
    }
}
