// Entries as journald gets them: framing, fields, large entries as memory files, and a journald that does not read.

import Foundation
import Glibc
import Journal
import Logging
import TestNetwork
import Testing

@Suite struct JournalSocketTests {
    @Test func framing() {
        var entry = JournalEntry()
        entry.add("MESSAGE", "one line")
        entry.add("edoc_why", "a\nb")
        var expected = Array("MESSAGE=one line\nEDOC_WHY\n".utf8)
        expected += [3, 0, 0, 0, 0, 0, 0, 0] + Array("a\nb\n".utf8)
        #expect(entry.bytes == expected)
    }

    @Test(arguments: [
        ("peer", "PEER"), ("_TRUSTED", "TRUSTED"), ("9lives", "X_9LIVES"), ("a b=c\n", "A_B_C_"), ("", "X_"),
        ("văn", "V__N"),
        (String(repeating: "k", count: 90), String(repeating: "K", count: 64)),
    ])
    func names(_ given: String, _ name: String) { #expect(JournalEntry.fieldName(given) == name) }

    @Test func valuesAndFieldsAreBounded() {
        var entry = JournalEntry()
        entry.add("LONG", String(repeating: "ă", count: JournalEntry.valueBytesMax))
        let text = String(validating: entry.bytes, as: UTF8.self)
        #expect(text?.hasSuffix("ă…\n") == true, "the cut falls between two characters")
        for index in 0..<200 { entry.add("F\(index)", "x") }
        #expect(entry.bytes.count(where: { $0 == UInt8(ascii: "\n") }) == JournalEntry.fieldsMax)
    }

    @Test func fieldsOfALine() throws {
        let folder = try TestFolder()
        let journal = try FakeJournal(folder["journal"])
        var logger = Logger(label: "edocd") { [socket = try #require(JournalSocket(path: journal.path))] _ in
            JournalLog(socket: socket, identifier: "edocd", lossEvent: "logLost") { $0 == "linkDown" ? "abc123" : nil }
        }
        logger[metadataKey: "peer"] = "hcm"
        logger.warning(
            "link \u{1b}down",
            metadata: ["event": "linkDown", "why": "a\nb", "envelope": "vpcp-1-1@x", "agency": "H29"])
        let fields = try journal.next()
        #expect(fields["MESSAGE"] == #"link \u{1b}down agency=H29 envelope=vpcp-1-1@x peer=hcm why=a\u{a}b"#)
        #expect(fields["PRIORITY"] == "4" && fields["SYSLOG_IDENTIFIER"] == "edocd")
        #expect(fields["SYSLOG_PID"] == String(getpid()))
        #expect(fields["MESSAGE_ID"] == "abc123" && fields["EDOC_EVENT"] == "linkDown")
        #expect(fields["PEER"] == "hcm" && fields["ENVELOPE_ID"] == "vpcp-1-1@x" && fields["AGENCY"] == "H29")
        #expect(fields["EDOC_WHY"] == "a\nb")
    }

    @Test func aLargeEntryComesAsAFile() throws {
        let folder = try TestFolder()
        let journal = try FakeJournal(folder["journal"])
        let socket = try #require(JournalSocket(path: journal.path))
        var entry = JournalEntry()
        // Together more than any datagram.
        for index in 0..<60 { entry.add("PART\(index)", String(repeating: "x", count: 40_000)) }
        #expect(socket.send(entry))
        let fields = try journal.next()
        #expect(journal.filesTaken == 1)
        #expect(fields.count == 60 && fields["PART59"]?.utf8.count == 40_000)
    }

    /// A journald that does not read costs entries, never time.
    @Test func aFullJournalIsNotWaitedFor() throws {
        let folder = try TestFolder()
        let journal = try FakeJournal(folder["journal"])
        let socket = try #require(JournalSocket(path: journal.path))
        let logger = Logger(label: "edocd") { _ in
            JournalLog(socket: socket, identifier: "edocd", lossEvent: "logLost") { $0 == "logLost" ? "lost-id" : nil }
        }
        var sent = 0
        while socket.lost == 0, sent < 100_000 {
            logger.notice("entry")
            sent += 1
        }
        #expect(socket.lost == 1)
        // The entry that would tell of it is lost as well, each time.
        for _ in 0..<138 { logger.notice("more") }
        #expect(socket.lost == 139)
        for _ in 0..<(sent - 1) { #expect(try journal.next()["MESSAGE"] == "entry") }
        logger.notice("after")
        let loss = try journal.next()
        #expect(loss["MESSAGE"] == "139 log entries could not be written and are missing here")
        #expect(loss["MESSAGE_ID"] == "lost-id" && loss["PRIORITY"] == "4")
        #expect(try journal.next()["MESSAGE"] == "after")
        // And one that is not there at all.
        let nobody = try #require(JournalSocket(path: folder["nobody"]))
        #expect(!nobody.send(JournalEntry()))
    }

    @Test func onlyTheJournalsStreamIsTheJournal() throws {
        var status = stat()
        #expect(fstat(STDERR_FILENO, &status) == 0)
        #expect(JournalSocket.isStandardError("\(status.st_dev):\(status.st_ino)"))
        for text in [nil, "", "8:", "x:y", "\(status.st_dev):\(status.st_ino + 1)", "1:2:3"] {
            #expect(!JournalSocket.isStandardError(text))
        }
    }

    @Test func aLoanGoesBackUnlessAnotherReplacedIt() {
        let threshold = LogThreshold(.info)
        let first = threshold.set(.debug, forGood: false)
        #expect(threshold.level == .debug && threshold.standard == .info)
        let second = threshold.set(.trace, forGood: false)
        #expect(!threshold.giveBack(first) && threshold.level == .trace)
        #expect(threshold.giveBack(second) && threshold.level == .info)
        #expect(!threshold.giveBack(second))
        _ = threshold.set(.error, forGood: true)
        #expect(threshold.standard == .error)
    }
}
