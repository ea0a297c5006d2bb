// EngineCase: what an envelope of 4 KiB costs each of three nodes in work that can be counted: allocations, octets copied, references
// counted, rows, commits, and instructions. The program runs a script (ScriptedRow) in a process of its own under a library that
// counts; the counts do not depend on the machine and are the same each time, so a few percent more are a finding. They are held
// against a file when one is given: its lines say what was counted when it was last written.

import FoundationEssentials
import Glibc

enum EngineCase {
    private static let payloadBytes = 4_096
    static let script = "engine-script"

    static func run(_ place: Place) throws -> CaseResult {
        let count = place.isQuick ? 512 : 2_048
        let library = try CountingLibrary(place)
        let path = place.directory + "/counts"
        let counts = try SharedCounts(path, makes: true)
        try Child.run(
            library.words(words(place, count: count), counts: path), output: place.directory + "/script.log")
        let work = ScriptedRow.names.indices.map { counts.read($0) }
        guard work.allSatisfy({ $0[.allocations] > 0 }) else { throw BenchFailure("nothing was counted") }
        var lines = work.enumerated().flatMap { CountLines.of($1, node: ScriptedRow.names[$0], count, payloadBytes) }
        if let instructions = try Instructions.measure(place) {
            lines.append(CountLine(node: "all", what: "instructions", number: instructions))
        }
        var result = CaseResult()
        if let file = place.limits {
            if place.renews {
                try CountFile.write(lines, to: file)
            } else {
                result.targets = try CountFile(SmallFile.text(file)).judge(lines)
            }
        }
        result.figures = [
            ("envelopes", .count(count)), ("payloadBytes", .count(payloadBytes)), ("build", .text(CountFile.build)),
            (
                "nodes",
                .fields(
                    zip(ScriptedRow.names, work).map { name, work in
                        (name, CountLines.figure(of: work, node: name, lines, count))
                    })
            ),
        ]
        if let instructions = lines.last, instructions.node == "all" {
            result.figures.append(("instructionsPerEnvelope", .real(instructions.number)))
        }
        return result
    }

    /// This program.
    static var program: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "edoc-bench"
    }

    /// Running the script and nothing else.
    static func words(_ place: Place, _ program: String = program, count: Int) -> [String] {
        [
            program, "--edocd", place.edocd, "--directory", place.directory, "--envelopes", String(count), script,
        ]
    }

    /// The script itself: it warms up, forgets what was counted so far, and lets its envelopes pass.
    static func runScript(_ place: Place) throws -> CaseResult {
        let counts = try getenv("EDOC_COUNTS").map { try SharedCounts(String(cString: $0), makes: false) }
        let row = try ScriptedRow(directory: place.directory + "/script", payloadBytes: payloadBytes, counts: counts)
        let warm = try row.pass(256)
        counts?.forget()
        let come = try row.pass(place.envelopes)
        guard come - warm == place.envelopes else {
            throw BenchFailure("\(come - warm) of \(place.envelopes) have arrived")
        }
        return CaseResult()
    }
}

/// One count an envelope at one node.
struct CountLine: Sendable {
    var node: String
    var what: String
    var number: Double
}

enum CountLines {
    static var names: [String] { of(CountedWork(), node: "", 1, 1).map(\.what) }

    static func of(_ work: CountedWork, node: String, _ count: Int, _ payloadBytes: Int) -> [CountLine] {
        func each(_ what: String, _ number: UInt64) -> CountLine {
            CountLine(node: node, what: what, number: Double(number) / Double(count))
        }
        return [
            each("allocations", work[.allocations]), each("allocated-bytes", work[.allocatedBytes]),
            each("copied-bytes", work[.copiedBytes]), each("retains", work[.retains]),
            each("access-checks", work[.accessChecks]), each("rows-put", work.rowsPut),
            each("rows-deleted", work.rowsDeleted), each("row-bytes", work.rowBytes),
            each("envelope-row-bytes", work.putBytes["envelope"] ?? 0), each("row-reads", work[.rowReads]),
            each("commits", work[.commits]), each("syncs", work[.syncs]),
        ]
    }

