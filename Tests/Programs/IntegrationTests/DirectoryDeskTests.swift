// DirectoryDeskTests: an authority's desk with the real program and openssl: a root that needs two, an authority below it that begins with
// a table, a merger, and what is refused. No daemon runs.

import Foundation
import TestNetwork
import Testing

@Suite struct DirectoryDeskTests {
    /// A folder with the keys of two people.
    private final class Desk {
        let folder: TestFolder

        init() throws {
            folder = try TestFolder()
            for name in ["an", "binh"] {
                try openssl([
                    "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "\(name).key",
                ])
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600], ofItemAtPath: folder["\(name).key"])
                try openssl([
                    "req", "-x509", "-new", "-key", "\(name).key", "-subj", "/CN=\(name)", "-days", "400", "-out",
                    "\(name).pem", "-addext", "keyUsage=critical,digitalSignature",
                ])
            }
        }

        private func run(_ tool: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["LC_ALL=C", "LANG=C", tool] + arguments
            process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
            let output = Pipe()
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = output
            process.standardError = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return (process.terminationStatus, text)
        }

        @discardableResult func openssl(_ arguments: [String]) throws -> String {
            let (status, text) = try run("openssl", arguments)
            guard status == 0 else { throw TestFailure("openssl \(arguments): \(text)") }
            return text
        }

        func directory(_ arguments: String...) throws -> (status: Int32, text: String) {
            try run(Places.edocctl, ["directory"] + arguments)
        }

        func done(_ arguments: String..., line: Int = #line) throws -> String {
            let (status, text) = try run(Places.edocctl, ["directory"] + arguments)
            guard status == 0 else { throw TestFailure("line \(line): \(arguments.joined(separator: " ")): \(text)") }
            return text
        }

        /// As hexadecimal digits.
        func fingerprint(_ name: String) throws -> String {
            let lines = try done("fingerprint", "\(name).pem").split(separator: "\n").map(String.init)
            guard lines.count == 3 else { throw TestFailure("\(lines)") }
            return lines[2]
        }

        func approve(_ authority: String, _ name: String) throws -> (status: Int32, text: String) {
            try directory(
                "approve", "--authority", authority, "--certificate", "\(name).pem", "--key", "\(name).key")
        }

        /// The root edition, which both have to sign; an authority of H29, which needs one.
        func makeRoot() throws {
            let (an, binh) = (try fingerprint("an"), try fingerprint("binh"))
            let both = [an, binh].sorted().map { "\"\($0)\"" }.joined(separator: ",")
            try folder.write(
                """
                {"agency":"H29","vi":"UBND Thành phố Hồ Chí Minh","homes":[{"node":"hcm","from":"2026-01-01"}],\
                "states":[{"state":"joined","from":"2026-01-01"}]}
                {"node":"hcm","role":"home","issuers":[{"sha256":"\(an)","from":"2026-01-01"}]}
                {"authority":"root","subtrees":["*"],"certificates":[\(both)],"needs":2}
                {"authority":"H29","subtrees":["H29.*"],"nodes":["hcm"],"certificates":["\(an)"],"needs":1}

                """, to: "root.rows")
            let from = ISO8601DateFormatter.moment()
            _ = try done(
                "propose", "--authority", "root", "--rows", "root.rows", "--from", from, "--until",
                ISO8601DateFormatter.day(300))
        }
    }

    @Test func twoPeopleMakeARoot() throws {
        let desk = try Desk()
        try desk.makeRoot()
        let unsigned = try desk.directory("publish", "--authority", "root")
        #expect(unsigned.status == 1 && unsigned.text.contains("is not signed"))
        #expect(try desk.approve("root", "an").text.contains("1 of 2"))
        let half = try desk.directory("publish", "--authority", "root")
        #expect(half.status == 1 && half.text.contains("1 of 2"))
        #expect(try desk.approve("root", "an").status == 1, "one person counts once")
        #expect(try desk.approve("root", "binh").text.contains("2 of 2"))
        #expect(try desk.done("publish", "--authority", "root").contains("root-1.json.p7s"))

        // Whoever receives it believes the certificate whose fingerprint was read to him.
        let an = try desk.fingerprint("an")
        _ = try desk.done("verify", "root-1.json", "--fingerprint", an)
        #expect(try desk.directory("verify", "root-1.json").status == 2)
        let other = String(repeating: "a", count: 64)
        #expect(try desk.directory("verify", "root-1.json", "--fingerprint", other).status == 1)
        // And openssl alone says the same.
        try desk.folder.write(desk.folder.text("an.pem") + desk.folder.text("binh.pem"), to: "named.pem")
        try desk.openssl([
            "cms", "-verify", "-binary", "-inform", "DER", "-in", "root-1.json.p7s", "-content", "root-1.json", "-out",
            "/dev/null", "-partial_chain", "-CAfile", "named.pem", "-purpose", "any",
        ])

        // One octet, and nothing counts any more.
        let text = desk.folder.text("root-1.json").replacingOccurrences(of: "Minh", with: "Ming")
        try desk.folder.write(text, to: "root-1.json")
        #expect(try desk.directory("verify", "root-1.json", "--fingerprint", an).status == 1)
    }

    /// One person alone gets nowhere: nothing is built on an edition that has not all it needs, and none judges by its own word.
    @Test func oneOfTwoIsNotEnough() throws {
        let desk = try Desk()
        try desk.makeRoot()
        for name in ["an", "binh"] { #expect(try desk.approve("root", name).status == 0) }
        let an = try desk.fingerprint("an")
        let alone = desk.folder.text("root.rows").split(separator: "\n").map { line in
            line.contains("\"root\"")
                ? "{\"authority\":\"root\",\"subtrees\":[\"*\"],\"certificates\":[\"\(an)\"],\"needs\":1}"
                : String(line)
        }
        try desk.folder.write(alone.joined(separator: "\n") + "\n", to: "alone.rows")
        func propose(_ authority: String, _ rows: String) throws -> (status: Int32, text: String) {
            try desk.directory(
                "propose", "--authority", authority, "--rows", rows, "--from", ISO8601DateFormatter.moment(), "--until",
                ISO8601DateFormatter.day(200))
        }
        #expect(try propose("root", "alone.rows").status == 0)
        // Unsigned, it judges nobody; others stand on the root edition that counts.
        try desk.folder.write("", to: "none.rows")
        #expect(try propose("H29", "none.rows").status == 0)
        #expect(try desk.approve("root", "an").text.contains("1 of 2"))
        #expect(try desk.directory("publish", "--authority", "root").status == 1)
        let built = try propose("root", "alone.rows")
        #expect(built.status == 1 && built.text.contains("edition 2 is being signed"), "\(built)")
        // An edition does not vouch for itself, nor for its like.
        #expect(try desk.directory("verify", "root-2.json", "--root", "root-2.json").status == 2)
        #expect(try desk.directory("verify", "root-2.json", "--after", "root-1.json").status == 1)
        #expect(try desk.directory("verify", "H29-1.json", "--root", "root-1.json").status == 1, "nobody has signed it")

        // Of the two files of an edition one was signed when the machine went away: the same person ends it.
        #expect(try desk.approve("root", "binh").text.contains("2 of 2"))
        #expect(try desk.directory("publish", "--authority", "root").status == 0)
        unlink(desk.folder["root-2.changes.json.p7s"])
        #expect(try desk.directory("publish", "--authority", "root").status == 1)
        for name in ["an", "binh"] { #expect(try desk.approve("root", name).status == 0) }
        #expect(try desk.directory("publish", "--authority", "root").status == 0)
        #expect(try desk.directory("verify", "root-2.json", "--after", "root-1.json").status == 0)

        // Changes that make something else are not handed on.
        try desk.folder.write(
            desk.folder.text("root-2.changes.json").replacingOccurrences(of: an, with: String(an.reversed())),
            to: "root-2.changes.json")
        #expect(try desk.directory("publish", "--authority", "root").status == 1)
    }

    @Test func anAuthorityBeginsWithATableAndMerges() throws {
        let desk = try Desk()
        try desk.makeRoot()
        for name in ["an", "binh"] { #expect(try desk.approve("root", name).status == 0) }
        try desk.folder.write(
            """
            id,pid,code,name,mail,oldCode
            1,,H29,UBND Thành phố Hồ Chí Minh,ubnd@example.vn,000.00.00.H29
            2,1,H29.15,Sở Thông tin và Truyền thông,,000.00.15.H29
            3,1,H29.16,Sở Khoa học và Công nghệ,,000.00.16.H29
            4,1,H29.15,Sở nào đó,,

            """, to: "table.csv")
        let imported = try desk.done(
            "import", "table.csv", "--joined", "2026-01-01", "--home", "hcm", "-o", "h29.rows")
        #expect(imported.contains("row 5") && imported.contains("3 agencies"), "\(imported)")
        let (from, until) = (ISO8601DateFormatter.moment(), ISO8601DateFormatter.day(100))
        _ = try desk.done("propose", "--authority", "H29", "--rows", "h29.rows", "--from", from, "--until", until)
        let stranger = try desk.approve("H29", "binh")
        #expect(stranger.status == 1 && stranger.text.contains("would not count"), "he is not of this authority")
        #expect(!FileManager.default.fileExists(atPath: desk.folder["H29-1.json.p7s"]))
        #expect(try desk.approve("H29", "an").text.contains("1 of 1"))
        _ = try desk.done("publish", "--authority", "H29")
        _ = try desk.done("verify", "H29-1.json", "--root", "root-1.json")

        // A merger, in a copy of the last edition.
        let merged = desk.folder.text("H29-1.json").replacingOccurrences(
            of: "\"states\":[{\"state\":\"joined\",\"from\":\"2026-01-01\"}]}\n]}",
            with:
                "\"states\":[{\"state\":\"joined\",\"from\":\"2026-01-01\"},{\"state\":\"closed\",\"from\":\"2027-01-01\"}],"
                + "\"successor\":{\"kind\":\"merged\",\"from\":\"2027-01-01\",\"to\":\"H29.15\"}}\n]}")
        try desk.folder.write(merged, to: "merged.rows")
        _ = try desk.done(
            "propose", "--authority", "H29", "--rows", "merged.rows", "--from", ISO8601DateFormatter.moment(),
            "--until",
            until)
        #expect(try desk.approve("H29", "an").text.contains("1 of 1"))
        #expect(try desk.done("publish", "--authority", "H29").contains("H29-2.changes.json.p7s"))
        #expect(try desk.done("diff", "H29-1.json", "H29-2.json").contains("~ agency H29.16"))
        #expect(try desk.done("at", "2026-12-31", "H29-2.json", "H29.16").contains("itself"))
        let after = try desk.done("at", "2027-01-01", "H29-2.json", "000.00.16.H29")
        #expect(after.contains("H29.15") && after.contains("closed"), "\(after)")
        let history = try desk.done("history", "H29.16", "H29-1.json", "H29-2.json")
        #expect(history.contains("Edition 1") && history.contains("Edition 2"))
        #expect(try desk.directory("at", "2027-01-01", "H29-2.json", "H99").status == 1)
        #expect(try desk.directory("at", "yesterday", "H29-2.json").status == 2)
    }

    @Test func whatAnAuthorityMayNotSay() throws {
        let desk = try Desk()
        try desk.makeRoot()
        for name in ["an", "binh"] { #expect(try desk.approve("root", name).status == 0) }
        func propose(_ rows: String) throws -> (status: Int32, text: String) {
            try desk.folder.write(rows, to: "bad.rows")
            return try desk.directory(
                "propose", "--authority", "H29", "--rows", "bad.rows", "--from", "2026-01-01", "--until", "2027-06-01")
        }
        let joined = "\"states\":[{\"state\":\"joined\",\"from\":\"2026-01-01\"}]"
        let foreign = try propose("{\"agency\":\"G22\",\"vi\":\"Văn phòng Chính phủ\",\(joined)}\n")
        #expect(foreign.status == 1 && foreign.text.contains("G22"), "\(foreign)")
        let broken = try propose("{\"agency\":\"H29.15\",\"vi\":\"Sở\"}\n")
        #expect(broken.status == 1 && broken.text.contains("line 1"), "\(broken)")
        let twice = try propose(
            "{\"agency\":\"H29.15\",\"vi\":\"Sở\",\(joined)}\n{\"agency\":\"H29.15\",\"vi\":\"Sở\",\(joined)}\n")
        #expect(twice.status == 1, "\(twice)")
        #expect(try propose("").status == 0, "an authority may say nothing yet")
        #expect(
            try desk.directory(
                "propose", "--authority", "H30", "--rows", "bad.rows", "--from", "2026-01-01",
                "--until", "2027-06-01"
            ).status == 1)
        #expect(!FileManager.default.fileExists(atPath: desk.folder["H30-1.json"]))
    }
}

extension ISO8601DateFormatter {
    /// This second: certificates count from when they were made.
    fileprivate static func moment() -> String {
        let formatter = ISO8601DateFormatter()
        formatter.timeZone = TimeZone(secondsFromGMT: 7 * 3_600)
        // The beginning of a day has a form of its own.
        let text = formatter.string(from: Date())
        return text.hasSuffix("T00:00:00+07:00") ? String(text.prefix(10)) : text
    }

    /// The day so many days from now, in UTC+7.
    fileprivate static func day(_ days: Int) -> String {
        let formatter = ISO8601DateFormatter()
        formatter.timeZone = TimeZone(secondsFromGMT: 7 * 3_600)
        formatter.formatOptions = [.withFullDate]
        return formatter.string(from: Date().addingTimeInterval(Double(days) * 86_400))
    }
}
