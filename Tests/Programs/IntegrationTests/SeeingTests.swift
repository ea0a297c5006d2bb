// SeeingTests: what operators see, with the real programs: delays told to the submitter, lists while the queue moves, the live picture
// on a terminal, both languages, and what cannot be answered.

import ControlAPI
import Foundation
import NIOCore
import RelayModel
import RelayNode
import TestNetwork
import Testing

@Suite(.serialized) struct SeeingTests {
    private func letter(_ network: Network) throws -> String {
        try network.folder.write("Kính gửi", to: "letter.txt")
        return network.folder["letter.txt"]
    }

    /// One agency does not take its document, the node of another is not there: the submitter hears of both, and of the end.
    @Test func theSubmitterIsToldOfDelays() throws {
        let network = try Network()
        for name in ["vpcp", "truc", "hcm"] {
            try network.edit(name) { $0 += "report:\n  delay_after: 1s\n  delay_after_urgent: 1s\n" }
        }
        try network.start(["truc", "vpcp", "hcm"])
        let sent = try network.submit(
            "vpcp", try letter(network), ["--sender", "G22", "--to", "H29", "--to", "H26", "--document", "1/VB"])
        func recipient(_ name: String) throws -> TraceAnswer.Recipient? {
            try network.trace("vpcp", sent.envelope).recipients.first { $0.name == name }
        }
        #expect(try eventually { try recipient("H29")?.delays.contains { $0.node == "hcm" } == true })
        #expect(try recipient("H29")?.state == "arrived")
        #expect(try recipient("H29")?.delays.last?.reason == "not picked up")
        #expect(try eventually { try recipient("H26")?.delays.contains { $0.node == "truc" } == true })
        let waiting = try #require(try recipient("H26"))
        #expect(waiting.state == "delayed")
        #expect(!waiting.isFinal)
        #expect(waiting.stops.map(\.node) == ["vpcp", "truc"])
        #expect(try network.show("truc", sent.envelope).envelope.recipients.contains { $0.isDelayReported })
        let text = try network.control("vpcp", ["trace", sent.envelope]).output
        #expect(text.contains("truc said that it takes long"), "\(text)")

        #expect(try network.control("hcm", ["inbox", "ack", "H29", sent.envelope]).end == .exited(0))
        #expect(try eventually { try recipient("H29")?.state == "delivered" })
        #expect(try recipient("H29")?.delays.count == 1)
        // What waits can still be delivered.
        try network.start("hanoi")
        #expect(try eventually { try recipient("H26")?.state == "arrived" })
        #expect(try network.ledger("truc").documents?.balances == true)
    }

    private func fill(_ network: Network, _ count: Int) throws {
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        for token in 0..<count {
            let isSent = client.submit(
                token: UInt64(token), from: "G22", to: token % 3 == 0 ? ["H29", "H26"] : ["H29"],
                document: "\(token)/VB",
                payload: Array(repeating: 7, count: 64))
            guard isSent else { throw TestFailure("the submission socket broke") }
        }
        for _ in 0..<count {
            guard case .accepted? = client.answer() else { throw TestFailure("an envelope was not accepted") }
        }
    }

    @Test func theToolSaysItsVersion() throws {
        let network = try Network()
        let result = try network.run(Places.edocctl, ["--version"])
        #expect(result.end == .exited(0) && result.output == "edocctl \(ProgramVersion.text)\n")
    }

    /// A daemon that does not answer is not waited for without end.
    @Test func theToolGivesUpAHangingDaemon() throws {
        let network = try Network()
        try network.start("vpcp")
        let preview: PreviewAnswer = try network.ask("vpcp", "suspend", "--to", "H29", "--reason", "x")
        let id = String(try #require(preview.job).id)
        network.send(SIGSTOP, to: "vpcp")
        defer { network.send(SIGCONT, to: "vpcp") }
        for arguments in [["status"], ["suspend", "--apply", id], ["top"], ["hold", "--to", "H29"]] {
            let result = try network.run(
                Places.edocctl, arguments + ["--socket", network.folder["vpcp/control.sock"]],
                environment: ["EDOC_PATIENCE": "1"])
            #expect(result.end == .exited(69) && result.output.isEmpty, "\(arguments): \(result.output)")
            #expect(
                result.errors == "edocctl: edocd does not answer; edocctl check and journalctl -u edocd tell more\n",
                "\(arguments): \(result.errors)")
        }
        network.send(SIGCONT, to: "vpcp")
        #expect(try network.control("vpcp", ["status"]).end == .exited(0))
    }

