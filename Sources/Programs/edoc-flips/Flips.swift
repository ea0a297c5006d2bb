// edoc-flips: what damage and power cuts do to a store. First the proof that one changed bit in a store is found. It makes a store, and for each flip a copy of it with one bit changed, of
// every kind of page, table and part in turn. A child process opens the copy, lets neighbours and agencies take all that they can, and
// says what it found; the parent holds that against what the unchanged store gave. A child that ends abnormally is started once more.
// With --cuts the power-cut test (CutTrial). It owns a scratch directory, which goes away. It exits with 1 when the bounds do not hold.

import ArgumentParser
import Glibc
import RelayModel
import RelayStore

@main
struct Flips: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edoc-flips", abstract: "Flips single bits of a store and says what became of its envelopes.")

    @Option(help: "How many bits.")
    var count = 300

    @Option(help: "Of the choice of bits.")
    var seed: UInt64 = 1

    @Option(help: "Documents in the store.")
    var documents: UInt64 = 240

    @Option(help: "Where the store is made; a file system in memory is quickest.")
    var scratch = "/tmp"

    @Option(help: "Only kinds of bytes whose name contains this.")
    var only = ""

    @Flag(help: "Prints what each flip led to that was not as it should be.")
    var verbose = false

    @Option(help: "Only changes one bit of this data file, of a kind that --only names, and says where.")
    var change: String?

    @Option(help: "With --change: only places whose bytes contain this text.")
    var containing = ""

    @Option(help: "With --change: the kind of bytes whose turn it is; kinds take turns by their names.")
    var turn: Int?

    @Option(help: "With --change: which byte of the place; drawn where it is not given.")
    var byte: UInt64?

    @Option(help: "With --change: which bit of the byte; drawn where it is not given.")
    var bit: UInt8?

    @Option(help: "Instead: the power is cut at each of so many commits of a store.")
    var cuts: Int?

    @Option(help: "With --cuts: the library made of Tests/Programs/Interposer/cuts.c.")
    var interposer = ""

    @Option(help: "With --cuts: each n-th sync is skipped, and the test must find it.")
    var skipping = 0

    @Option(help: "Only makes the file that a power cut leaves, of this record; and prints the marks before the cut.")
    var image: String?

    @Option(help: "With --image: the record's entry at which the power is cut; else drawn.")
    var at: Int?

    @Option(help: "With --image: where the file goes.")
    var output = ""

    @Option(help: .hidden)
    var make: String?

    @Option(help: .hidden)
    var work: String?

    @Option(help: .hidden)
    var record = ""

    @Option(help: .hidden)
    var look: String?

    @Option(help: .hidden)
    var take: String?

    func run() throws {
        if let make { return try Self.inChild { try FlipStore.make(make, documents: documents) } }
        if let take { return try Self.inChild { try FlipStore.take(take) } }
        if let change { return try changeOne(change) }
        if let work {
            return try Self.inChild { try CutWork.make(work, record: record, commits: count, seed: seed) }
        }
        if let look { return try Self.inChild { try CutWork.look(look) } }
        if let image { return try makeImage(image) }
        if let cuts { return try cut(cuts) }
        let trial = try FlipTrial(scratch: scratch, documents: documents, seed: seed, only: only)
        defer { trial.clear() }
        for index in 0..<count { trial.flip(index, verbose: verbose) }
        print(trial.table)
        if let broken = trial.brokenBounds { throw CleanExit.message(broken).asFailure }
    }

    private func cut(_ commits: Int) throws {
        let trial = try CutTrial(
            scratch: scratch, interposer: interposer, commits: commits, seed: seed, skipping: skipping)
        defer { trial.clear() }
        try trial.run()
        for finding in trial.findings.prefix(20) { print(finding) }
        print(trial.sentence)
        if !trial.findings.isEmpty { throw ExitCode(1) }
    }

    /// For tests that cut the power of real programs.
    private func makeImage(_ path: String) throws {
        let log = try CutLog(path)
        var choice = FlipChoice(seed: seed)
        let marks = log.entries.indices.filter { log.entries[$0].kind == .mark }
        guard let first = marks.first else { throw ValidationError("\(path) has no marks") }
        let place = at ?? first + Int(choice.next(UInt64(log.entries.count - first)))
        guard log.entries.indices.contains(place) else { throw ValidationError("\(path) has no entry \(place)") }
        var disk = CutDisk()
        for index in 0...place { disk.take(index, of: log) }
        guard CutDisk.write(disk.afterCut(log, &choice), to: output) else {
            throw ValidationError("\(output) cannot be written")
        }
        for mark in marks where mark <= place { print(log.text(log.entries[mark])) }
        print("cut at \(place) of \(log.entries.count), \(disk.pendingCount) under way")
    }

    /// For tests that need damage at a certain place of a store that real programs have made.
    private func changeOne(_ path: String) throws {
        var regions = try StoreRegion.all(path: path).filter {
            (only.isEmpty || $0.kind.contains(only))
                && (containing.isEmpty || FlipTrial.contains(path, $0.bytes, containing))
        }
        if let turn, !regions.isEmpty {
            let kinds = Set(regions.map(\.kind)).sorted()
            regions = regions.filter { $0.kind == kinds[turn % kinds.count] }
        }
        guard !regions.isEmpty else {
            throw ValidationError("\(path) has no bytes of kind '\(only)' that contain '\(containing)'")
        }
        var choice = FlipChoice(seed: seed)
        let region = regions[Int(choice.next(UInt64(regions.count)))]
        let place = region.bytes.lowerBound + (byte ?? choice.next(UInt64(region.bytes.count)))
        let bit = self.bit ?? UInt8(choice.next(8))
        guard region.bytes.contains(place), bit < 8 else { throw ValidationError("there is no such bit") }
        FlipTrial.change(path, place, bit)
        print("\(region.kind), byte \(place), bit \(bit)")
    }

    private static func inChild(_ body: () throws -> [String]) throws {
        do {
            for line in try body() { print(line) }
        } catch let stop as FlipStop {
            print("stop \(stop.sentence)")
            fflush(nil)
            _exit(stop.code)
        }
    }
}

