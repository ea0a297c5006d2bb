// ReportCommand: `edocctl report`: one file for support: how the node stands, in figures and settings, and nothing of any document: no
// payload, no document ID, no subject, no key. What cannot be had is named in the file and does not stop the rest.

import ArgumentParser
import ControlAPI
import Glibc
import Language

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: phrase(
            "Pack one file for support, without secrets.", "Đóng gói một tệp cho bộ phận hỗ trợ, không chứa bí mật."),
        discussion: phrase(
            """
            A tar archive with status, queue picture, peers, routes, books, metrics, the last log entries, the configuration without \
            comments, what doctor finds, and facts of the system. No documents, document IDs, subjects, reasons or keys are in it.
            """,
            """
            Tệp tar gồm trạng thái, bức tranh hàng chờ, nút kề, tuyến, sổ, số đo, các dòng nhật ký cuối, cấu hình đã bỏ chú thích, \
            kết quả doctor và thông tin hệ thống. Không có văn bản, số văn bản, trích yếu, lý do hay khóa.
            """))

    @OptionGroup var common: LiveOptions
    @Option(
        name: [.short, .customLong("output")],
        help: ArgumentHelp(
            phrase(
                "The file; without it edoc-report-<node>-<time>.tar here.",
                "Tệp kết quả; không nêu thì là edoc-report-<nút>-<giờ>.tar ở đây.")))
    var output: String?
    @Flag(help: ArgumentHelp(phrase("Write over an existing file.", "Ghi đè tệp đã có."))) var force = false
    @Option(
        help: ArgumentHelp(
            phrase("The configuration file, if no daemon runs.", "Tệp cấu hình, nếu dịch vụ edocd không chạy.")))
    var config: String?
    @Option(help: ArgumentHelp(phrase("The daemon's program.", "Tệp chương trình edocd."), visibility: .hidden))
    var edocd: String?

    /// What is asked of the daemon. Pages that an older or newer daemon does not have are passed over.
    static let pages: [(name: String, uri: String)] = [
        ("status.json", ControlPath.status), ("queue.json", ControlPath.queue), ("peers.json", ControlPath.peers),
        ("routes.json", ControlPath.query(ControlPath.routes, [("limit", "1000")])),
        ("ledger.json", ControlPath.ledger),
        ("health.json", ControlPath.query(ControlPath.health, [("commit", "true")])),
        ("metrics.txt", ControlPath.metrics),
        ("notices.json", ControlPath.notices), ("log-level.json", ControlPath.logLevel), ("limits.json", "/v1/limits"),
        ("suspensions.json", "/v1/suspensions"), ("jobs.json", "/v1/jobs"),
    ]

    func run() async throws {
        var members: [(name: String, bytes: [UInt8])] = []
        var manifest: [String] = []
        var health: HealthAnswer?
        for (name, uri) in Self.pages {
            do {
                let client = try common.client
                let bytes = try await Patience.within(seconds: 20) { try await client.get(uri) }
                guard let kept = Redaction.answer(name, bytes) else {
                    manifest.append("\(name): left out, it is not understood")
                    continue
                }
                members.append((name, kept))
                manifest.append("\(name): \(kept.count) bytes")
                if name == "health.json" { health = try? ControlJSON.answer(HealthAnswer.self, from: bytes) }
            } catch let error as ClientError {
                manifest.append("\(name): " + Self.reason(error))
                // Nobody is there; the other pages need not be asked.
                if case .unreachable = error { break }
                if case .notPermitted = error { break }
            } catch {
                manifest.append("\(name): no answer in time")
            }
        }
        let path = config ?? health?.configurationPath ?? "/etc/edoc/edocd.yaml"
        for (name, content) in [
            ("configuration.yaml", Self.configuration(path)), ("examination.json", examination(path)),
            ("system.txt", SystemFacts.text),
        ] {
            members.append((name, content))
            manifest.append("\(name): \(content.count) bytes")
        }
        let now = time(nil)
        let head = "edocctl report, \(Shown.time(Timestamp(unixMilliseconds: Int64(now) * 1_000)))\n"
        members.insert(("manifest.txt", Array((head + manifest.joined(separator: "\n") + "\n").utf8)), at: 0)
        let target = output ?? "edoc-report-\(health?.node ?? "node")-\(now).tar"
        let folder = "edoc-report-\(health?.node ?? "node")/"
        let archive = TarArchive(try OutputFile(target, overwrites: force), time: UInt64(max(now, 0)))
        for (name, bytes) in members { try archive.add(folder + name, bytes) }
        try archive.finish()
        Output.say(
            phrase(
                "\(Shown.text(target)) is written; look through it before you send it.\n",
                "Đã ghi \(Shown.text(target)); hãy xem qua trước khi gửi.\n"))
    }

    private static func reason(_ error: ClientError) -> String {
        switch error {
        case .unreachable: "no daemon answers"
        case .notPermitted: "not permitted"
        case .refused(let status, let answer): "\(status) \(Shown.text(answer.error))"
        case .silent: "no answer in time"
        case .broken(let why): Shown.text(why)
        }
    }

    private func examination(_ path: String) -> [UInt8] {
        guard let output = try? ChildOutput(edocd ?? ChildOutput.daemon, ["--examine", "--config", path]) else {
            return Array("edocd --examine cannot be run\n".utf8)
        }
        return output.bytes
    }

    /// The configuration file as it is on disk now, without what is not settings.
    private static func configuration(_ path: String) -> [UInt8] {
        guard let file = try? InputFile(path), file.length <= 1 << 20 else {
            return Array("# \(Shown.text(path)) cannot be read by this user\n".utf8)
        }
        var bytes: [UInt8] = []
        while let next = try? file.next(), next.readableBytes > 0 { bytes += next.readableBytesView }
        return Array(("# \(Shown.text(path))\n" + Redaction.settings(String(decoding: bytes, as: UTF8.self))).utf8)
    }
}