    @Test func listsWhileTheQueueMoves() throws {
        let network = try Network()
        try network.start("truc")
        network.stop("truc")
        try network.start("vpcp")
        try fill(network, 300)
        // All of them, page by page, a line each.
        let all = try network.control("vpcp", ["queue", "list", "--all", "--json"])
        #expect(all.end == .exited(0))
        let lines = try all.output.split(separator: "\n").map {
            try ControlJSON.answer(QueueListAnswer.Line.self, from: Array($0.utf8))
        }
        #expect(lines.count == 400)
        #expect(Set(lines.map { "\($0.number) \($0.recipient)" }).count == 400)
        #expect(lines.allSatisfy { $0.state == "waiting" && $0.nextHops == ["truc"] })
        #expect(
            try network.control("vpcp", ["queue", "list", "--to", "H26", "--all", "--json"]).output
                .split(separator: "\n").count == 100)
        let table = try network.control("vpcp", ["queue", "list", "--peer", "truc", "--limit", "10"]).output
        #expect(table.split(separator: "\n").count >= 12, "\(table)")
        #expect(table.contains("There is more: --cursor "))
        let queue: QueueAnswer = try network.ask("vpcp", "queue")
        #expect(queue.rows.first?.total.count == 400)
        #expect(queue.rows.first?.lately.trend == "growing")

