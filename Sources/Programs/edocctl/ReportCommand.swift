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
            Of a daemon that does not run there is what its store tells. --store DIR: only that store is asked.
            Exit codes: 0 all is there, 1 written, but parts are missing (manifest.txt), or not written.
            """,
            """
            Tệp tar gồm trạng thái, bức tranh hàng chờ, nút kề, tuyến, sổ, số đo, các dòng nhật ký cuối, cấu hình đã bỏ chú thích, \
            kết quả doctor và thông tin hệ thống. Không có văn bản, số văn bản, trích yếu, lý do hay khóa.
            Nếu dịch vụ edocd không chạy thì lấy những gì kho của nó cho biết. --store THƯ_MỤC: chỉ hỏi kho đó.
            Mã thoát: 0 đủ, 1 đã ghi nhưng còn thiếu (xem manifest.txt) hoặc không ghi được.
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

    func run() async throws {
        var report = Report()
        if common.store != nil {
            // One that cannot be read is the end: nothing else was asked for.
            let client = try common.client
            await report.ask(client, Report.storePages)
        } else {
            await report.ask(try common.client, Report.pages)
        }
        let path = config ?? report.health?.configurationPath ?? DaemonUser.standardConfiguration
        report.add("configuration.yaml", Self.configuration(path))
        let examination = examination(path)
        report.add("examination.json", examination)
        if common.store == nil, report.health == nil, case .bytes(let bytes) = examination {
            await report.addStopped(bytes)
        }
        report.add("system.txt", .bytes(SystemFacts.text))
        let now = time(nil)
        let target = output ?? "edoc-report-\(report.node)-\(now).tar"
        let archive = TarArchive(try OutputFile(target, overwrites: force), time: UInt64(max(now, 0)))
        for (name, bytes) in report.members(at: now) { try archive.add("edoc-report-\(report.node)/" + name, bytes) }
        try archive.finish()
        Output.say(common.json ? report.json(target) : report.text(target))
        // Whoever waits for all of it must not take this for all of it.
        if report.isIncomplete { throw QuietExit(status: .negative) }
    }

    private func examination(_ path: String) -> Report.Content {
        guard let output = try? ChildOutput(edocd ?? ChildOutput.daemon, ["--examine", "--config", path]),
            output.exitCode == 0
        else { return .missing("edocd --examine cannot be run") }
        return .bytes(output.bytes)
    }

    /// The configuration file as it is on disk now, without what is not settings.
    private static func configuration(_ path: String) -> Report.Content {
        guard let file = try? InputFile(path), file.length <= 1 << 20 else {
            return .missing("\(Shown.text(path)) cannot be read by this user")
        }
        var bytes: [UInt8] = []
        while let next = try? file.next(), next.readableBytes > 0 { bytes += next.readableBytesView }
        let text = "# \(Shown.text(path))\n" + Redaction.settings(String(decoding: bytes, as: UTF8.self))
        return .bytes(Array(text.utf8))
    }
}
