// TopCommand: `edocctl top`: the node as it stands, drawn anew each second: rates, links, queues, inboxes, disk. It asks the same questions
// as the other commands, and works out rates from two answers. Plain ANSI, so that it works over ssh; where the output is no terminal it
// prints one picture and ends. It leaves the terminal as it found it, also when it is ended by a signal.

import ArgumentParser
import ControlAPI
import Glibc
import Language

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: phrase(
            "The node live: rates, links, queues, the oldest, the disk. q quits.",
            "Theo dõi nút: tốc độ, liên kết, hàng chờ, cái cũ nhất, đĩa. Bấm q để thoát."))

    @OptionGroup var common: LiveOptions
    @Option(help: .init(phrase("Seconds between two pictures, 1 to 60.", "Số giây giữa hai lần vẽ, từ 1 đến 60.")))
    var every = 1

    func validate() throws {
        guard (1...60).contains(every) else {
            throw ValidationError(phrase("--every is 1 to 60 seconds", "--every là từ 1 đến 60 giây"))
        }
        guard !common.json else {
            throw ValidationError(
                phrase(
                    "top is for people; status, peers, queue and ledger have --json",
                    "top dành cho người xem; hãy dùng --json với status, peers, queue và ledger"))
        }
    }

    func run() async throws {
        let client = try common.client
        var last = try await TopSample.take(client, common)
        guard Terminal.size != nil, isatty(STDIN_FILENO) == 1 else {
            try await Task.sleep(for: .seconds(1))
            let next = try await TopSample.take(client, common)
            Output.say(TopView.lines(next, since: last, columns: Terminal.columns ?? 80).joined(separator: "\n") + "\n")
            return
        }
        let screen = Screen()
        defer { screen.leave() }
        // The first picture has no rates yet; it is better than none.
        screen.draw { TopView.lines(last, since: nil, columns: $0) }
        while !screen.isQuitAsked(within: every) {
            do {
                let next = try await TopSample.take(client, common)
                screen.draw { TopView.lines(next, since: last, columns: $0) }
                last = next
            } catch let error as ClientError {
                // A daemon that restarts comes back.
                let words = Failure(error)?.lines ?? []
                screen.draw { columns in
                    words.flatMap { Shown.broken($0, to: columns) } + [TopView.quitHint]
                }
            }
        }
    }
}

/// One moment's answers.
struct TopSample: Sendable {
    var status: StatusAnswer
    var peers: PeersAnswer
    var queue: QueueAnswer
    var ledger: LedgerAnswer

    static func take(_ client: ControlClient, _ common: some DaemonOptions) async throws -> TopSample {
        async let status = client.get(ControlPath.status)
        async let peers = client.get(ControlPath.peers)
        async let queue = client.get(ControlPath.queue)
        async let ledger = client.get(ControlPath.ledger)
        return TopSample(
            status: try common.decoded(StatusAnswer.self, try await status),
            peers: try common.decoded(PeersAnswer.self, try await peers),
            queue: try common.decoded(QueueAnswer.self, try await queue),
            ledger: try common.decoded(LedgerAnswer.self, try await ledger))
    }
}

/// The terminal while the picture stands on it. Used on one thread; the handler of signals touches what is set before it is.
private final class Screen {
    // Unchecked: a handler of signals can reach nothing but globals. It is written once, before the first handler is set.
    nonisolated(unsafe) private static var before = termios()

    init() {
        tcgetattr(STDIN_FILENO, &Self.before)
        var raw = Self.before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            signal(number) { number in
                Screen.restore()
                _exit(128 + number)
            }
        }
        // The other screen, without a cursor.
        Output.say("\u{1b}[?1049h\u{1b}[?25l")
    }

    func leave() {
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { signal(number, SIG_DFL) }
        Self.restore()
    }

    /// Only what a handler of signals may do.
    private static func restore() {
        var text: StaticString { "\u{1b}[?25h\u{1b}[?1049l" }
        _ = write(STDOUT_FILENO, text.utf8Start, text.utf8CodeUnitCount)
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    /// Writes over what stands there, in one go, and wipes only what is left of each line: nothing flickers.
    func draw(_ make: (_ columns: Int) -> [String]) {
        let size = Terminal.size ?? (80, 24)
        let lines = make(size.columns).prefix(size.lines)
        Output.say(
            "\u{1b}[H" + lines.map { Shown.cut($0, to: size.columns) + "\u{1b}[K" }.joined(separator: "\r\n")
                + "\u{1b}[J")
    }

    /// Waits for q, or for so many seconds.
    func isQuitAsked(within seconds: Int) -> Bool {
        var left = Int32(clamping: seconds * 1_000)
        let began = Self.milliseconds()
        while true {
            var question = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            let ready = poll(&question, 1, left)
            if ready > 0 {
                var byte: UInt8 = 0
                let count = read(STDIN_FILENO, &byte, 1)
                // The terminal is gone, or q, Q, Ctrl-C, Ctrl-D.
                if count <= 0 || [0x71, 0x51, 0x03, 0x04].contains(byte) { return true }
            }
            left = Int32(clamping: Int64(seconds) * 1_000 - (Self.milliseconds() - began))
            if left <= 0 { return false }
        }
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
