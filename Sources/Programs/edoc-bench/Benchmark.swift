// edoc-bench: drives real edocd processes over loopback, with TLS, fsync and reports on, and prints a line of JSON a case: what was
// promised, what was measured, under which conditions. Ends with 1 when a promise does not hold or a case cannot be measured.
// Everything is bounded in count and time; only processes started here are ended; nothing is left behind.

import ArgumentParser
import Glibc

@main
struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edoc-bench", abstract: "Measures edocd against its figures.",
        discussion:
            "Cases: \(Benchmark.cases.map(\.name).joined(separator: ", ")); when named also \(Benchmark.special.map(\.name).joined(separator: ", ")). Needs the certificates script."
    )

    @Option(help: "The daemon; else EDOCD of the environment.")
    var edocd: String?
    @Option(help: "The script that makes certificates.")
    var certificates = "Scripts/certificates"
    @Option(help: "A folder on the disk to measure; a folder is made in it and removed.")
    var directory = "."
    @Flag(help: "Small counts, for tests.")
    var quick = false
    @Option(name: .customLong("set"), help: "A line for every edocd.yaml, such as 'session: {window_transfers: 64}'.")
    var settings: [String] = []
    @Option(help: "How often what is compared by turns is measured.")
    var rounds = 3
    @Option(help: "The script rabbitmq-server, for the case peers.")
    var rabbitmq: String?
    @Option(help: "The program nats-server, for the case peers.")
    var nats: String?
    @Option(help: "Scripts/counters.c, for the cases engine and profile.")
    var counters = "Scripts/counters.c"
    @Option(help: "The file with the counts that the case engine may not exceed.")
    var limits: String?
    @Flag(help: "Write what the case engine finds into that file.")
    var renew = false
    @Flag(help: "Have callgrind count instructions in the case engine.")
    var instructions = false
    @Option(help: "Measures nothing: writes the lines of the files that are named in place of cases into this page.")
    var write: String?
    @Option(help: "A folder with another edoc-bench and its edocd: the cases by turns with both.")
    var against: String?
    @Option(help: .hidden)
    var envelopes = 2_048
    @Argument(help: "The cases; all when none is named.")
    var named: [String] = []

    typealias Case = (name: String, run: @Sendable (Place) throws -> CaseResult)
    static let cases: [Case] = [
        ("fanout", { try FanoutCase.run($0) }), ("hubkill", { try HubKillCase.run($0) }),
        ("giant", { try GiantCase.run($0) }), ("backlog", { try BacklogCase.run($0) }),
        ("throughput", { try ThroughputCase.run($0) }), ("documents", { try DocumentsCase.run($0) }),
        ("single", { try SingleCase.run($0) }), ("inspect", { try InspectCase.run($0) }),
        ("pieces", { try PiecesCase.run($0) }), ("take", { try TakeCase.run($0) }),
        ("spool", { try SpoolCase.run($0) }),
        ("agencies", { try AgenciesCase.run($0) }), ("distance", { try DistanceCase.run($0) }),
    ]
    /// Those that need more than a daemon; only when they are named.
    static let special: [Case] = [
        ("peers", { try PeersCase.run($0) }), ("engine", { try EngineCase.run($0) }),
        ("links", { try LinksCase.run($0) }), (LinksCase.script, { try LinksCase.runScript($0) }),
        ("profile", { try ProfileCase.run($0) }), (EngineCase.script, { try EngineCase.runScript($0) }),
    ]

    func validate() throws {
        for name in named where write == nil && !(Self.cases + Self.special).contains(where: { $0.name == name }) {
            throw ValidationError("there is no case '\(name)'")
        }
        guard (1...100).contains(rounds), (1...1_000_000).contains(envelopes) else {
            throw ValidationError("--rounds is from 1 to 100")
        }
    }

    func run() throws {
        if let write { return try FigurePage.write(write, from: named) }
        guard let edocd = edocd ?? getenv("EDOCD").map({ String(cString: $0) }) else {
            throw ValidationError("--edocd or EDOCD must name the daemon")
        }
        guard let parent = absolute(directory) else { throw ValidationError("\(directory): there is no such folder") }
        guard !Conditions.isInMemory(parent) else {
            throw ValidationError("\(parent) is in memory: figures without a disk mean nothing")
        }
        // The paths of Unix sockets are short.
        let folder = "\(parent)/edoc-bench.\(getpid())"
        try Folder.make(folder)
        Children.watchSignals(removing: folder)
        defer { Folder.remove(folder) }
        let place = Place(
            edocd: absolute(edocd) ?? edocd, certificates: absolute(certificates) ?? certificates, directory: folder,
            isQuick: quick, settings: settings, rounds: rounds, rabbitmq: rabbitmq.flatMap(absolute),
            nats: nats.flatMap(absolute), counters: absolute(counters), limits: limits, renews: renew,
            countsInstructions: instructions, envelopes: envelopes)
        let chosen = named.isEmpty ? Self.cases : (Self.cases + Self.special).filter { named.contains($0.name) }
        var runs = chosen
        if let against {
            guard let other = absolute(against) else { throw ValidationError("\(against): there is no such folder") }
            let names = named.isEmpty ? Comparison.usual : chosen.map(\.name)
            runs = [("compare", { try Comparison.run($0, other, names) })]
        }
        let holds = runs.map { one($0, place) }
        guard holds.allSatisfy({ $0 }) else {
            Folder.remove(folder)
            throw ExitCode(1)
        }
    }

    private func one(_ item: Case, _ place: Place) -> Bool {
        let conditions = Conditions.figure(place)
        defer { Children.killAll() }
        do {
            let result = try item.run(place)
            say(result.line(item.name, conditions: conditions))
            return result.holds
        } catch {
            let text = Figure.text("\(error)")
            say(Figure.fields([("case", .text(item.name)), ("pass", .flag(false)), ("error", text)]).json)
            return false
        }
    }

    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private func absolute(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
