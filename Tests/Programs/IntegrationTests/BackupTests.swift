// BackupTests: a backup of a live node under load, and bringing it back: everything is held, no ID comes twice, nothing is lost, and no agency
// gets twice what it has acknowledged. Also the store of a stopped daemon, looked at without it.

import ControlAPI
import Foundation
import RelayNode
import TestNetwork
import Testing

@Suite(.serialized) struct BackupTests {
    private func waiting(_ network: Network, _ name: String) throws -> UInt64 {
        try network.status(name).inStore["waiting"] ?? 0
    }

    private func send(_ network: Network, _ numbers: ClosedRange<Int>, to agency: String = "H29") throws {
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        for number in numbers {
            guard
                client.submit(
                    token: UInt64(number), from: "G22", to: [agency], document: "vb-\(number)",
                    payload: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 3_000))
            else { throw TestFailure("the submission socket is gone") }
        }
        for _ in numbers {
            guard case .accepted = client.answer() else { throw TestFailure("a submission was refused") }
        }
    }

    private func lines(_ network: Network, _ name: String, about: String) throws -> [String] {
        let result = try network.control(name, ["ledger", about, "--envelopes"])
        guard result.end == .exited(0) else { throw TestFailure("ledger of \(name): \(result.errors)") }
        return result.output.split(separator: "\n").map(String.init)
    }

    private func restored(_ network: Network, _ name: String, _ arguments: String...) throws -> RestoreAnswer {
        let result = try network.control(name, ["restore", "list", "--json", "--limit", "1000"] + arguments)
        return try ControlJSON.answer(RestoreAnswer.self, from: Array(result.output.utf8))
    }

    private func backup(_ network: Network) throws -> BackupAnswer {
        let result = try network.control("truc", ["backup", "--state", "--json"])
        guard let answer = try? ControlJSON.answer(BackupAnswer.self, from: Array(result.output.utf8)) else {
            throw TestFailure("backup --state: \(result)\n\(network.logTail("truc"))")
        }
        return answer
    }

    private func bringBack(_ network: Network, _ name: String, _ file: String) throws {
        let result = try network.run(
            Places.edocctl,
            ["restore", file, "--store", network.folder[name + "/store"], "--force", "--reason", "đĩa hỏng"])
        guard result.end == .exited(0) else { throw TestFailure("restore: \(result.errors)") }
    }

    /// A hub that was copied under load; answers how many envelopes are in the copy.
    private func copyUnderLoad(_ network: Network) throws -> UInt64 {
        try network.start(["truc", "vpcp"])
        try send(network, 1...60)
        #expect(try eventually { try waiting(network, "truc") == 60 })
        // Under load: what comes in meanwhile is in the copy or it is not, but nothing is half there.
        let copying = try Program(
            Places.edocctl,
            [
                "backup", network.folder["truc.mdb"], "--json", "--reason", "đêm", "--socket",
                network.folder["truc/control.sock"],
            ], output: network.folder["backup.out"], errors: network.folder["backup.err"])
        for start in stride(from: 61, to: 261, by: 20) { try send(network, start...start + 19) }
        #expect(copying.wait() == .exited(0), "\(network.folder.text("backup.err"))")
        let backup = try ControlJSON.answer(BackupAnswer.self, from: Array(network.folder.text("backup.out").utf8))
        #expect(backup.state == "done" && backup.bytesWritten > 60 * 3_000 && (backup.checkedRows ?? 0) > 100)
        let plan = try #require(backup.plan)
        #expect(plan.floorBytes > 0 && plan.headRoomBytes > plan.floorBytes && plan.copyBytes > 0)
        let facts = try FileManager.default.attributesOfItem(atPath: network.folder["truc.mdb"])
        #expect(facts[.posixPermissions] as? Int == 0o600)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: network.folder.path).allSatisfy {
                !$0.hasSuffix(".partial")
            })
        let inCopy = try #require(backup.envelopes)
        #expect(inCopy >= 60)
        #expect(try eventually { try waiting(network, "truc") == 260 })
        return inCopy
    }

    /// Half of the neighbour's books are applied, the rest is released and known there.
    private func compareAndRelease(_ network: Network, held: Int, inCopy: UInt64) throws {
        let listed = try lines(network, "hcm", about: "truc")
        let evidence = listed.filter { $0.contains("\"taken\"") }
        #expect(evidence.count == 261 && listed.last?.contains("\"end\"") == true)
        // What was handed over after the backup is not here. The next node has it, so nothing is lost.
        let handed = try lines(network, "vpcp", about: "truc")
        try network.folder.write(handed.joined(separator: "\n") + "\n", to: "vpcp.jsonl")
        // Its lines have been on a system that ends them in another way.
        try network.folder.write(listed.joined(separator: "\r\n") + "\r\n\r\n", to: "hcm.jsonl")
        let alone: CompareAnswer = try network.ask("truc", "restore", "compare", network.folder["vpcp.jsonl"])
        #expect(UInt64(alone.missing.count) == 261 - inCopy && alone.forwarded.isEmpty && alone.compared == ["vpcp"])
        let both: CompareAnswer = try network.ask(
            "truc", "restore", "compare", network.folder["vpcp.jsonl"], network.folder["hcm.jsonl"])
        #expect(both.missing.isEmpty && UInt64(both.forwarded.count) == inCopy)
        let half = evidence.prefix(evidence.count / 2)
        try network.folder.write(half.joined(separator: "\n") + "\n", to: "half.jsonl")
        let look = try network.control("truc", ["restore", "compare", network.folder["half.jsonl"]])
        #expect(look.errors.contains("half.jsonl does not end as a listing does"), "\(look.errors)")
        #expect(try restored(network, "truc").rows.count == held)
        #expect(
            try network.control("truc", ["restore", "compare", network.folder["half.jsonl"], "--apply"]).end
                == .exited(2))
        let applied: CompareAnswer = try network.ask(
            "truc", "restore", "compare", network.folder["half.jsonl"], "--apply", "--reason", "sổ của hcm")
        #expect(applied.ended > 0 && applied.compared == [])
        #expect(try restored(network, "truc").rows.count == held - applied.ended)
        let release = ["restore", "release", "--reason", "đã đối chiếu"]
        // A part of its books does not count; and nobody has looked into those of the others.
        let early = try network.control("truc", release)
        #expect(
            early.end == .exited(1) && early.errors.contains("hcm") && early.errors.contains("vpcp"), "\(early.errors)")
        let late = try network.control("hcm", ["ledger", "truc", "--envelopes", "--since", "2100-01-01"]).output
        try network.folder.write(late, to: "late.jsonl")
        try network.folder.write("\r\n", to: "empty.jsonl")
        // What is wrong with the last file is known before the first is applied.
        for (file, why) in [("late.jsonl", "after the copy was made"), ("empty.jsonl", "has no lines")] {
            let refused = try network.control(
                "truc",
                [
                    "restore", "compare", network.folder["hcm.jsonl"], network.folder[file], "--apply", "--reason", "x",
                ])
            #expect(refused.end == .exited(1) && refused.errors.contains(why), "\(refused.errors)")
            #expect(try restored(network, "truc").rows.count == held - applied.ended)
        }
        #expect(try restored(network, "truc").uncompared?.contains("hcm") == true)
        let whole: CompareAnswer = try network.ask(
            "truc", "restore", "compare", network.folder["vpcp.jsonl"], network.folder["half.jsonl"], "--apply",
            "--reason", "sổ của vpcp")
        #expect(whole.ended == 0 && whole.compared == ["vpcp"])
        let list = try restored(network, "truc")
        #expect(list.uncompared?.contains("vpcp") == false && list.uncompared?.contains("hcm") == true)
        #expect(try network.control("truc", release + ["--uncompared"]).end == .exited(0))
        #expect(
            try eventually {
                let answer = try network.status("truc")
                return answer.inStore["held"] == 0 && answer.inStore["waiting"] == 0
            }, "\(network.logTail("truc"))")
    }

    /// The old store can still be read: what it says goes into a file as it comes.
    private func compareWithItsOldStore(_ network: Network, _ aside: String) throws {
        let old = try network.run(
            Places.edocctl, ["--store", network.folder["truc/store/" + aside], "ledger", "hcm", "--envelopes"])
        #expect(old.end == .exited(0) && old.errors.hasPrefix("offline: "), "\(old.errors)")
        let books = try old.output.split(separator: "\n").map {
            try ControlJSON.answer(EvidenceLine.self, from: Array($0.utf8))
        }
        #expect(books.last?.isEnd == true && books.contains { $0.what == "forwarded" })
    }

    @Test func aHubComesBackFromABackupMadeUnderLoad() throws {
        let network = try Network(plain: true)
        let inCopy = try copyUnderLoad(network)
        // After the backup all of it is delivered, and the agency takes some.
        try network.start("hcm")
        #expect(try eventually { try network.inbox("hcm", "H29").count == 260 }, "\(network.logTail("hcm"))")
        let taken = try network.inbox("hcm", "H29").prefix(10).map(\.envelope)
        for name in taken { #expect(try network.control("hcm", ["inbox", "ack", "H29", name]).end == .exited(0)) }
        let before = try network.ledger("hcm").peers.first { $0.node == "truc" }?.taken
        // A running daemon's store is left alone.
        let busy = try network.run(
            Places.edocctl, ["restore", network.folder["truc.mdb"], "--store", network.folder["truc/store"], "--force"])
        #expect(busy.end == .exited(1) && busy.errors.contains("in use by a running daemon"), "\(busy.errors)")
        let oldName = try network.submit("vpcp", try network.package("last.edxml", to: ["H29"])).envelope
        #expect(try eventually { try network.inbox("hcm", "H29").count == 251 })
        #expect(network.stop("truc") == .exited(0))
        let full = try network.run(
            Places.edocctl, ["restore", network.folder["truc.mdb"], "--store", network.folder["truc/store"]])
        #expect(full.end == .exited(1) && full.errors.contains("--force"), "\(full.errors)")
        try bringBack(network, "truc", network.folder["truc.mdb"])
        let aside = try FileManager.default.contentsOfDirectory(atPath: network.folder["truc/store"])
            .filter { $0.hasPrefix("before-restore-") }
        #expect(aside.count == 1)
        try compareWithItsOldStore(network, aside.first ?? "")

        try network.start("truc")
        #expect(try eventually { try restored(network, "truc").phase == "held" }, "\(network.logTail("truc"))")
        let held = try restored(network, "truc")
        #expect(UInt64(held.rows.count) == inCopy && held.rows.allSatisfy { $0.state == "held" })
        let status = try network.status("truc")
        #expect(status.inStore["held"] == inCopy && status.attention.contains { $0.contains("restored from a copy") })
        // Links are up, and nothing goes.
        #expect(try eventually { try network.status("truc").links.up >= 2 })
        let ledger = try network.ledger("truc")
        #expect(ledger.documents?.balances == true)
        #expect(ledger.peers.first { $0.node == "hcm" }?.forwarded == 0)
        try compareAndRelease(network, held: held.rows.count, inCopy: inCopy)
        // Nobody has anything twice, and nothing that was acknowledged comes back.
        let inbox = try network.inbox("hcm", "H29")
        #expect(inbox.count == 251 && Set(inbox.map(\.envelope)).count == 251)
        #expect(Set(inbox.map(\.envelope)).isDisjoint(with: taken))
        #expect(try network.ledger("hcm").peers.first { $0.node == "truc" }?.taken == before.map { $0 + 1 })
        #expect(try network.ledger("truc").documents?.balances == true)

        // New envelopes go through, and the log tells the story.
        let next = try network.submit("vpcp", try network.package("next.edxml", to: ["H29"])).envelope
        #expect(next != oldName)
        #expect(try eventually { try network.inbox("hcm", "H29").contains { $0.envelope == next } })
        let log: AuditAnswer = try network.ask("truc", "audit")
        #expect(
            log.entries.map(\.verb).reversed() == [
                "backup", "restore", "restore compare", "restore compare", "restore compare", "restore release",
                "restore released",
            ])
        #expect(log.entries.last?.outcome == "begun" && log.entries.last?.reason == "đêm")
        #expect(log.entries[5].reason == "đĩa hỏng" && log.entries[5].count == inCopy)
        // Each file that was applied has its entry, whatever it ended.
        #expect(log.entries[3].subject == "the books of vpcp" && log.entries[3].count == 0)
        #expect(log.entries[3].outcome == "ended: 0 as forwarded, 0 as delivered; whole books of vpcp")
        #expect(log.entries[2].subject == "the books of hcm" && log.entries[2].count == 0)
        #expect(log.entries[1].outcome.hasPrefix("released; not compared: ") && log.entries[1].outcome.contains("hcm"))
        #expect(log.entries[0].count == log.entries[5].count - log.entries[4].count)
        #expect(try network.control("truc", ["audit", "verify"]).end == .exited(0))
    }

    private func copies(_ network: Network, _ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: network.folder[folder]).sorted()
    }

    @Test func aBackupAsTyped() throws {
        let network = try Network(plain: true)
        try network.edit("truc") { $0 += "backup:\n  directory: \(network.folder["backups"])\n" }
        try network.start("truc")
        // The folder is not there: who needs what is said, and nothing is left.
        let early = try network.control("truc", ["backup"])
        #expect(early.end == .exited(1) && early.errors.contains("install -d -o "), "\(early.errors)")
        #expect(try network.status("truc").lastBackup == nil)
        try network.folder.makeFolder("backups")
        let old = ["edocd-truc-20200101T000000Z.mdb", "edocd-truc-20200102T000000Z.mdb"]
        for name in old + ["edocd-hcm-20200101T000000Z.mdb"] { try network.folder.write("x", to: "backups/" + name) }
        // One that fails removes nothing: its name is taken.
        let taken = network.folder["backups/" + old[0]]
        let failed = try network.control("truc", ["backup", taken])
        #expect(failed.end == .exited(1) && failed.errors.contains("is there already"), "\(failed.errors)")
        let misplaced = try network.control("truc", ["backup", network.folder["one.mdb"], "--keep", "1"])
        #expect(misplaced.end == .exited(1) && misplaced.errors.contains("are for a folder"), "\(misplaced.errors)")
        #expect(try copies(network, "backups") == ["edocd-hcm-20200101T000000Z.mdb"] + old)
        let none = try network.control("truc", ["backup", "--keep", "0"])
        #expect(none.end == .exited(2), "\(none)")

        let made = try network.control("truc", ["backup", "--keep", "2", "--json"])
        #expect(made.end == .exited(0), "\(made.errors)")
        let answer = try ControlJSON.answer(BackupAnswer.self, from: Array(made.output.utf8))
        #expect(answer.removed == [network.folder["backups/" + old[0]]] && answer.removalTrouble == nil)
        let left = try copies(network, "backups")
        #expect(left.count == 3 && left.contains(old[1]) && left.contains("edocd-hcm-20200101T000000Z.mdb"))
        #expect(answer.path.hasPrefix(network.folder["backups/edocd-truc-"]) && !answer.path.contains("//"))
        let status = try network.status("truc")
        #expect(status.lastBackup.map { $0 >= answer.started! } == true)
        let check = try network.control("truc", ["check", "backup"])
        #expect(check.end == .exited(0) && check.output.contains("the last good backup is"), "\(check)")
        // It is what restore takes.
        #expect(network.stop("truc") == .exited(0))
        try bringBack(network, "truc", answer.path)
        try network.start("truc")
        #expect(try eventually { try restored(network, "truc").phase == "held" }, "\(network.logTail("truc"))")
    }

    @Test func aHomeComesBackAndSaysWhatMayComeTwice() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp", "hcm"])
        try send(network, 1...3)
        #expect(try eventually { try network.inbox("hcm", "H29").count == 3 })
        try network.folder.makeFolder("copies")
        #expect(try network.control("hcm", ["backup", network.folder["copies"]]).end == .exited(0))
        let file = try #require(try FileManager.default.contentsOfDirectory(atPath: network.folder["copies"]).first)
        #expect(file.hasPrefix("edocd-hcm-") && file.hasSuffix("Z.mdb"))
        let first = try network.submit("hcm", try network.package("a.edxml", from: "H29", to: ["G22"])).envelope
        // After the backup: one is taken by the agency, and two more come.
        let taken = try network.inbox("hcm", "H29")[0].envelope
        #expect(try network.control("hcm", ["inbox", "ack", "H29", taken]).end == .exited(0))
        try send(network, 4...5)
        #expect(try eventually { try network.inbox("hcm", "H29").count == 4 })
        #expect(
            try eventually { try network.trace("vpcp", taken).recipients.allSatisfy { $0.state == "delivered" } })
        #expect(network.stop("hcm") == .exited(0))
        try bringBack(network, "hcm", network.folder["copies/" + file])
        try network.start("hcm")
        #expect(try eventually { try restored(network, "hcm").phase == "held" })
        let listed = try restored(network, "hcm", "--state", "arrived")
        #expect(listed.rows.count == 3 && listed.rows.contains { $0.name == taken })
        #expect(try network.inbox("hcm", "H29").allSatisfy { $0.mayRepeat == true })
        // The submitter knows what was delivered, the hub what was handed over since.
        let books = try lines(network, "vpcp", about: "hcm") + lines(network, "truc", about: "hcm")
        try network.folder.write(books.joined(separator: "\n") + "\n", to: "books.jsonl")
        let answer: CompareAnswer = try network.ask(
            "hcm", "restore", "compare", network.folder["books.jsonl"], "--apply", "--reason", "đối chiếu")
        #expect(answer.delivered.map(\.name) == [taken] && answer.ended == 1)
        #expect(answer.missing.count == 2)
        let inbox = try network.inbox("hcm", "H29")
        #expect(inbox.count == 2 && !inbox.contains { $0.envelope == taken })
        // What comes from now on is new, and a node that was restored makes IDs of another incarnation.
        try send(network, 6...6)
        #expect(try eventually { try network.inbox("hcm", "H29").contains { $0.mayRepeat == nil } })
        let own = try network.submit("hcm", try network.package("b.edxml", from: "H29", to: ["G22"])).envelope
        #expect(own.split(separator: "-")[1] != first.split(separator: "-")[1])
        #expect(try network.ledger("hcm").documents?.balances == true)
        // A file about another node, and one that is none.
        try network.folder.write(
            books[0].replacingOccurrences(of: "\"about\":\"hcm\"", with: "\"about\":\"hanoi\""), to: "other.jsonl")
        let other = try network.control("hcm", ["restore", "compare", network.folder["other.jsonl"]])
        #expect(other.end == .exited(1) && other.errors.contains("speaks of node hanoi"), "\(other.errors)")
        try network.folder.write("not json\n", to: "none.jsonl")
        let none = try network.control("hcm", ["restore", "compare", network.folder["none.jsonl"]])
        #expect(none.end == .exited(1) && none.errors.contains("line 1"), "\(none.errors)")
    }

    /// A submitter comes back from a copy. What it handed in after that its neighbour has taken and its agency may have: it is listed, its
    /// reports are believed and kept, and trace knows it, though nothing of it is in the store.
    @Test func whatWasTakenOfUsAndIsNotKnownHere() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp", "hcm"])
        let old = try network.submit("vpcp", try network.package("old.edxml", to: ["H29"])).envelope
        #expect(try eventually { try network.inbox("hcm", "H29").count == 1 })
        #expect(try network.control("vpcp", ["backup", network.folder["vpcp.mdb"]]).end == .exited(0))
        let lost = try ["one", "two"].map {
            try network.submit("vpcp", try network.package($0 + ".edxml", to: ["H29", "H29.15"])).envelope
        }
        #expect(try eventually { try network.inbox("hcm", "H29").count == 3 })
        #expect(try eventually { try network.ledger("vpcp").documents?.ended["forwarded"] == 5 })
        #expect(network.stop("vpcp") == .exited(0))
        try bringBack(network, "vpcp", network.folder["vpcp.mdb"])
        try network.start("vpcp")
        #expect(try eventually { try restored(network, "vpcp").phase == "held" })
        // It knows nothing of them, and is not believed to.
        #expect(try network.control("vpcp", ["trace", lost[0]]).end == .exited(1))

        let books = try lines(network, "truc", about: "vpcp")
        try network.folder.write(books.joined(separator: "\n") + "\n", to: "truc.jsonl")
        let listed: CompareAnswer = try network.ask("vpcp", "restore", "compare", network.folder["truc.jsonl"])
        let unknown = listed.unknown ?? []
        #expect(unknown.allSatisfy { $0.what == "taken" && $0.from == "truc" && $0.about == "vpcp" })
        #expect(
            Set(unknown.map { "\($0.name) \($0.recipient)" })
                == Set(lost.flatMap { ["\($0) H29", "\($0) H29.15"] }), "\(unknown)")
        let text = try network.control("vpcp", ["restore", "compare", network.folder["truc.jsonl"]])
        #expect(text.output.contains(lost[0]) && text.output.contains(lost[1]), "\(text.output)")
        // Looking alone changes nothing.
        #expect(try network.control("vpcp", ["trace", lost[0]]).end == .exited(1))
        let apply = ["restore", "compare", network.folder["truc.jsonl"], "--apply", "--reason", "đối chiếu"]
        let applied: CompareAnswer = try network.ask("vpcp", apply)
        #expect(applied.unknown?.count == 4)
        let waiting = try network.trace("vpcp", lost[0])
        #expect(waiting.recipients.map(\.name).sorted() == ["H29", "H29.15"])
        #expect(
            waiting.recipients.allSatisfy { $0.unknown?.hasPrefix("taken by truc, as its books say") == true },
            "\(waiting.recipients)")
        // Now its agency takes it: the report is believed, and kept.
        #expect(try network.control("hcm", ["inbox", "ack", "H29", lost[0]]).end == .exited(0))
        let isKnown = try eventually {
            try network.trace("vpcp", lost[0]).recipients.contains { $0.name == "H29" && $0.state == "delivered" }
        }
        #expect(isKnown, "\(network.logTail("vpcp"))")
        #expect(!network.logText("vpcp").contains("are not believed"))
        network.stop("vpcp")
        try network.start("vpcp")
        let kept = try network.trace("vpcp", lost[0]).recipients.first { $0.name == "H29" }
        #expect(
            kept?.state == "delivered" && kept?.isFinal == true && kept?.stops.last?.node == "hcm", "\(kept as Any)")
        // Nothing is listed twice.
        let again: CompareAnswer = try network.ask("vpcp", "restore", "compare", network.folder["truc.jsonl"])
        #expect(again.unknown == nil && again.forwarded.isEmpty, "\(again)")
        #expect(try network.trace("vpcp", old).recipients.count == 1)
    }

    @Test func whatCannotBeCopiedIsRefused() throws {
        let network = try Network(plain: true)
        try network.edit("truc") { $0 += "backup:\n  directory: \"\"\n" }
        try network.start("truc")
        try network.folder.write("mine", to: "taken.mdb")
        func refusal(_ arguments: [String]) throws -> String {
            let result = try network.control("truc", ["backup"] + arguments)
            #expect(result.end == .exited(1), "\(result.output)")
            return result.errors
        }
        #expect(try refusal([network.folder["taken.mdb"]]).contains("is there already"))
        #expect(network.folder.text("taken.mdb") == "mine")
        #expect(try refusal([network.folder["no/such/place.mdb"]]).contains("there is no such folder"))
        #expect(try refusal(["/tmp/../tmp/x.mdb"]).contains("no .."))
        #expect(try refusal([]).contains("backup.directory is empty"))
        #expect(try network.control("truc", ["backup", "x", "--rate", "0"]).end == .exited(2))
        #expect(try network.control("truc", ["backup", "--cancel"]).end == .exited(1))
        #expect(try network.control("truc", ["restore", "release", "--reason", "x"]).end == .exited(1))
        // What is no backup is not brought back, and what is there stays.
        #expect(network.stop("truc") == .exited(0))
        let none = try network.run(
            Places.edocctl,
            ["restore", network.folder["taken.mdb"], "--store", network.folder["truc/store"], "--force"])
        #expect(none.end == .exited(1) && none.errors.contains("taken.mdb"), "\(none.errors)")
        try network.start("truc")
    }

    /// A copy that was cut off, a directory that is no store's, and another node's store are refused; what is there stays. And no daemon
    /// begins an empty store where an interrupted restore has left the old one.
    @Test func aRestoreThatDoesNotFitIsRefused() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "hcm"])
        let left = "copies/.edocd-truc-20260101T000000Z.mdb.partial"
        try network.folder.makeFolder("copies")
        try network.folder.write("a part", to: left)
        #expect(try network.control("truc", ["backup", network.folder["copies"]]).end == .exited(0))
        #expect(!FileManager.default.fileExists(atPath: network.folder[left]))
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: network.folder["copies"]).first)
        let file = network.folder["copies/" + name]
        for node in ["truc", "hcm"] { #expect(network.stop(node) == .exited(0)) }
        func refusal(_ file: String, _ place: String) throws -> String {
            let result = try network.run(
                Places.edocctl, ["restore", file, "--store", network.folder[place], "--force"])
            #expect(result.end == .exited(1), "\(result.end) \(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            return result.errors
        }
        let whole = try #require(FileManager.default.contents(atPath: file))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: network.folder["half.mdb"]))
        #expect(try refusal(network.folder["half.mdb"], "truc/store").contains("is cut off"))
        #expect(try refusal(file, "hcm/store").contains("is that of dtn://hcm/"))
        #expect(try refusal(file, "copies").contains("is no store"))
        #expect(try restored(network, offline: "truc").phase == "never")
        // Reached by a link, as where systemd keeps it for a user of its own.
        let link = network.folder["link"]
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: network.folder["truc/store"])
        let configuration = network.folder["truc.yaml"]
        let result = try network.run(
            Places.edocctl,
            ["restore", file, "--store", link, "--force", "--reason", "đĩa hỏng", "--config", configuration])
        #expect(result.end == .exited(0) && result.errors.isEmpty, "\(result.errors)")
        // The daemon would not look there.
        let apart = try network.run(
            Places.edocctl, ["restore", file, "--store", network.folder["apart"], "--config", configuration])
        #expect(apart.end == .exited(0), "\(apart.errors)")
        #expect(
            apart.errors.contains("has its store in \(network.folder["truc/store"]) (store.directory), not in "),
            "\(apart.errors)")
        #expect(try restored(network, offline: "truc").phase == "brought")
        let data = network.folder["truc/store/data.mdb"]
        let store = try FileManager.default.contentsOfDirectory(atPath: network.folder["truc/store"])
        let aside = try #require(store.first { $0.hasPrefix("before-restore-") })
        try FileManager.default.removeItem(atPath: data)
        let start = try network.run(Places.edocd, ["--config", network.folder["truc.yaml"]])
        #expect(start.end != .exited(0) && start.errors.contains(aside), "\(start.end) \(start.errors)")
        #expect(!FileManager.default.fileExists(atPath: data))
        try bringBack(network, "truc", file)
        try network.start("truc")
        #expect(try eventually { try restored(network, "truc").phase == "held" }, "\(network.logTail("truc"))")
    }

    private func restored(_ network: Network, offline name: String) throws -> RestoreAnswer {
        let result = try network.run(
            Places.edocctl, ["--store", network.folder[name + "/store"], "restore", "list", "--json"])
        return try ControlJSON.answer(RestoreAnswer.self, from: Array(result.output.utf8))
    }

    /// A slow copy is cancelled, or given up by the daemon's own end; nothing of it is left.
    @Test func aCopyThatIsGivenUpLeavesNothing() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp"])
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        for token in 1...4 {
            _ = client.submit(
                token: UInt64(token), from: "G22", to: ["H29"], document: "d",
                payload: [UInt8](repeating: 7, count: 3 << 20))
        }
        #expect(try eventually { try waiting(network, "truc") == 4 })
        func begin() throws {
            let result = try network.control(
                "truc", ["backup", network.folder["slow.mdb"], "--rate", "1", "--no-wait"])
            #expect(result.end == .exited(0), "\(result.errors)")
            #expect(
                try eventually {
                    let answer = try backup(network)
                    return answer.state == "copying" && answer.bytesWritten > 0
                })
        }
        try begin()
        let second = try network.control("truc", ["backup", network.folder["second.mdb"]])
        #expect(second.end == .exited(1) && second.errors.contains("under way"), "\(second.errors)")
        #expect(try network.control("truc", ["backup", "--cancel"]).end == .exited(0))
        #expect(
            try eventually {
                let answer = try backup(network)
                return answer.state == "failed" && answer.why?.contains("cancelled") == true
            })
        try begin()
        #expect(network.stop("truc") == .exited(0), "\(network.logTail("truc"))")
        let left = try FileManager.default.contentsOfDirectory(atPath: network.folder.path)
        #expect(!left.contains { $0.contains("slow") || $0.contains("second") }, "\(left)")
        try network.start("truc")
        let log: AuditAnswer = try network.ask("truc", "audit", "list", "--verb", "backup")
        #expect(log.entries.count == 4 && log.entries.count { $0.outcome.hasPrefix("failed: ") } == 2)
    }

    /// The path leads to a disk that does not answer: who asks is answered, a second backup is refused, and the daemon ends.
    @Test(.enabled(if: HangingFolder.isPossible, "A folder that hangs needs root and fanotify."))
    func aDiskThatDoesNotAnswer() throws {
        let network = try Network(plain: true)
        try network.folder.makeFolder("dead")
        try network.start("truc")
        let dead = try HangingFolder(network.folder["dead"], withFiles: true)
        defer { withExtendedLifetime(dead) {} }
        let path = network.folder["dead/copy.mdb"]
        #expect(try network.control("truc", ["backup", path, "--no-wait"]).end == .exited(0))
        #expect(try ["measuring", "copying"].contains(backup(network).state))
        // More than there are threads to answer with.
        for _ in 1...6 {
            let second = try network.control("truc", ["backup", network.folder["dead"]])
            #expect(second.end == .exited(1) && second.errors.contains("a backup is under way"), "\(second.errors)")
        }
        #expect(try network.status("truc").node == "truc")
        let cancelled = try network.control("truc", ["backup", "--cancel"])
        #expect(cancelled.end == .exited(0) && cancelled.output.contains("ends when its disk answers"), "\(cancelled)")
        #expect(network.stop("truc") == .exited(0), "\(network.logTail("truc"))")
    }

    /// A copy that would need more head room than the store has above its floor is not begun.
    @Test func aBackupNeverFillsTheStore() throws {
        let network = try Network(plain: true)
        try network.replace("truc", "map_size: 1GiB", "map_size: 160MiB")
        // The whole store is vpcp's, as no peer's is by default.
        try network.edit("truc") { $0 += "\nquotas: {peer_bytes: 100%, sender_bytes: 100%}\n" }
        try network.start(["truc", "vpcp"])
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        for token in 1...12 {
            _ = client.submit(
                token: UInt64(token), from: "G22", to: ["H29"], document: "d",
                payload: [UInt8](repeating: 7, count: 3 << 20))
        }
        #expect(try eventually { try waiting(network, "truc") == 12 }, "\(network.logTail("truc"))")
        let result = try network.control("truc", ["backup", network.folder["big.mdb"]])
        #expect(result.end == .exited(1) && result.errors.contains("floor"), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: network.folder["big.mdb"]))
        // The node goes on.
        try network.start("hcm")
        #expect(try eventually { try network.inbox("hcm", "H29").count == 12 })
    }

    /// The views of a running daemon, of its store when it is stopped, are the same but for what only it knows.
    @Test func aStoppedStoreIsReadWithoutItsDaemon() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp"])
        try send(network, 1...5)
        #expect(try eventually { try waiting(network, "truc") == 5 })
        let list: EnvelopesAnswer = try network.ask("truc", "list")
        let queue: QueueAnswer = try network.ask("truc", "queue")
        let ledger = try network.ledger("truc")
        #expect(network.stop("truc") == .exited(0))
        let store = network.folder["truc/store"]
        let before = try FileManager.default.contentsOfDirectory(atPath: store).sorted()
        func offline<Answer: ControlAnswer>(_ arguments: String...) throws -> Answer {
            let result = try network.run(Places.edocctl, ["--store", store] + arguments + ["--json"])
            guard let answer = try? ControlJSON.answer(Answer.self, from: Array(result.output.utf8)) else {
                throw TestFailure("\(arguments): \(result.output) \(result.errors)")
            }
            return answer
        }
        let offlineList: EnvelopesAnswer = try offline("list")
        #expect(offlineList.envelopes == list.envelopes)
        let offlineQueue: QueueAnswer = try offline("queue")
        #expect(offlineQueue.rows.map(\.nextHops) == queue.rows.map(\.nextHops))
        #expect(offlineQueue.rows.map(\.total.count) == [5])
        let offlineLedger: LedgerAnswer = try offline("ledger")
        #expect(offlineLedger.documents == ledger.documents && offlineLedger.documents?.balances == true)
        #expect(offlineLedger.peers.contains { $0.node == "vpcp" && $0.taken == 5 })
        let status: StatusAnswer = try offline("status")
        #expect(status.node == "truc" && status.version == "offline" && status.inStore["waiting"] == 5)
        let envelope: EnvelopeAnswer = try offline("show", list.envelopes[0].name)
        let recipient = try #require(envelope.envelope.recipients.first)
        #expect(recipient.state == "waiting" && recipient.nextHops == ["hcm"] && recipient.nextAttempt == nil)
        #expect(recipient.why.contains { $0.hasPrefix("offline: ") })
        let history: HistoryAnswer = try offline("history")
        #expect(history.rows.isEmpty)
        // For people, with a line that says what they look at; the option may stand behind as well.
        let shown = try network.run(Places.edocctl, ["queue", "--store", store])
        #expect(shown.end == .exited(0) && shown.errors.hasPrefix("offline: the store as"), "\(shown.errors)")
        #expect(!shown.output.contains("offline: the store as") && !shown.output.isEmpty, "\(shown.output)")
        let stands = try network.run(Places.edocctl, ["status", "--store", store]).output
        #expect(stands.contains("does not run; it last wrote at ") && stands.contains("waiting 5"), "\(stands)")
        for words in ["listening", "memory", "links", "nothing needs a person", " 0 B"] {
            #expect(!stands.contains(words), "\(stands)")
        }
        // What acts needs the daemon.
        for arguments in [["peers"], ["reload"], ["routes", "explain", "H29"]] {
            let result = try network.run(Places.edocctl, arguments + ["--store", store])
            #expect(result.end == .exited(1) && result.errors.contains("--store only reads"), "\(result.errors)")
            #expect(result.output.isEmpty, "\(result.output)")
        }
        let nowhere = try network.run(Places.edocctl, ["--store", network.folder["hcm"], "status"])
        #expect(nowhere.end == .exited(1) && nowhere.errors.contains("There is no store in"), "\(nowhere.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: store).sorted() == before)
        try network.start("truc")
        #expect(try waiting(network, "truc") == 5)
    }
}