    /// With what the rows are, by table.
    static func figure(of work: CountedWork, node: String, _ lines: [CountLine], _ count: Int) -> Figure {
        func tables(_ rows: [String: UInt64]) -> Figure {
            .fields(
                rows.filter { $1 > 0 }.sorted { $0.key < $1.key }.map { ($0, .real(Double($1) / Double(count))) })
        }
        return .fields(
            lines.filter { $0.node == node }.map { ($0.what, .real($0.number)) } + [
                ("copiesPerPayloadByte", .real(Double(work[.copiedBytes]) / Double(count) / 4_096)),
                ("put", tables(work.put)), ("deleted", tables(work.deleted)), ("putBytes", tables(work.putBytes)),
            ])
    }
}

/// The counts that were found when the file was last written, for each kind of build.
struct CountFile {
    /// What more is a finding.
    private static let margin = 1.05
    /// What less is worth writing down, so that it stays.
    private static let gain = 0.9
    private var known: [String: Double] = [:]

    #if DEBUG
        static let build = "debug"
    #else
        static let build = "release"
    #endif

    private static func name(_ line: CountLine) -> String { "\(build) \(line.node) \(line.what)" }

    /// The text of the file.
    init(_ text: String) throws {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            guard words.count == 4, let number = Double(words[3]) else {
                throw BenchFailure("'\(line)' is no count: build, node, what, number")
            }
            known[words[..<3].joined(separator: " ")] = number
        }
        guard known.keys.contains(where: { $0.hasPrefix(Self.build + " ") }) else {
            throw BenchFailure("there are no counts of a \(Self.build) build")
        }
    }

    /// Everything in the file must be found again, and be no more; instructions only where they were counted.
    func judge(_ lines: [CountLine]) throws -> [Target] {
        var targets: [Target] = []
        let found = Set(lines.map(Self.name))
        for name in known.keys.sorted() where name.hasPrefix(Self.build + " ") && !name.hasSuffix(" instructions") {
            guard found.contains(name) else { throw BenchFailure("'\(name)' is in the file and was not counted") }
        }
        for line in lines {
            guard let number = known[Self.name(line)] else { continue }
            let bound = (number * Self.margin * 1_000).rounded(.up) / 1_000
            targets.append(.atMost("\(line.node): \(line.what) an envelope", bound, "", line.number))
            if line.number > bound {
                PeersCase.note(
                    "\(line.node): \(line.what) an envelope are \(line.number), at most \(bound) (Scripts/counts)")
            }
            if line.number < number * Self.gain {
                PeersCase.note(
                    "\(line.node): \(line.what) are fewer by far, \(line.number) for \(number): renew the file")
            }
        }
        return targets
    }

    /// Writes down what was found; what stands there of other builds stays.
    static func write(_ lines: [CountLine], to path: String) throws {
        let old = SmallFile.text(path).split(separator: "\n").map(String.init)
        let kept = old.filter { $0.hasPrefix("#") || !$0.hasPrefix(build + " ") }
        let new = lines.map { "\(name($0)) \(Figure.real($0.number).json)" }
        try Folder.write((kept + new).joined(separator: "\n") + "\n", to: path)
    }
}

/// Instructions by callgrind: of two runs of different length the difference, so that what happens once is in neither.
enum Instructions {
    static func measure(_ place: Place) throws -> Double? {
        guard place.countsInstructions else { return nil }
        let (short, long) = (256, 768)
        // valgrind cannot read the notes for debuggers that this compiler writes.
        let bare = place.directory + "/bare"
        defer { unlink(bare) }
        try Child.run(
            ["objcopy", "--strip-debug", EngineCase.program, bare], output: place.directory + "/objcopy.log")
        let few = try total(place, bare, short)
        let many = try total(place, bare, long)
        return Double(many - few) / Double(long - short)
    }

    private static func total(_ place: Place, _ program: String, _ count: Int) throws -> Int {
        let log = place.directory + "/callgrind.log"
        unlink(log)
        try Child.run(
            ["env", "SWIFT_DETERMINISTIC_HASHING=1", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
                + EngineCase.words(place, program, count: count), output: log)
        for line in SmallFile.text(log).split(separator: "\n") {
            guard let mark = line.range(of: "Collected : ") else { continue }
            if let number = Int(line[mark.upperBound...]) { return number }
        }
        throw BenchFailure("callgrind says no number: \(SmallFile.text(log).suffix(400))")
    }
}