extension CleanExit {
    /// Said, and a failure all the same.
    fileprivate var asFailure: any Error {
        print(self)
        return ExitCode(1)
    }
}

/// What a child does with a store.
enum FlipStore {
    /// Fills a new store: all states, several urgencies, one document in pieces.
    static func make(_ directory: String, documents: UInt64) throws -> [String] {
        let world = try FlipWorld(directory: directory, later: 0)
        try world.audit("begin")
        for peer in FlipWorld.peers { try world.connect(peer) }
        var counter: UInt64 = 0
        for number in 1...documents / 4 {
            // What goes through, and is remembered.
            try world.submit(number, to: ["A1"], length: 200 + number * 13 % 3_000, urgency: .normal)
            counter += 1
            try world.offer(1_000 + number, counter: counter, to: ["T2"], length: 100 + number * 7 % 900)
            if number % 3 == 0 {
                counter += 1
                try world.offer(2_000 + number, counter: counter, to: ["B1"], length: 500)
            }
        }
        try world.advance(1_000)
        // The first neighbour takes without a word, and goes: these are in doubt.
        world.answers = false
        for number in 1...8 as ClosedRange<UInt64> {
            try world.submit(3_000 + number, to: ["A2"], length: 700, urgency: .normal)
        }
        for peer in FlipWorld.peers { try world.lose(peer) }
        world.answers = true
        for number in documents / 4 + 1...documents {
            let recipients = [["A1"], ["B1"], ["A1", "B1"], ["T2"], ["A1", "A2", "B1", "T2"]][Int(number % 5)]
            let urgency = [.normal, .urgent, .normal, .flash][Int(number % 4)] as Urgency
            try world.submit(number, to: recipients, length: 100 + number * 37 % 9_000, urgency: urgency)
        }
        try world.submit(5_000, to: ["B1"], length: 4_200_000, urgency: .normal)
        try world.audit("end")
        try world.advance(120_000)
        return []
    }

    /// Everybody takes all that there is, new mail comes, and what is left is looked at.
    static func take(_ directory: String) throws -> [String] {
        try takeAll(FlipWorld(directory: directory, later: 600_000))
    }

    /// What comes in when everybody takes.
    static let lateDocuments = Set((7_001...7_010).map { "d\($0) T2" })

    static func takeAll(_ world: FlipWorld) throws -> [String] {
        try world.advance(1_000)
        for peer in FlipWorld.peers { try world.connect(peer) }
        // New mail after old counters: nothing of it may be taken for a repetition; and one that has come before.
        for number in 1...10 as ClosedRange<UInt64> {
            try world.offer(7_000 + number, counter: 500 + number, to: ["T2"], length: 300)
        }
        try world.advance(120_000)
        try world.advance(7_200_000)
        try world.takeStock()
        var lines = world.outcomes.map(\.line)
        lines += world.alarms.map { "alarm \($0)" }
        return lines
    }
}
