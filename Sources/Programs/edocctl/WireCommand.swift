// WireCommand: `edocctl wire`: shows what passes on the sessions with a peer, as it passes: messages of the session protocol and headers of
// bundles, never payload. The daemon ends it after ten minutes.

import ArgumentParser
import ControlAPI
import Language
import NIOCore

struct WireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wire",
        abstract: phrase(
            "The protocol messages of a peer's sessions, as they pass; headers only.",
            "Các thông điệp giao thức trên phiên với một nút kề, chỉ phần đầu."),
        discussion: phrase(
            "Needs the right act, is written to the operators' trail, and ends after 10 minutes at the latest.",
            "Cần quyền act, được ghi vào nhật ký người vận hành, và kết thúc muộn nhất sau 10 phút."))

    @OptionGroup var common: LiveOptions
    @Argument(help: ArgumentHelp(phrase("The peer.", "Nút kề."))) var peer: String
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(phrase("End after this, such as 30s.", "Kết thúc sau thời gian này, như 30s.")))
    var span: String?

    func run() async throws {
        let lines = WireLines(json: common.json)
        let client = try common.client
        _ = try await UsageError.judging {
            try await client.fetch(ControlPath.query(ControlPath.wire(peer), [("for", span)])) { bytes in
                try await lines.take(bytes)
            }
        }
        try await lines.end()
    }
}

/// Cuts the stream into lines and prints each.
private actor WireLines {
    private let json: Bool
    private var rest: [UInt8] = []
    private var isBegun = false
    /// No line of the daemon is longer.
    private static let lineBytesMax = 1 << 20

    init(json: Bool) { self.json = json }

    func take(_ buffer: ByteBuffer) throws {
        rest += buffer.readableBytesView
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Array(rest[..<end])
            rest.removeFirst(end + 1)
            guard let frame = try? ControlJSON.answer(WireLine.self, from: line) else {
                throw ClientError.broken(FailureSentences.otherVersion)
            }
            isBegun = true
            // The daemon's sign of life on a quiet link.
            if frame.message == "QUIET" { continue }
            Output.say(json ? Shown.json(String(decoding: line, as: UTF8.self)) + "\n" : WireView.text(frame))
        }
        guard rest.count <= Self.lineBytesMax else { throw ClientError.broken(FailureSentences.otherVersion) }
    }

    /// The answer is over. A watch has at least its first word.
    func end() throws {
        guard isBegun, rest.isEmpty else { throw ClientError.broken(FailureSentences.otherVersion) }
    }
}

enum WireView {
    static func text(_ line: WireLine) -> String {
        var parts = [clock(line.time)]
        switch line.message {
        case "WATCH": parts.append(phrase("watching; end with Ctrl-C", "đang theo dõi; dừng bằng Ctrl-C"))
        case "END": parts.append(phrase("the watch is over", "đã hết thời gian theo dõi"))
        default:
            parts.append(line.way == "out" ? "→" : "←")
            if let session = line.session { parts.append("#\(session)") }
            parts.append(line.message)
            if let transfer = line.transfer { parts.append(phrase("transfer \(transfer)", "lượt \(transfer)")) }
            if let flags = line.flags { parts.append(flags.joined(separator: "+")) }
            if let length = line.length { parts.append(phrase("\(length) bytes", "\(length) byte")) }
            if let reason = line.reason { parts.append(reason) }
            for (name, value) in (line.figures ?? [:]).sorted(by: { $0.key < $1.key }) {
                parts.append("\(name)=\(value)")
            }
            if let bundle = line.bundle { parts += words(bundle) }
        }
        return Shown.text(parts.joined(separator: " ")) + "\n"
    }

    private static func words(_ bundle: WireLine.Bundle) -> [String] {
        var parts = [bundle.envelope, phrase("to \(bundle.destination)", "đến \(bundle.destination)")]
        if let offset = bundle.offset, let total = bundle.totalLength {
            parts.append(phrase("piece at \(offset) of \(total)", "phần từ \(offset)/\(total)"))
        }
        parts.append(phrase("payload \(bundle.payloadLength)", "nội dung \(bundle.payloadLength)"))
        if let age = bundle.ageMilliseconds { parts.append(phrase("age \(age) ms", "tuổi \(age) ms")) }
        if let count = bundle.hopCount, let limit = bundle.hopLimit { parts.append("hops=\(count)/\(limit)") }
        if bundle.administrative { parts.append(phrase("report record", "bản ghi báo cáo")) }
        parts.append("blocks=" + bundle.blocks.map { "\($0.type):\($0.name)(\($0.length))" }.joined(separator: ","))
        return parts
    }

    /// The time of day, to the millisecond.
    private static func clock(_ time: Timestamp) -> String {
        let text = Shown.time(time)
        let milliseconds = time.unixMilliseconds % 1_000
        let day = text.split(separator: " ")
        let fraction = String(1_000 + max(milliseconds, 0)).dropFirst()
        return (day.count > 1 ? String(day[1]) : text) + "." + fraction
    }
}
