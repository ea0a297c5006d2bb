// LogTests: what the journal gets from a real daemon, what a level that is lent does, and that every kind of event is documented.

import ControlAPI
import Foundation
import RelayModel
import TestNetwork
import Testing

@Suite(.serialized) struct LogTests {
    @Test func theJournalGetsFields() throws {
        let network = try Network()
        let journal = try FakeJournal(network.folder["journal"])
        network.setEnvironment("truc", ["EDOC_JOURNAL_SOCKET": journal.path])
        // What is wrong with a configuration is said before there is a log.
        for peer in ["vpcp", "hcm", "hanoi"] {
            try network.replace("truc", "  \(peer): {}", "  \(peer): {foreign: no}")
        }
        try network.start("truc")
        let started = try journal.next { $0["EDOC_EVENT"] == "started" }
        #expect(started["MESSAGE_ID"] == EventKind.started.messageID && started["PRIORITY"] == "5")
        #expect(started["SYSLOG_IDENTIFIER"] == "edocd" && started["EDOC_NODE"] == "truc")
        #expect(started["SYSLOG_PID"] == network.pid("truc").map { String($0) })
        try network.start("vpcp")
        let up = try journal.next { $0["MESSAGE_ID"] == EventKind.linkUp.messageID }
        #expect(up["PEER"] == "vpcp" && up["MESSAGE"] == "link up peer=vpcp")
        network.kill("vpcp")
        let down = try journal.next { $0["MESSAGE_ID"] == EventKind.linkDown.messageID }
        #expect(down["PEER"] == "vpcp")
        #expect(network.logText("truc").isEmpty, "nothing goes to standard error beside the journal")
        network.stop("truc")
        _ = try journal.next { $0["EDOC_EVENT"] == "stopped" }
    }

    /// Text on a terminal, one line an entry, and nothing of single envelopes at info.
    @Test func textAndALoan() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp", "hcm"])
        try network.folder.write("noi dung", to: "a.txt")
        func hand(_ name: String) throws {
            let options = ["--sender", "G22", "--to", "H29", "--document", name]
            let envelope = try network.submit("vpcp", network.folder["a.txt"], options).envelope
            #expect(try eventually { try network.inbox("hcm", "H29").contains { $0.envelope == envelope } })
        }
        try hand("1/VPCP")
        #expect(network.logText("vpcp").contains("notice: started "))
        // Nobody else adds the time to a file.
        for name in ["vpcp", "truc", "hcm"] {
            for line in network.logText(name).split(separator: "\n") {
                #expect(
                    line.prefixMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d [a-z]+: /#) != nil,
                    "\(line)")
            }
        }
        for name in ["vpcp", "truc", "hcm"] { #expect(!network.logText(name).contains("envelope="), "\(name)") }
        let lent = try network.control("vpcp", ["log-level", "debug", "--for", "1s", "--json"])
        let answer = try ControlJSON.answer(LogLevelAnswer.self, from: Array(lent.output.utf8))
        #expect(answer.level == "debug" && answer.configured == "info" && answer.until != nil)
        try hand("2/VPCP")
        #expect(network.logText("vpcp").contains("debug: control: submitted"))
        #expect(
            try eventually { try (network.ask("vpcp", "log-level") as LogLevelAnswer).level == "info" })
        #expect(try (network.ask("vpcp", "log-level") as LogLevelAnswer).until == nil)
        let lines = network.logText("vpcp")
        #expect(lines.contains("verb=log-level") && lines.contains("the log's level goes back"))
        // A later loan replaces the one before, and a level for good ends it.
        #expect(try network.control("vpcp", ["log-level", "trace", "--for", "1h"]).end == .exited(0))
        #expect(
            try network.control("vpcp", ["log-level", "warning"]).output
                == "level warning, until the next start (configured: info)\n")
        for wrong in [["loud"], ["debug", "--for", "never"], ["debug", "--for", "2d"]] {
            let result = try network.control("vpcp", ["log-level"] + wrong)
            #expect(result.end == .exited(2), "\(wrong): \(result.errors)")
        }
        // What was logged at notice is kept for a report.
        let bytes = try network.run(
            "/usr/bin/curl",
            ["-sS", "--unix-socket", network.folder["vpcp/control.sock"], "http://localhost/v1/notices"])
        let notices = try ControlJSON.answer(NoticesAnswer.self, from: Array(bytes.output.utf8))
        #expect(
            notices.notices.contains { $0.event == "started" } && notices.notices.contains { $0.event == "deedDone" })
        #expect(!notices.notices.contains { $0.level == "debug" })
    }

    /// Whoever may set the level must not be able to keep back what the operator log says outside of the store.
    @Test func theOperatorLogIsWrittenAtAnyLevel() throws {
        let network = try Network(plain: true)
        try network.start("vpcp")
        #expect(try network.control("vpcp", ["log-level", "error"]).end == .exited(0))
        #expect(try network.control("vpcp", ["drain", "--cancel"]).end == .exited(1))
        let held: PreviewAnswer = try network.ask("vpcp", "suspend", "--to", "H29", "--reason", "a test")
        let job = String(try #require(held.job).id)
        _ = try network.ask("vpcp", "suspend", "--apply", job) as JobAnswer
        let lines = network.logText("vpcp").split(separator: "\n")
        let last = try #require(lines.last { $0.contains("operator log ") })
        #expect(last.contains("verb=suspend") && last.contains("hash="))
    }

    @Test func everyKindIsDocumented() throws {
        let text = try String(contentsOfFile: Places.root + "/docs/log-events.md", encoding: .utf8)
        var sections: [String: String] = [:]
        for section in text.components(separatedBy: "\n### ").dropFirst() {
            let name = String(section.prefix { $0 != "\n" })
            sections[name] = section
        }
        #expect(Set(sections.keys) == Set(EventKind.allCases.map(\.rawValue)))
        for kind in EventKind.allCases {
            #expect(sections[kind.rawValue]?.contains("`\(kind.messageID)`") == true, "\(kind)")
            #expect(sections[kind.rawValue]?.contains("*What to do:* ") == true, "\(kind)")
            #expect(kind.messageID.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        }
        #expect(Set(EventKind.allCases.map(\.messageID)).count == EventKind.allCases.count)
    }
}