        // Page by page, while the hub comes and the queue empties.
        var seen: [String] = []
        var cursor: String?
        var page = 0
        repeat {
            var arguments = ["queue", "list", "--limit", "40", "--json"]
            if let cursor { arguments += ["--cursor", cursor] }
            let result = try network.control("vpcp", arguments)
            let answer = try ControlJSON.answer(QueueListAnswer.self, from: Array(result.output.utf8))
            seen += answer.lines.map { "\($0.number) \($0.recipient)" }
            cursor = answer.cursor
            page += 1
            if page == 3 { try network.start("truc") }
        } while cursor != nil
        #expect(Set(seen).count == seen.count)
        #expect(seen.count >= 120)
        #expect(
            try eventually { try network.control("vpcp", ["queue", "list", "--all", "--json"]).output.isEmpty })
    }

    @Test func peersLimitsAndRoutes() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        #expect(try eventually { try network.status("truc").links.up == 1 })
        let peers: PeersAnswer = try network.ask("truc", "peers")
        let linked = try #require(peers.peers.first { $0.node == "vpcp" })
        let session = try #require(linked.sessions.first)
        #expect(session.tlsVersion == "TLSv1.3")
        #expect(session.cipher?.isEmpty == false)
        #expect(session.certificateExpires != nil)
        #expect(session.roundTripMicroseconds ?? 0 > 0)
        #expect(linked.stuck == nil)
        _ = try network.submit("vpcp", try letter(network), ["--sender", "G22", "--to", "H26"])
        #expect(
            try eventually {
                let answer: PeersAnswer = try network.ask("truc", "peers")
                return answer.peers.first { $0.node == "hanoi" }?.stuck?.word == "absent"
            })
        let one = try network.control("truc", ["peers", "vpcp"])
        #expect(one.output.contains("round trip:"), "\(one.output)")
        let nobody = try network.control("truc", ["peers", "nobody"])
        #expect(nobody.end == .exited(1))
        #expect(nobody.errors.split(separator: "\n").count == 1)
        let limits: LimitsAnswer = try network.ask("truc", "limits")
        #expect(limits.limits.contains { $0.setting == "limits.staged_max" && $0.used != nil })
        #expect(limits.limits.contains { $0.name == "envelopes of peer vpcp" && $0.used == 1 })
        #expect(!limits.limits.contains { $0.binds })
        let explained = try network.control("truc", ["routes", "explain", "000.00.00.H26"]).output
        #expect(explained.contains("000.00.00.H26 is its alias"), "\(explained)")
        #expect(explained.contains("hanoi is down"), "\(explained)")
        for bad in [
            ["queue", "list", "--state", "lost"], ["queue", "list", "--peer", "nobody"], ["queue", "list", "zz-"],
        ] {
            let result = try network.control("truc", bad)
            #expect(result.end == .exited(1))
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        }
    }

    @Test func aQuotaThatBindsSaysSo() throws {
        let network = try Network()
        try network.edit("vpcp") { $0 += "quotas:\n  sender_envelopes: 2\n" }
        try network.start("truc")
        network.stop("truc")
        try network.start("vpcp")
        let file = try letter(network)
        for _ in 0..<2 { _ = try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29"]) }
        let limits: LimitsAnswer = try network.ask("vpcp", "limits")
        #expect(limits.limits.first?.name == "envelopes of sender G22")
        #expect(limits.limits.first?.binds == true)
        #expect(limits.limits.first?.percent == 100)
        // What the answer says is what happens.
        #expect(try network.control("vpcp", ["submit", file, "--sender", "G22", "--to", "H29"]).end == .exited(1))
    }

    @Test func theLivePicture() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        _ = try network.submit("vpcp", try letter(network), ["--sender", "G22", "--to", "H26"])
        // No terminal: one picture.
        let once = try network.control("truc", ["top"])
        #expect(once.end == .exited(0))
        #expect(once.output.hasPrefix("truc  edocd "), "\(once.output)")
        #expect(!once.output.contains("\u{1b}"))
        #expect(try network.control("truc", ["top", "--json"]).end == .exited(2))

        let terminal = try PseudoTerminal(columns: 80, lines: 24)
        let top = try Program(
            Places.edocctl, ["top", "--socket", network.folder["truc/control.sock"]], input: terminal.path,
            output: terminal.path, errors: terminal.path)
        #expect(try eventually { terminal.text.components(separatedBy: "q quits").count > 3 }, "\(terminal.text)")
        terminal.type("q")
        #expect(
            try eventually {
                !top.isRunning
                    || {
                        _ = terminal.text; return false
                    }()
            })
        #expect(top.wait() == .exited(0))
        let text = terminal.text
        #expect(text.hasPrefix("\u{1b}[?1049h\u{1b}[?25l"))
        #expect(text.hasSuffix("\u{1b}[?25h\u{1b}[?1049l"), "the terminal is as it was")
        // Each line is written over in place; the screen is never wiped as a whole.
        #expect(!text.contains("\u{1b}[2J"))
    }

    /// Keys are taken at once; Ctrl-Z gives the terminal back and `fg` takes it again; a signal that ends it leaves it as it was.
    @Test func keysAndSignalsOfTheLivePicture() throws {
        let network = try Network()
        try network.start("truc")
        let terminal = try PseudoTerminal(columns: 80, lines: 24)
        let arguments = ["top", "--every", "60", "--socket", network.folder["truc/control.sock"]]
        func start() throws -> Program {
            try Program(
                Places.edocctl, arguments, input: terminal.path, hasOwnGroup: true, output: terminal.path,
                errors: terminal.path)
        }
        let (entered, restored) = ("\u{1b}[?1049h\u{1b}[?25l", "\u{1b}[?25h\u{1b}[?1049l")
        let top = try start()
        // The hub's three neighbours are down; without one that is up both pictures have the same rows, and one says which it is.
        #expect(try eventually { terminal.text.contains("d only down") }, "\(terminal.text)")
        #expect(terminal.text.contains("3 peers: 3 down") && !terminal.text.contains("only down; 3 peers"))
        // Within a minute nothing is drawn but for a key.
        terminal.type("d")
        #expect(try eventually { terminal.text.contains("only down; 3 peers") }, "\(terminal.text)")
        #expect(terminal.localFlags & tcflag_t(ICANON | ECHO) == 0)
        top.send(SIGTSTP)
        #expect(try eventually { terminal.text.hasSuffix(restored) && top.isStopped }, "\(terminal.text)")
        #expect(terminal.localFlags & tcflag_t(ICANON | ECHO) == tcflag_t(ICANON | ECHO))
        top.send(SIGCONT)
        #expect(try eventually { terminal.text.hasSuffix(entered) }, "\(terminal.text)")
        #expect(terminal.localFlags & tcflag_t(ICANON) == 0)
        // And a second time, as the first.
        top.send(SIGTSTP)
        #expect(try eventually { terminal.text.hasSuffix(restored) && top.isStopped })
        top.send(SIGCONT)
        #expect(try eventually { terminal.text.hasSuffix(entered) })
        terminal.type("q")
        #expect(top.wait() == .exited(0) && terminal.text.hasSuffix(restored))
        for signal in [SIGINT, SIGTERM] {
            let next = try start()
            let before = terminal.text.count
            #expect(try eventually { terminal.text.dropFirst(before).contains("d only down") })
            next.send(signal)
            #expect(next.wait() == .exited(128 + signal))
            #expect(terminal.text.hasSuffix(restored))
            #expect(terminal.localFlags & tcflag_t(ICANON | ECHO) == tcflag_t(ICANON | ECHO))
        }
    }

    /// What a neighbour says when a session begins is in its line, and more of it in the long form.
    @Test func whatNeighboursSayOfThemselves() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        func peer() throws -> PeersAnswer.Peer? {
            (try network.ask("truc", "peers") as PeersAnswer).peers.first { $0.node == "vpcp" }
        }
        #expect(try eventually { try peer()?.greeting != nil })
        let greeting = try #require(try peer()?.greeting)
        #expect(greeting.version == ProgramVersion.text && greeting.understands.contains("returns"))
        // The incarnation is the one in the names of what it makes.
        let envelope = try network.submit("vpcp", try letter(network), ["--sender", "G22", "--to", "H29"]).envelope
        #expect(envelope.hasPrefix("vpcp-\(greeting.incarnation)-"), "\(envelope)")
        let long = try network.control("truc", ["peers", "vpcp"]).output
        #expect(
            long.contains("program:      edocd \(ProgramVersion.text)\n")
                || long.contains("edocd \(ProgramVersion.text)"))
        #expect(long.contains(greeting.incarnation) && long.contains("former-name"))
        let list = try network.control("truc", ["peers"]).output
        #expect(list.contains(ProgramVersion.text) && list.contains("3 peers: 1 up, 2 down"), "\(list)")
        let down = try network.control("truc", ["peers", "--down"]).output
        #expect(!down.contains("\nvpcp ") && down.contains("hanoi") && down.contains("3 peers: 1 up"), "\(down)")
        let json = try network.control("truc", ["peers", "--down", "--json"]).output
        #expect(try ControlJSON.answer(PeersAnswer.self, from: Array(json.utf8)).peers.count == 2)
        #expect(try network.control("truc", ["peers", "vpcp", "--down"]).end == .exited(2))
        // What waits for those that are down, and nothing else.
        #expect(try eventually { try network.control("truc", ["queue", "--down"]).output.hasPrefix("NEXT HOP") })
        #expect(try network.control("vpcp", ["queue", "--down"]).output == "Nothing waits to be sent.\n")
        // A link that is down matters by what waits for it, however short that is.
        let fresh = ["check", "links", "--links-warn", "1h", "--links-crit", "2h"]
        #expect(try network.control("truc", fresh + ["--links-waiting", "5,6"]).end == .exited(0))
        let one = try network.control("truc", fresh + ["--links-waiting", "1,6"])
        #expect(one.end == .exited(1) && one.output.contains("(waiting: 1, urgency "), "\(one.output)")
        #expect(try network.control("truc", fresh + ["--links-waiting", "1,1"]).end == .exited(2))
        #expect(try network.control("truc", ["check", "links", "--links-warn", "0s"]).end == .exited(1))
        #expect(try network.control("truc", ["check", "links", "--links-share", "1"]).end == .exited(3))
    }

    @Test func bothLanguages() throws {
        let network = try Network()
        try network.start("truc")
        network.stop("truc")
        try network.start("vpcp")
        _ = try network.submit("vpcp", try letter(network), ["--sender", "G22", "--to", "H29"])
        func run(_ arguments: [String]) throws -> String {
            try network.run(
                Places.edocctl, arguments + ["--socket", network.folder["vpcp/control.sock"]],
                environment: ["LC_ALL": "vi_VN.UTF-8"]
            ).output
        }
        #expect(try run(["queue"]).contains("CHẶNG KẾ"))
        #expect(try run(["queue", "list"]).contains("chờ gửi"))
        #expect(try run(["show", "1"]).contains("nơi gửi:"))
        #expect(try run(["peers"]).contains("không tới được"))
        #expect(try run(["limits"]).contains("gói tin đang gửi"))
        #expect(try run(["top"]).contains("q: thoát"))
        #expect(try run(["queue", "list", "--help"]).contains("Số dòng mỗi trang."))
        // What programs read is the same in both.
        #expect(try run(["queue", "--json"]).contains("\"bucketSeconds\""))
    }
}

