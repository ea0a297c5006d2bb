// SpoolTests: documents go into an agency's spool with the real daemon: once, whole, with the rights that are configured; killed at
// every call on the spool's files; a directory that takes nothing; and what operators see of it.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct SpoolTests {
    /// hcm alone, with documents from H29.15 to H29, both at home there.
    private final class Home {
        let network: Network
        var documents: [String: [UInt8]] = [:]
        private let hasSidecars: Bool
        var folder: String { network.folder["spool"] }

        init(_ settings: String = "", makesFolders: Bool = true) throws {
            network = try Network()
            hasSidecars = !settings.contains("sidecar: no")
            if makesFolders { for name in ["tmp", "new", "taken"] { try network.folder.makeFolder("spool/" + name) } }
            try network.edit("hcm") { $0 += "spool:\n  H29:\n    directory: spool\n" + settings }
        }

        /// Without a spool, until `spooled`.
        func withoutSpool(_ body: () throws -> Void) throws {
            let text = network.folder.text("hcm.yaml")
            try network.edit("hcm") { $0 = $0.components(separatedBy: "spool:\n").first ?? $0 }
            try body()
            try network.folder.write(text, to: "hcm.yaml")
        }

        /// Hands in documents of 1 byte up to a few portions; `documents` knows each by the name of its file.
        func submit(_ count: Int, bytes: (Int) -> Int = { 3_000 + $0 }) throws {
            for _ in 0..<count {
                let index = documents.count + 1
                let payload = (0..<bytes(index)).map { UInt8(truncatingIfNeeded: ($0 &+ index) &* 2_654_435_761 >> 11) }
                try Data(payload).write(to: URL(fileURLWithPath: network.folder["document"]))
                let answer = try network.submit(
                    "hcm", network.folder["document"],
                    ["--sender", "H29.15", "--to", "H29", "--document", "VB \(index)"])
                documents[answer.envelope + "-H29"] = payload
            }
        }

        func names(_ part: String) throws -> [String] {
            try all(part).filter { !$0.hasSuffix(".json") }
        }

        /// With the sidecars.
        func all(_ part: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder + "/" + part).sorted()
        }

        /// What the file beside a document says; it is there before the document.
        func sidecar(_ name: String) throws -> [String: Any] {
            let bytes = try network.folder.bytes("spool/new/" + name + ".json")
            return try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] ?? [:]
        }

        /// The agency's system: takes each file out of `new`, once. What it took before must not come again.
        func take() throws -> [String] {
            let names = try names("new")
            for name in names {
                #expect(try network.folder.bytes("spool/new/" + name) == documents[name], "\(name) is not whole")
                let goal = folder + "/taken/" + name
                if hasSidecars {
                    let facts = try sidecar(name)
                    #expect(facts["envelope"] as? String == String(name.dropLast("-H29".count)))
                    #expect(facts["bytes"] as? Int == documents[name]?.count && facts["vouched"] as? Bool == true)
                }
                if rename(folder + "/new/" + name, goal + ".new") != 0 { throw TestFailure("\(name) cannot be taken") }
                unlink(folder + "/new/" + name + ".json")
                #expect(access(goal, F_OK) != 0, "\(name) comes a second time")
                if rename(goal + ".new", goal) != 0 { throw TestFailure("\(name) cannot be kept") }
            }
            return names
        }

        func delivered() throws -> UInt64 { try network.ledger("hcm").documents?.ended["delivered"] ?? 0 }

        func expectDelivered(_ location: SourceLocation = #_sourceLocation) throws {
            let count = UInt64(documents.count)
            let isDone = try eventually { try delivered() == count }
            #expect(isDone, "of \(count):\n\(network.logTail("hcm"))", sourceLocation: location)
            _ = try take()
            #expect(try names("taken") == documents.keys.sorted(), sourceLocation: location)
            #expect(try all("tmp").isEmpty && all("new").isEmpty, sourceLocation: location)
            #expect(try network.inbox("hcm", "H29").isEmpty, sourceLocation: location)
            try network.expectBooksBalance(["hcm"])
        }
    }

    /// What the agency's system leaves lying is told with agency, count and the oldest: an urgent document after a quarter of an hour.
    @Test func whatNobodyTakes() throws {
        let home = try Home()
        let network = home.network
        try network.start("hcm")
        try network.folder.write("khẩn", to: "document")
        let options = ["--sender", "H29.15", "--to", "H29", "--document", "VB 1"]
        for urgency in ["3", "3", "0"] {
            _ = try network.submit("hcm", network.folder["document"], options + ["--urgency", urgency])
        }
        #expect(try eventually { try home.names("new").count == 3 && home.delivered() == 3 })
        network.stop("hcm")
        let names = try home.names("new")
        for (index, name) in names.enumerated() {
            var times = [timespec(), timespec()]
            clock_gettime(CLOCK_REALTIME, &times[0])
            times[0].tv_sec -= 1_200 + 60 * index
            times[1] = times[0]
            #expect(utimensat(AT_FDCWD, home.folder + "/new/" + name, &times, 0) == 0)
        }
        try network.start("hcm")
        func findings() throws -> [FindingLine] {
            (try network.status("hcm").findings ?? []).filter { $0.code == "spoolUntaken" }
        }
        #expect(try eventually { try !findings().isEmpty })
        let found = try findings()
        #expect(found.count == 1 && found[0].subject == "H29" && found[0].grade == "critical")
        let text = found.first?.text ?? ""
        #expect(
            text.hasPrefix("the spool of H29 has urgent documents that nobody takes: 2, the oldest for 2"), "\(text)")
        let check = try network.control("hcm", ["check", "arrived"])
        #expect(check.end == .exited(2) && check.output.contains(text), "\(check.output)")
        let metrics = try network.run(
            "/usr/bin/curl",
            ["-sS", "--unix-socket", network.folder["hcm/control.sock"], "http://localhost/metrics"])
        #expect(
            metrics.output.contains("edoc_findings{node=\"hcm\",code=\"spoolUntaken\",grade=\"critical\"} 1\n"))
    }

    /// Over the network, with its report back at the submitter, and with the rights that the agency's system needs.
    @Test func throughTheNetworkIntoTheDirectory() throws {
        let home = try Home("    mode: \"0664\"\n    group: \(try Self.ownGroup())\n")
        let network = home.network
        try network.start(Network.names)
        let file = try network.package("dispatch.edxml", to: ["H29", "H26"])
        let accepted = try network.submit("vpcp", file)
        let name = accepted.envelope + "-H29"
        #expect(try eventually { try home.names("new") == [name] }, "\(network.logTail("hcm"))")
        #expect(try network.folder.bytes("spool/new/" + name) == network.folder.bytes("dispatch.edxml"))
        let told = try home.sidecar(name)
        #expect(told["sender"] as? String == "G22" && told["recipients"] as? [String] == ["H29", "H26"])
        #expect(told["agency"] as? String == "H29" && told["source"] as? String == "dtn://vpcp/")
        #expect((told["digest"] as? String)?.count == 64 && told["arrived"] is String && told["urgency"] is Int)
        var facts = stat()
        #expect(stat(home.folder + "/new/" + name, &facts) == 0 && facts.st_mode & 0o7777 == 0o664)
        #expect(facts.st_gid == getegid())
        let isKnown = try eventually {
            try network.trace("vpcp", accepted.envelope).recipients.first { $0.name == "H29" }?.state == "delivered"
        }
        #expect(isKnown, "\(network.logTail("vpcp"))")
        #expect(try network.inbox("hcm", "H29").isEmpty)
        #expect(try network.ledger("hcm").documents?.ended["delivered"] == 1)
        // H26 has an inbox as before.
        #expect(try eventually { try network.inbox("hanoi", "H26").count == 1 })
        try network.expectBooksBalance(Network.names)
    }

    private static func ownGroup() throws -> String {
        guard let entry = getgrgid(getegid()) else { throw TestFailure("the test's group has no name") }
        return String(cString: entry.pointee.gr_name)
    }

    /// Part of a portion, one portion, many portions, and in pieces.
    @Test func sizes() throws {
        let home = try Home()
        let sizes = [1, 1 << 20, (3 << 20) + 17, (9 << 20) + 5]
        try home.network.start("hcm")
        try home.submit(sizes.count) { sizes[$0 - 1] }
        try home.expectDelivered()
    }

    /// The engine starts over while documents are on their way: what the writer is at then is done again, and nothing comes twice.
    @Test func theEngineStartsOverMeanwhile() throws {
        // A few at a time, so that there is a meanwhile.
        let home = try Home("    at_once: 4\n")
        let network = home.network
        network.setEnvironment(
            "hcm",
            [
                "LD_PRELOAD": try network.interposer("interposer"), "EDOC_INTERPOSE_FULL": network.folder["full"],
            ])
        try home.withoutSpool {
            try network.start("hcm")
            try home.submit(30) { 200_000 + $0 }
        }
        // The reload itself is lost with the first batch; the configuration is not.
        try network.folder.write("", to: "full")
        #expect(try network.control("hcm", ["reload"]).end == .exited(0))
        for _ in 1...3 {
            let before = try home.names("new").count
            _ = try eventually(within: 5) { try home.names("new").count > before }
            try network.folder.write("", to: "full")
        }
        try home.expectDelivered()
        #expect(network.logText("hcm").components(separatedBy: StartOverTests.notice).count > 2)
    }

    enum When: String, CaseIterable { case before, after }

    /// Each life of the daemon is killed one call later than the one before, before the call or after it, until one gets through
    /// everything. One document at a time, so that the order of the calls is always the same.
    @Test(arguments: When.allCases)
    func killedAtEveryCall(_ when: When) throws {
        let home = try Home("    at_once: 1\n")
        let (lives, seen) = try killAgainAndAgain(home, when, first: 1, step: 1)
        // Every kind of call has been the last one.
        #expect(seen == ["unlinkat", "openat", "write", "fchmod", "fsync", "renameat"], "\(seen)")
        #expect(lives > 16, "\(lives)")
        try home.expectDelivered()
    }

    /// The same with all documents in one group: of each life some are written, or are on the disk, or renamed, and others are not.
    @Test(arguments: When.allCases)
    func killedInTheMiddleOfAGroup(_ when: When) throws {
        let home = try Home()
        let (lives, _) = try killAgainAndAgain(home, when, first: 7, step: 29)
        #expect(lives > 4, "\(lives)")
        try home.expectDelivered()
    }

    /// 24 documents wait for the spool, and each life of the daemon is killed so many calls later than the one before; how many there
    /// were, and at which calls they ended.
    private func killAgainAndAgain(
        _ home: Home, _ when: When, first: Int, step: Int
    ) throws -> (lives: Int, seen: Set<String>) {
        let network = home.network
        let library = try network.interposer("killer")
        try home.withoutSpool {
            try network.start("hcm")
            try home.submit(24)
            #expect(try network.inbox("hcm", "H29").count == 24)
            #expect(network.stop("hcm") == .exited(0))
        }
        var lives = 0
        var seen: Set<String> = []
        while true {
            let call = first + lives * step
            lives += 1
            network.setEnvironment(
                "hcm",
                [
                    "LD_PRELOAD": library, "EDOC_KILL_UNDER": home.folder, "EDOC_KILL_AT": String(call),
                    "EDOC_KILL_WHEN": when.rawValue, "EDOC_KILL_LOG": network.folder["calls"],
                ])
            try? FileManager.default.removeItem(atPath: network.folder["calls"])
            let isThrough = try life(of: home)
            let calls = network.folder.text("calls").split(separator: "\n").map(String.init)
            if isThrough { return (lives, seen) }
            #expect(calls.count >= call && lives < 100)
            seen.insert(calls[call - 1])
            _ = try home.take()
        }
    }

    enum Fault: String, CaseIterable { case nameTaken, noRoom, noSync }

    /// One of many fails: something stands under its name, or the disk has no room for it, or cannot bring it down. The others are handed
    /// over, and it follows when it can.
    @Test(arguments: Fault.allCases)
    func oneThatFailsInAGroup(_ fault: Fault) throws {
        let home = try Home()
        let network = home.network
        try home.withoutSpool {
            try network.start("hcm")
            try home.submit(12)
            #expect(network.stop("hcm") == .exited(0))
        }
        let name = try #require(home.documents.keys.sorted().dropFirst(5).first)
        var says = "Input/output error"
        switch fault {
        case .nameTaken:
            try network.folder.makeFolder("spool/tmp/" + name)
            says = "Is a directory"
        case .noRoom, .noSync:
            network.setEnvironment(
                "hcm",
                [
                    "LD_PRELOAD": try network.interposer("interposer"),
                    fault == .noRoom ? "EDOC_INTERPOSE_NO_ROOM_FOR" : "EDOC_INTERPOSE_NO_SYNC_OF": "/tmp/" + name,
                ])
            if fault == .noRoom { says = "No space left on device" }
        }
        try network.start("hcm")
        #expect(try eventually { try home.delivered() == 11 }, "\(network.logTail("hcm"))")
        #expect(try home.names("new") == home.documents.keys.filter { $0 != name }.sorted())
        #expect(
            try eventually {
                let answer: InboxAnswer = try network.ask("hcm", "inbox", "list", "H29")
                return answer.spool?.trouble?.contains(says) == true
            }, "\(network.logTail("hcm"))")
        #expect(network.stop("hcm") == .exited(0))
        if fault == .nameTaken { #expect(rmdir(home.folder + "/tmp/" + name) == 0) }
        network.setEnvironment("hcm", [:])
        try network.start("hcm")
        try home.expectDelivered()
    }

    /// One life under the killer; true when it got through all documents.
    private func life(of home: Home) throws -> Bool {
        let network = home.network
        try network.launch("hcm")
        let isOver = try eventually {
            if !network.isRunning("hcm") { return true }
            guard try network.control("hcm", ["status"]).end == .exited(0) else { return false }
            return (try? home.delivered()) == UInt64(home.documents.count)
        }
        #expect(isOver, "\(network.logTail("hcm"))")
        if network.isRunning("hcm") { return true }
        #expect(network.stop("hcm") == .signalled(SIGKILL))
        return false
    }

    /// No folder, no room, no right, another disk's folder: said once each, and what waits goes through when it is mended.
    @Test func aDirectoryThatTakesNothing() throws {
        let home = try Home("    reserve: 1TiB\n", makesFolders: false)
        let network = home.network
        try network.start("hcm")
        try home.submit(2)
        func trouble() throws -> String {
            let answer: InboxAnswer = try network.ask("hcm", "inbox", "list", "H29")
            return answer.spool?.trouble ?? ""
        }
        #expect(try eventually { try trouble().contains("spool/tmp is not there; make it, or mount its disk") })
        let status = try network.status("hcm")
        #expect(status.attention.contains { $0.contains("the spool of H29 takes no documents") }, "\(status.attention)")
        for name in ["tmp", "new", "taken"] { try network.folder.makeFolder("spool/" + name) }
        #expect(try eventually { try trouble().contains("beside the document must stay free") })
        #expect(try network.inbox("hcm", "H29").count == 2)
        #expect(try home.names("tmp").isEmpty && home.names("new").isEmpty)
        // What an operator sees.
        let list = try network.control("hcm", ["inbox", "list", "H29"])
        #expect(list.output.contains("H29 takes its documents from \(home.folder)/new."), "\(list.output)")
        let vietnamese = try network.run(
            Places.edocctl, ["inbox", "list", "H29", "--socket", network.folder["hcm/control.sock"]],
            environment: ["LC_ALL": "vi_VN.UTF-8"])
        #expect(vietnamese.output.contains("H29 nhận văn bản tại thư mục \(home.folder)/new."), "\(vietnamese.output)")
        let queue = try network.control("hcm", ["queue"]).output
        #expect(queue.contains("H29 takes its documents from \(home.folder)/new.\n  The directory takes no documents"))
        let envelope = try #require(try network.inbox("hcm", "H29").first?.envelope)
        let show = try network.show("hcm", envelope).envelope.recipients[0]
        #expect(show.why.first == "arrived; waits for the spool \(home.folder)", "\(show)")
        #expect(show.nextAttempt != nil)
        // The inbox is still there for whoever wants a document at once.
        let copy = network.folder["copy"]
        #expect(try network.control("hcm", ["inbox", "fetch", "H29", envelope, "-o", copy]).end == .exited(0))

        try network.replace("hcm", "    reserve: 1TiB\n", "    reserve: 1MiB\n")
        #expect(try network.control("hcm", ["reload"]).end == .exited(0))
        try home.expectDelivered()
        let log = network.logText("hcm")
        let alarms = log.split(separator: "\n").count {
            $0.contains("takes no documents") && $0.contains("is not there")
        }
        #expect(alarms == 1, "\(log)")
        // Before any document came.
        #expect(log.contains("warning: spool.H29: \(home.folder)/tmp is not there"))
        #expect(log.contains("the spool of H29 takes documents again"))
    }

    /// So many documents wait for the spool, and the daemon ends right before it renames the first: unlinkat (an old sidecar), unlinkat,
    /// openat, fchmod, write, fsync, fsync, renameat.
    private func killedBeforeRename(_ home: Home, documents: Int) throws {
        let network = home.network
        try home.withoutSpool {
            try network.start("hcm")
            try home.submit(documents)
            network.stop("hcm")
        }
        network.setEnvironment(
            "hcm",
            [
                "LD_PRELOAD": try network.interposer("killer"), "EDOC_KILL_UNDER": home.folder, "EDOC_KILL_AT": "8",
                "EDOC_KILL_WHEN": "before",
            ])
        #expect(try !life(of: home))
        network.setEnvironment("hcm", [:])
    }

    /// It stays *handing over* while `new` is missing, is shown so, cannot be acknowledged, and is delivered when `new` is back.
    @Test func handingOverIsShown() throws {
        let home = try Home("    at_once: 1\n    sidecar: no\n")
        let network = home.network
        try killedBeforeRename(home, documents: 1)
        #expect(rename(home.folder + "/new", home.folder + "/away") == 0)
        try network.start("hcm")
        let document = try #require(try network.inbox("hcm", "H29").first)
        #expect(document.state == "handing")
        #expect(try network.status("hcm").inStore["handing"] == 1)
        let list = try network.control("hcm", ["inbox", "list", "H29"]).output
        #expect(list.contains("handing over"), "\(list)")
        let why = try network.show("hcm", document.envelope).envelope.recipients[0]
        #expect(why.state == "handing" && why.why.first?.contains("\(home.folder)/tmp/") == true, "\(why)")
        let text = try network.control("hcm", ["show", document.envelope]).output
        #expect(text.contains("handing over: written to \(home.folder)/tmp/"), "\(text)")
        let refused = try network.control("hcm", ["inbox", "ack", "H29", document.envelope])
        #expect(refused.end == .exited(1) && refused.errors.contains("spool of H29"), "\(refused.errors)")
        #expect(rename(home.folder + "/away", home.folder + "/new") == 0)
        try home.expectDelivered()
    }

    /// Where a disk is not mounted, or another one is, a missing file says nothing: it is not called delivered. It is mended by
    /// putting the folder back, or by hand (docs/spool.md).
    @Test(arguments: [false, true])
    func anotherFolderAtTheSamePlace(byHand: Bool) throws {
        let home = try Home("    at_once: 1\n    sidecar: no\n")
        let network = home.network
        try killedBeforeRename(home, documents: 1)
        #expect(rename(home.folder, network.folder["mounted"]) == 0)
        for name in ["tmp", "new", "taken"] { try network.folder.makeFolder("spool/" + name) }
        try network.start("hcm")
        let isSaid = try eventually {
            let answer: InboxAnswer = try network.ask("hcm", "inbox", "list", "H29")
            return answer.spool?.trouble?.contains("is not the folder in which") == true
        }
        #expect(isSaid, "\(network.logTail("hcm"))")
        #expect(try home.delivered() == 0)
        if byHand {
            let envelope = try #require(try network.inbox("hcm", "H29").first?.envelope)
            let file = home.folder + "/tmp/" + envelope + "-H29"
            // Half of it, as a copy that is still being made: the daemon leaves it where it is.
            let half = Data((home.documents[envelope + "-H29"] ?? []).prefix(1_000))
            try half.write(to: URL(fileURLWithPath: file))
            let isRefused = try eventually {
                let answer: InboxAnswer = try network.ask("hcm", "inbox", "list", "H29")
                return answer.spool?.trouble?.contains("is not the document") == true && answer.spool?.stuck == 1
            }
            #expect(isRefused, "\(network.logTail("hcm"))")
            #expect(try home.names("new").isEmpty && home.names("tmp").count == 1)
            // One that is stuck holds up no other, though only one may be under way at once.
            try home.submit(1)
            #expect(try eventually { try home.delivered() == 1 }, "\(network.logTail("hcm"))")
            let attention = try network.status("hcm").attention
            #expect(
                attention.contains { $0.contains("does not take documents that are handing over (1)") },
                "\(attention)")
            let page = try network.control("hcm", ["check", "arrived"])
            #expect(page.output.contains("on its way into a spool has waited for"), "\(page.output)")
            #expect(unlink(file) == 0)
            let fetched = try network.control("hcm", ["inbox", "fetch", "H29", envelope, "-o", file])
            #expect(fetched.end == .exited(0), "\(fetched.errors)")
        } else {
            try FileManager.default.removeItem(atPath: home.folder)
            #expect(rename(network.folder["mounted"], home.folder) == 0)
        }
        try home.expectDelivered()
    }

    /// The store comes back from a copy that was made while a document was *handing over*, which was delivered since, and the directory is
    /// made anew: it is named, and ended by an acknowledgement instead of being given twice. What was *arrived* waits for the release.
    @Test func aStoreComesBackWhileADocumentIsHandedOver() throws {
        let home = try Home("    at_once: 1\n    sidecar: no\n")
        let network = home.network
        try killedBeforeRename(home, documents: 2)
        #expect(rename(home.folder + "/new", home.folder + "/away") == 0)
        try network.start("hcm")
        let documents = try network.inbox("hcm", "H29")
        #expect(documents.map(\.state) == ["handing", nil])
        let copy = network.folder["hcm.mdb"]
        #expect(try network.control("hcm", ["backup", copy]).end == .exited(0))
        #expect(rename(home.folder + "/away", home.folder + "/new") == 0)
        try home.expectDelivered()
        network.stop("hcm")

        #expect(rename(home.folder, network.folder["lost"]) == 0)
        for name in ["tmp", "new", "taken"] { try network.folder.makeFolder("spool/" + name) }
        let restored = try network.run(
            Places.edocctl, ["restore", copy, "--store", network.folder["hcm/store"], "--force", "--reason", "hỏng"])
        #expect(restored.end == .exited(0), "\(restored.errors)")
        try network.start("hcm")
        #expect(
            try eventually {
                let answer: InboxAnswer = try network.ask("hcm", "inbox", "list", "H29")
                return answer.spool?.trouble?.contains("or ask the agency") == true
            }, "\(network.logTail("hcm"))")
        let list: RestoreAnswer = try network.ask("hcm", "restore", "list", "--state", "arrived")
        #expect(list.rows.map(\.state) == ["handing", "arrived"])
        let why = try network.show("hcm", documents[1].envelope).envelope.recipients[0].why
        #expect(why.first?.hasPrefix("arrived; held since the restore") == true, "\(why)")
        #expect(try network.control("hcm", ["inbox", "list", "H29"]).output.contains("edocctl restore release"))
        // It may be at its next attempt just now.
        #expect(
            try eventually {
                try network.control("hcm", ["inbox", "ack", "H29", documents[0].envelope]).end == .exited(0)
            })
        #expect(try home.delivered() == 1 && home.names("new").isEmpty)
        let release = ["restore", "release", "--reason", "đã hỏi", "--uncompared"]
        #expect(try network.control("hcm", release).end == .exited(0))
        #expect(try eventually { try home.names("new") == [documents[1].envelope + "-H29"] })
        #expect(try eventually { try home.delivered() == 2 })
        try network.expectBooksBalance(["hcm"])
    }

    /// The disk of one agency is gone: nothing on it answers. It is said once, nobody else waits, not even the start, a reload or the
    /// end of the daemon, and when the disk is back all goes on.
    @Test(.enabled(if: HangingFolder.isPossible, "A folder that hangs needs root and fanotify."))
    func aDiskThatDoesNotAnswer() throws {
        let home = try Home("    answer_within: 100ms\n  H29.15:\n    directory: other\n")
        let network = home.network
        for name in ["tmp", "new"] { try network.folder.makeFolder("other/" + name) }
        try network.start("hcm")
        try home.submit(1)
        #expect(try eventually { try home.delivered() == 1 })
        func trouble() throws -> String {
            let answer: InboxAnswer = try network.ask("hcm", "inbox", "list", "H29")
            return answer.spool?.trouble ?? ""
        }
        var count = 0
        func submitToTheOther() throws {
            count += 1
            _ = try network.submit(
                "hcm", network.folder["document"], ["--sender", "H29", "--to", "H29.15", "--document", "\(count)"])
            let isThere = try eventually {
                try FileManager.default.contentsOfDirectory(atPath: network.folder["other/new"])
                    .filter { !$0.hasSuffix(".json") }.count == count
            }
            #expect(isThere, "\(network.logTail("hcm"))")
        }

        var dead: HangingFolder? = try HangingFolder(home.folder + "/tmp")
        try home.submit(6)
        #expect(try eventually { try trouble().contains("its disk has not answered") }, "\(network.logTail("hcm"))")
        try submitToTheOther()
        let attention = try network.status("hcm").attention
        #expect(attention.contains { $0.contains("the spool of H29 takes no documents") }, "\(attention)")
        let vietnamese = try network.run(
            Places.edocctl, ["inbox", "list", "H29", "--socket", network.folder["hcm/control.sock"]],
            environment: ["LC_ALL": "vi_VN.UTF-8"])
        #expect(vietnamese.output.contains("đĩa đã không trả lời trong"), "\(vietnamese.output)")
        #expect(try network.control("hcm", ["reload"]).end == .exited(0))
        #expect(network.stop("hcm") == .exited(0), "\(network.logTail("hcm"))")
        #expect(network.logText("hcm").contains("the daemon stops without it"))

        try network.start("hcm")
        #expect(network.logText("hcm").contains("spool.H29: \(home.folder): its disk does not answer"))
        try submitToTheOther()
        #expect(try eventually { try trouble().contains("its disk has not answered") }, "\(network.logTail("hcm"))")
        #expect(dead != nil)
        dead = nil
        #expect(try eventually { try home.delivered() == 9 }, "\(network.logTail("hcm"))")
        #expect(try trouble().isEmpty)
        _ = try home.take()
        #expect(try home.names("taken") == home.documents.keys.sorted() && home.names("tmp").isEmpty)
        let log = network.logText("hcm")
        #expect(
            log.components(separatedBy: "takes no documents: \(home.folder): its disk has not").count == 3, "\(log)")
        #expect(log.contains("the spool of H29 takes documents again"))
        try network.expectBooksBalance(["hcm"])
    }

    /// Found before a document comes, by everything that looks at the configuration.
    @Test func aGroupThatIsNotThere() throws {
        let home = try Home("    group: no-such-group\n")
        let network = home.network
        let sentence = "spool.H29: \(home.folder): there is no group no-such-group on this machine"
        let file = network.folder["hcm.yaml"]
        let checked = try network.run(Places.edocd, ["--config", file, "--check-config"])
        #expect(checked.errors.contains(sentence), "\(checked.errors)")
        let doctor = try network.control("hcm", ["doctor", "--config", file])
        #expect(doctor.output.contains(sentence), "\(doctor.output)")
        try network.start("hcm")
        #expect(network.logText("hcm").contains("warning: " + sentence))
    }

    @Test func whatIsWrongInTheFile() throws {
        let network = try Network()
        try network.edit("hcm") {
            $0 += """
                spool:
                  H29:
                    directory: here
                    mode: "0777"
                  H29.15:
                    directory: here/
                  H26:
                    directory: there
                  000.00.00.H29:
                    directory: elsewhere
                  G22: {}

                """
        }
        let result = try network.run(Places.edocd, ["--config", network.folder["hcm.yaml"], "--check-config"])
        #expect(result.end == .exited(78))
        for part in [
            "spool.H29.mode", "which is that of H29", "H26, which is at home on hanoi", "did you mean",
            "spool.G22.directory",
        ] { #expect(result.errors.contains(part), "\(part): \(result.errors)") }
    }
}