/// Takes out of a configuration file what is not a setting: comments, which may hold anything, and blocks that somebody has pasted. The
/// settings themselves name files and hold no secrets. Takes out of answers what operators have typed: reasons, and the conditions of
/// selectors that name documents.
enum Redaction {
    static let mark = "(redacted)"

    /// An answer as it may be given away; nil when what is in it cannot be told.
    static func answer(_ name: String, _ bytes: [UInt8]) -> [UInt8]? {
        switch name {
        case "jobs.json":
            guard var answer = try? ControlJSON.answer(JobsAnswer.self, from: bytes) else { return nil }
            for index in answer.jobs.indices {
                answer.jobs[index].selector = selector(answer.jobs[index].selector)
                answer.jobs[index].reason = hidden(answer.jobs[index].reason)
            }
            return try? ControlJSON.bytes(answer)
        case "suspensions.json":
            guard var answer = try? ControlJSON.answer(SuspensionsAnswer.self, from: bytes) else { return nil }
            for index in answer.suspensions.indices {
                answer.suspensions[index].reason = hidden(answer.suspensions[index].reason)
            }
            return try? ControlJSON.bytes(answer)
        case "peers.json":
            guard var answer = try? ControlJSON.answer(PeersAnswer.self, from: bytes) else { return nil }
            // The sentence of a suspension ends with its reason.
            for index in answer.peers.indices where answer.peers[index].stuck?.word == "suspended" {
                answer.peers[index].stuck?.why = mark
            }
            return try? ControlJSON.bytes(answer)
        case "notices.json":
            guard var answer = try? ControlJSON.answer(NoticesAnswer.self, from: bytes) else { return nil }
            for index in answer.notices.indices { answer.notices[index].text = notice(answer.notices[index].text) }
            return try? ControlJSON.bytes(answer)
        default: return bytes
        }
    }

    private static func hidden(_ text: String) -> String { text.isEmpty ? "" : mark }

