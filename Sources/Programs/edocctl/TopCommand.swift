// TopCommand: `edocctl top`: the node as it stands, drawn anew each second: rates, links, queues, inboxes, disk. It asks the same questions
// as the other commands, and works out rates from two answers. Plain ANSI, so that it works over ssh; where the output is no terminal it
// prints one picture and ends. It leaves the terminal as it found it, also when it is ended or stopped by a signal.

import ArgumentParser
import ControlAPI
import Glibc
import Language

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: phrase(
            "The node live: rates, links, queues, the oldest, the disk. q quits.",
            "Theo dõi nút: tốc độ, liên kết, hàng chờ, cái cũ nhất, đĩa. Bấm q để thoát."),
        discussion: phrase(
            """
            Keys: q quits; d shows only peers that are not up or are stuck; s, w, o and n order them by stuck, waiting, oldest and name; \
            space or PgDn and b or PgUp turn the page; arrows move by a line.
            """,
            """
            Phím: q thoát; d chỉ hiện nút kề không thông hoặc bị kẹt; s, w, o và n xếp theo kẹt, số chờ, cũ nhất và tên; \
            phím cách hoặc PgDn và b hoặc PgUp lật trang; mũi tên dịch một dòng.
            """))

    @OptionGroup var common: LiveOptions
    @Option(help: .init(phrase("Seconds between two pictures, 1 to 60.", "Số giây giữa hai lần vẽ, từ 1 đến 60.")))
    var every = 1
    @Flag(
        help: .init(
            phrase(
                "Begin with only the peers that are not up, or are stuck.",
                "Bắt đầu chỉ với các nút kề không thông hoặc bị kẹt.")))
    var down = false

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
        var choice = TopChoice()
        choice.isDownOnly = down
        guard Terminal.size != nil, isatty(STDIN_FILENO) == 1 else {
            try await Task.sleep(for: .seconds(1))
            let next = try await TopSample.take(client, common)
            let picture = TopView.picture(next, since: last, columns: Terminal.columns ?? 80, choice)
            Output.say(picture.lines.joined(separator: "\n") + "\n")
            return
        }
        let screen = Screen()
        defer { screen.leave() }
        // The first picture has no rates yet; it is better than none.
        var drawn = (sample: last, since: TopSample?.none)
        var trouble: [String] = []
        while true {
            func draw() {
                if trouble.isEmpty {
                    screen.draw(drawn.sample, since: drawn.since, choice)
                } else {
                    screen.say(trouble)
                }
            }
            draw()
            for key in screen.keys(within: every) {
                if key == .quit { return }
                choice.take(key, shown: screen.picture.shown, of: screen.picture.count)
                draw()
            }
            do {
                let next = try await TopSample.take(client, common)
                drawn = (next, last)
                last = next
                trouble = []
            } catch let error as ClientError {
                // A daemon that restarts comes back.
                trouble = Failure(error)?.lines ?? []
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

/// The terminal while the picture stands on it. Used on one thread; the handlers of signals touch what is set before they are.
private final class Screen {
    // Unchecked: a handler of signals can reach nothing but globals. They are written once, before the first handler is set.
    nonisolated(unsafe) private static var before = termios()
    nonisolated(unsafe) private static var raw = termios()

    private static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// What stands there.
    private(set) var picture = TopPicture(lines: [])

    init() {
        tcgetattr(STDIN_FILENO, &Self.before)
        Self.raw = Self.before
        Self.raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        Self.enter()
        for number in Self.ending {
            signal(number) { number in
                Screen.restore()
                _exit(128 + number)
            }
        }
        Self.handleStops()
    }

    func leave() {
        for number in Self.ending + [SIGTSTP] { signal(number, SIG_DFL) }
        Self.restore()
    }

    /// Ctrl-Z gives the terminal back as it was, and `fg` takes it again; the next picture is drawn within a second.
    private static func handleStops() {
        signal(SIGTSTP) { number in
            Screen.restore()
            signal(number, SIG_DFL)
            var stop = sigset_t()
            sigemptyset(&stop)
            sigaddset(&stop, number)
            pthread_sigmask(SIG_UNBLOCK, &stop, nil)
            raise(number)
            // Here again after `fg`; or at once, where no shell is there that could say it.
            Screen.enter()
            Screen.handleStops()
        }
    }

    /// Only what a handler of signals may do. The other screen, without a cursor.
    private static func enter() {
        var text: StaticString { "\u{1b}[?1049h\u{1b}[?25l" }
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        _ = write(STDOUT_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }

    private static func restore() {
        var text: StaticString { "\u{1b}[?25h\u{1b}[?1049l" }
        _ = write(STDOUT_FILENO, text.utf8Start, text.utf8CodeUnitCount)
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    func draw(_ sample: TopSample, since last: TopSample?, _ choice: TopChoice) {
        let size = Terminal.size ?? (80, 24)
        picture = TopView.picture(sample, since: last, columns: size.columns, screen: size.lines, choice)
        put(picture.lines, size.columns)
    }

    /// Instead of the picture.
    func say(_ lines: [String]) {
        let size = Terminal.size ?? (80, 24)
        let broken = lines.flatMap { Shown.broken($0, to: size.columns) } + [TopView.quitHint]
        put(TopView.fitted(broken, to: size.lines), size.columns)
    }

    /// Writes over what stands there, in one go, and wipes only what is left of each line: nothing flickers.
    private func put(_ lines: [String], _ columns: Int) {
        Output.say(
            "\u{1b}[H" + lines.map { Shown.cut($0, to: columns) + "\u{1b}[K" }.joined(separator: "\r\n") + "\u{1b}[J")
    }

    /// The keys that are pressed in so many seconds, as they come; a terminal that is gone is a wish to quit.
    func keys(within seconds: Int) -> some Sequence<TopKey> {
        let end = Self.milliseconds() + Int64(seconds) * 1_000
        var waiting: [TopKey] = []
        return AnyIterator {
            while waiting.isEmpty {
                let left = end - Self.milliseconds()
                guard left > 0 else { return nil }
                var question = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                guard poll(&question, 1, Int32(clamping: left)) > 0 else { continue }
                var bytes = [UInt8](repeating: 0, count: 64)
                let count = read(STDIN_FILENO, &bytes, bytes.count)
                if count < 0, errno == EINTR || errno == EAGAIN { continue }
                guard count > 0 else { return .quit }
                waiting = TopKey.keys(bytes[..<count])
            }
            return waiting.removeFirst()
        }
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