/// Both ends of a terminal that nobody sits at.
private final class PseudoTerminal {
    let path: String
    private let master: Int32
    private var bytes: [UInt8] = []

    init(columns: UInt16, lines: UInt16) throws {
        // pts(4): unlocked, and its number asked for.
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        var lock: Int32 = 0
        var number: Int32 = 0
        guard master >= 0, ioctl(master, UInt(0x4004_5431), &lock) == 0, ioctl(master, UInt(0x8004_5430), &number) == 0
        else { throw TestFailure("no terminal: \(String(cString: strerror(errno)))") }
        path = "/dev/pts/\(number)"
        var size = winsize(ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    deinit { close(master) }

    /// As the programs on it have set them.
    var localFlags: tcflag_t {
        var settings = termios()
        tcgetattr(master, &settings)
        return settings.c_lflag
    }

    func type(_ text: String) { _ = Array(text.utf8).withUnsafeBytes { write(master, $0.baseAddress, $0.count) } }

    /// Everything that has been written so far.
    var text: String {
        var portion = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(master, &portion, portion.count), count > 0 { bytes += portion[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Program {
    /// Stopped by a signal, as Ctrl-Z does it.
    fileprivate var isStopped: Bool {
        let facts = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return facts.split(separator: ")").last?.hasPrefix(" T") == true
    }
}