    /// A selector in words, without the values of the conditions that name documents. They stand at its end.
    static func selector(_ text: String) -> String {
        let padded = " " + text
        for option in [" --answer ", " --document "] {
            guard let place = padded.firstRange(of: option) else { continue }
            return String((padded[..<place.upperBound] + mark).dropFirst())
        }
        return text
    }

    /// An entry of the log. The fields stand behind the sentence in the order of their names, and their values may hold anything: of a
    /// deed what stands behind the first that an operator has typed is left out, up to the plain fields at the end.
    static func notice(_ text: String) -> String {
        guard text.hasPrefix("operator log") || text.hasPrefix("control: ") else { return text }
        if let place = text.firstRange(of: " reason=") { return text[..<place.upperBound] + mark + plainEnd(text) }
        guard let place = text.firstRange(of: " subject=") else { return text }
        let subject = String(text[place.upperBound...])
        let kept = selector(subject)
        return kept == subject ? text : text[..<place.upperBound] + kept + plainEnd(text)
    }

    /// ` uid=0 verb=hold` at the end, or nothing.
    private static func plainEnd(_ text: String) -> Substring {
        guard let place = text.ranges(of: " uid=").last else { return "" }
        let words = text[place.lowerBound...].split(separator: " ")
        guard let number = words.first?.dropFirst(4), !number.isEmpty, number.allSatisfy(\.isNumber) else { return "" }
        guard let verb = words.dropFirst().first else { return text[place.lowerBound...] }
        guard words.count == 2, verb.hasPrefix("verb="), verb.dropFirst(5).allSatisfy({ $0.isLetter || $0 == "-" })
        else { return "" }
        return text[place.lowerBound...]
    }

    static func settings(_ text: String) -> String {
        var result = ""
        var isInBlock = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.contains("-----BEGIN") { isInBlock = true }
            defer { if line.contains("-----END") { isInBlock = false } }
            guard !isInBlock else { continue }
            let kept = withoutComment(line)
            guard kept.contains(where: { $0 != " " && $0 != "\t" }) else { continue }
            result += Shown.text(secretHidden(kept)) + "\n"
        }
        return result
    }

    /// A comment begins with # at the line's beginning or behind a space, outside of quotes.
    private static func withoutComment(_ line: Substring) -> String {
        var result = ""
        var quote: Character?
        var before: Character = " "
        for character in line {
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character == "#", before == " " || before == "\t" {
                break
            }
            result.append(character)
            before = character
        }
        while result.last == " " { result.removeLast() }
        return result
    }

    private static let secretWords = ["password", "passphrase", "secret", "token", "mat_khau"]

    private static func secretHidden(_ line: String) -> String {
        guard let colon = line.firstIndex(of: ":") else { return line }
        let name = line[..<colon].lowercased()
        return secretWords.contains { name.contains($0) } ? line[...colon] + " " + mark : line
    }
}

/// What a helper wants to know of the machine.
enum SystemFacts {
    static var text: [UInt8] {
        var text = ""
        var names = utsname()
        if uname(&names) == 0 {
            text += "system: \(string(&names.sysname)) \(string(&names.release)) \(string(&names.machine))\n"
        }
        text += "processors: \(sysconf(Int32(_SC_NPROCESSORS_ONLN)))\n"
        for (path, keys) in [
            ("/etc/os-release", ["PRETTY_NAME"]),
            ("/proc/meminfo", ["MemTotal", "MemAvailable", "SwapTotal", "SwapFree", "Dirty"]),
            ("/proc/uptime", []), ("/proc/loadavg", []), ("/proc/pressure/io", []), ("/proc/pressure/memory", []),
        ] {
            guard let content = head(path) else { continue }
            for line in content.split(separator: "\n")
            where keys.isEmpty || keys.contains(where: { line.hasPrefix($0) }) {
                text += "\(path): \(Shown.text(String(line)))\n"
            }
        }
        return Array(text.utf8)
    }

    private static func string<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func head(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
