// InboxTakeCommand: `edocctl inbox take`: takes documents out of inboxes by the take socket, each into a file of a folder, and acknowledges
// each once its file is whole and on disk. The smallest client of that socket (docs/protocol.md, 7); it reads and writes on one thread, and
// holds a portion at a time. What it was shown and did not acknowledge waits for the next one.

import ArgumentParser
import ControlAPI
import Glibc
import Language
import NIOCore
import RelayControl

struct InboxTakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "take",
        abstract: phrase(
            "Takes documents into a folder: what is there whole is acknowledged, and delivered.",
            "Lấy văn bản vào một thư mục: văn bản đã có đủ trong đó được xác nhận, và là đã giao."))

    @OptionGroup var common: LiveOptions
    @Argument(
        help: .init(
            phrase(
                "The agencies; all that you may when none is named.",
                "Các cơ quan; bỏ trống là mọi cơ quan bạn được phép.")))
    var agencies: [String] = []
    @Option(help: .init(phrase("The folder.", "Thư mục."))) var to: String
    @Option(
        help: .init(
            phrase(
                "The take socket. Without it: take.sock beside the control socket.",
                "Socket lấy văn bản. Nếu bỏ trống: take.sock bên cạnh socket điều khiển.")))
    var takeSocket: String?
    @Flag(help: .init(phrase("Go on when nothing more waits.", "Tiếp tục chờ khi không còn văn bản nào."))) var follow =
        false

    func run() async throws {
        let control = try common.client.socket
        let beside = control.lastIndex(of: "/").map { control[...$0] + "take.sock" } ?? "take.sock"
        var line = try TakeLine(takeSocket ?? beside)
        try line.greet(agencies)
        while let head = try line.next(waits: follow) {
            let path = to + "/" + Self.fileName(head)
            // What was shown before and not acknowledged may be there already, and is the same.
            let file = try OutputFile(path, overwrites: true)
            try line.octets(of: head) { try file.write($0) }
            try file.finish()
            try line.acknowledge(head)
            let text =
                try common.json
                ? String(decoding: ControlJSON.bytes(TakenLine(head, path)), as: UTF8.self)
                : Shown.text("\(path): \(Shown.size(head.payloadLength)), \(head.sender), \(head.documentID)")
            Output.say(text + "\n")
        }
    }

    /// A name that says agency and envelope, whatever a foreign envelope is called.
    static func fileName(_ head: TakenHead) -> String {
        let isPlain: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber || "-_@.".contains($0)) }
        return head.agency + "_" + String(head.envelope.map { isPlain($0) ? $0 : "_" }.prefix(180))
    }
}

/// What is printed of a document with --json.
private struct TakenLine: Encodable {
    var agency: String
    var arrived: UInt64
    var bytes: UInt64
    var digest: String
    var documentID: String
    var envelope: String
    var file: String
    var mayHaveBeenShown: Bool
    var mayHaveBeenTaken: Bool
    var sender: String
    var source: String?
    var urgency: UInt8

    init(_ head: TakenHead, _ path: String) {
        agency = head.agency
        arrived = head.arrived
        bytes = head.payloadLength
        digest = head.digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        documentID = head.documentID
        envelope = head.envelope
        file = path
        mayHaveBeenShown = head.marks.contains(.mayHaveBeenShown)
        mayHaveBeenTaken = head.marks.contains(.mayHaveBeenTaken)
        sender = head.sender
        source = head.source.isEmpty ? nil : head.source
        urgency = head.urgency
    }
}

/// One connection, blocking.
private struct TakeLine: ~Copyable {
    private let descriptor: Int32
    private var input = ByteBuffer()
    /// Acknowledged, and not answered.
    private var unanswered = 0
    /// Documents that are written while others are on their way.
    private static let ahead: UInt32 = 64

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ClientError.unreachable(socket: path) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isShort = path.utf8.count < MemoryLayout.size(ofValue: address.sun_path)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard isShort, code == 0 else {
            throw errno == EACCES || errno == EPERM
                ? ClientError.notPermitted(socket: path) : ClientError.unreachable(socket: path)
        }
    }

    deinit { close(descriptor) }

    mutating func greet(_ agencies: [String]) throws {
        var out = ByteBuffer()
        TakeGreeting(agencies: agencies).write(to: &out)
        TakeRequest.take(Self.ahead).write(to: &out)
        try send(out)
    }

    /// The next document; nil when nothing more waits and all acknowledgements are answered.
    mutating func next(waits: Bool) throws -> TakenHead? {
        var isIdle = false
        while true {
            if isIdle, !waits, unanswered == 0 { return nil }
            switch try answer() {
            case .document(let head): return head
            case .idle: isIdle = true
            case .acknowledged: unanswered -= 1
            case .ready, .portion, .refused: break
            }
        }
    }

    mutating func octets(of head: TakenHead, _ body: (ByteBuffer) throws -> Void) throws {
        var left = head.payloadLength
        while left > 0 {
            switch try answer() {
            case .portion(let octets) where UInt64(octets.readableBytes) <= left:
                left -= UInt64(octets.readableBytes)
                try body(octets)
            case .acknowledged: unanswered -= 1
            default: throw Self.senseless
            }
        }
    }

    mutating func acknowledge(_ head: TakenHead) throws {
        var out = ByteBuffer()
        TakeRequest.acknowledge(head.sequence).write(to: &out)
        TakeRequest.take(1).write(to: &out)
        unanswered += 1
        try send(out)
    }

    private static var senseless: ClientError {
        .broken("the daemon broke off in the middle of its answer; look at its log")
    }

    private mutating func answer() throws -> TakeAnswer {
        while true {
            if let answer = try? TakeAnswer.read(from: &input) {
                guard case .refused(let text) = answer else { return answer }
                let lines = text.split(separator: "\n", maxSplits: 1).map(String.init)
                throw ClientError.refused(
                    status: lines[0] == "notAuthorised" ? 403 : 400, ErrorAnswer(error: lines.last ?? text))
            }
            input.discardReadBytes()
            let count = input.writeWithUnsafeMutableBytes(minimumWritableBytes: 65_536) {
                max(Glibc.read(descriptor, $0.baseAddress, $0.count), 0)
            }
            guard count > 0 else { throw Self.senseless }
        }
    }

    private func send(_ out: ByteBuffer) throws {
        var rest = out
        while rest.readableBytes > 0 {
            let count = rest.withUnsafeReadableBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.senseless }
            rest.moveReaderIndex(forwardBy: count)
        }
    }
}
