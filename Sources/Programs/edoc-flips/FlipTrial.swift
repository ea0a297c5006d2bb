// FlipTrial: the parent's side: it makes the store once, picks bits, runs children, and keeps the table of outcomes. It owns the scratch
// directory. One thread. What it cannot start is a failure of the machine, and ends it.

import Foundation
import RelayStore
import Trap

/// What is drawn, by a seed.
struct FlipChoice {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(_ bound: UInt64) -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return (mixed ^ (mixed >> 31)) % bound
    }
}

final class FlipTrial {
    /// What one flip led to, the worst first.
    enum Verdict: String, CaseIterable {
        case wrongBytes = "wrong bytes"
        case crashedTwice = "ended badly twice"
        case lost = "lost without a name"
        case repeated = "delivered twice"
        case crashedOnce = "ended badly once"
        case refused = "refused, with a sentence"
        case named = "set aside by name"
        case mended = "found and mended"
        case harmless = "no harm"
    }

    private let root: String
    private let original: String
    private let copy: String
    private let kinds: [(name: String, regions: [StoreRegion])]
    private var choice: FlipChoice
    private var baseline: Set<String> = []
    private(set) var counts: [String: [Verdict: Int]] = [:]
    private(set) var total = 0

    init(scratch: String, documents: UInt64, seed: UInt64, only: String) throws {
        root = scratch + "/edoc-flips-\(getpid())"
        original = root + "/original"
        copy = root + "/copy"
        choice = FlipChoice(seed: seed)
        try FileManager.default.createDirectory(atPath: original, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        let made = Self.child(["--make", original, "--documents", "\(documents)"])
        guard made.code == 0 else { throw Trouble(sentence: "the store cannot be made: \(made.lines)") }
        let regions = try StoreRegion.all(path: original + "/data.mdb")
        let groups = Dictionary(grouping: regions, by: \.kind).filter { only.isEmpty || $0.key.contains(only) }
        kinds = groups.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        try refresh()
        let first = Self.child(["--take", copy])
        guard first.code == 0 else { throw Trouble(sentence: "the unchanged store cannot be used: \(first.lines)") }
        baseline = Set(first.lines.filter { $0.hasPrefix("sent ") || $0.hasPrefix("inbox ") }.map(Self.pair))
        let rest = first.lines.filter { !$0.hasPrefix("sent ") && !$0.hasPrefix("inbox ") }
        guard rest.isEmpty, baseline.count > Int(documents) else {
            throw Trouble(sentence: "the unchanged store gives \(baseline.count) pairs, and says \(rest)")
        }
        print("\(baseline.count) pairs in the store; \(kinds.count) kinds of bytes")
    }

    struct Trouble: Error, CustomStringConvertible {
        var sentence: String
        var description: String { sentence }
    }

    func clear() { try? FileManager.default.removeItem(atPath: root) }

    private func refresh() throws {
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: original + "/data.mdb", toPath: copy + "/data.mdb")
    }

    private static func pair(_ line: String) -> String {
        line.firstIndex(of: " ").map { String(line[line.index(after: $0)...]) } ?? line
    }

    /// Kinds take turns; within a kind the place is drawn.
    func flip(_ index: Int, verbose: Bool) {
        let kind = kinds[index % kinds.count]
        let region = kind.regions[Int(choice.next(UInt64(kind.regions.count)))]
        let place = region.bytes.lowerBound + choice.next(UInt64(region.bytes.count))
        let bit = UInt8(choice.next(8))
        do {
            try refresh()
        } catch {
            trap("the copy cannot be made: \(error)")
        }
        Self.change(copy + "/data.mdb", place, bit)
        var result = Self.child(["--take", copy])
        var hasEndedBadly = false
        if result.isAbnormal {
            hasEndedBadly = true
            let before = result.lines
            result = Self.child(["--take", copy])
            // What went out before the bad end has gone out.
            result.lines = before.filter { !$0.hasPrefix("stop ") } + result.lines
        }
        let verdict = judge(result, hasEndedBadly)
        counts[kind.name, default: [:]][verdict, default: 0] += 1
        total += 1
        let isBad = [.wrongBytes, .crashedTwice, .lost, .repeated, .crashedOnce].contains(verdict)
        if verbose, isBad {
            print("\(verdict.rawValue): \(kind.name), byte \(place), bit \(bit): code \(result.code)")
            for line in result.lines where line.hasPrefix("alarm") || line.hasPrefix("stop") { print("    " + line) }
            for pair in missing(result).prefix(4) { print("    missing: \(pair)") }
        }
    }

    private func missing(_ result: Ended) -> [String] {
        let seen = Set(result.lines.filter { !$0.hasPrefix("alarm") && !$0.hasPrefix("stop") }.map(Self.pair))
        return baseline.subtracting(seen).sorted()
    }

    private func judge(_ result: Ended, _ hasEndedBadly: Bool) -> Verdict {
        if result.lines.contains(where: { $0.hasPrefix("wrong ") }) { return .wrongBytes }
        if result.isAbnormal { return .crashedTwice }
        let given = result.lines.filter { $0.hasPrefix("sent ") || $0.hasPrefix("inbox ") }.map(Self.pair)
        if Set(given).count != given.count || !baseline.isSuperset(of: given) { return .repeated }
        if result.code == 78 { return hasEndedBadly ? .crashedOnce : .refused }
        if !missing(result).isEmpty { return .lost }
        if hasEndedBadly { return .crashedOnce }
        if result.lines.contains(where: { $0.hasPrefix("named ") }) { return .named }
        return result.lines.contains { $0.hasPrefix("alarm ") } ? .mended : .harmless
    }

    /// Whether these bytes of a file contain a text.
    static func contains(_ path: String, _ bytes: Range<UInt64>, _ text: String) -> Bool {
        let file = open(path, O_RDONLY)
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: bytes.count)
        guard pread(file, &buffer, buffer.count, off_t(bytes.lowerBound)) == buffer.count else { return false }
        return Data(buffer).range(of: Data(text.utf8)) != nil
    }

    static func change(_ path: String, _ place: UInt64, _ bit: UInt8) {
        let file = open(path, O_RDWR)
        defer { close(file) }
        var byte: UInt8 = 0
        guard pread(file, &byte, 1, off_t(place)) == 1 else { trap("the copy cannot be read") }
        byte ^= 1 << bit
        guard pwrite(file, &byte, 1, off_t(place)) == 1 else { trap("the copy cannot be changed") }
    }

    struct Ended {
        var code: Int32
        var isSignalled: Bool
        var lines: [String]
        /// By a signal, or as if the store had failed.
        var isAbnormal: Bool { isSignalled || code != 0 && code != 78 }
    }

    static func child(_ arguments: [String], _ more: [String: String] = [:]) -> Ended {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        // A trap is told by its signal; its picture would cost a second.
        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_BACKTRACE"] = "enable=no"
        environment.merge(more) { $1 }
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            trap("a child cannot be started: \(error)")
        }
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Ended(
            code: process.terminationStatus, isSignalled: process.terminationReason == .uncaughtSignal,
            lines: String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init))
    }

    // MARK: The table

    var sums: [Verdict: Int] {
        counts.values.reduce(into: [:]) { sums, row in
            for (verdict, count) in row { sums[verdict, default: 0] += count }
        }
    }

    var table: String {
        let columns = Verdict.allCases
        var lines = ["| bytes | flips | " + columns.map(\.rawValue).joined(separator: " | ") + " |"]
        lines.append("|" + String(repeating: "---|", count: columns.count + 2))
        func line(_ name: String, _ row: [Verdict: Int]) -> String {
            "| \(name) | \(row.values.reduce(0, +)) | "
                + columns.map { row[$0].map(String.init) ?? "" }.joined(separator: " | ")
                + " |"
        }
        for (name, row) in counts.sorted(by: { $0.key < $1.key }) { lines.append(line(name, row)) }
        lines.append(line("all", sums))
        return lines.joined(separator: "\n")
    }

    /// What the proof demands and did not find; nil when all holds.
    var brokenBounds: String? {
        let sums = sums
        let lost = sums[.lost] ?? 0
        if let wrong = sums[.wrongBytes] { return "\(wrong) flips led to wrong bytes" }
        if let twice = sums[.crashedTwice] { return "\(twice) flips ended the process badly twice running" }
        if let again = sums[.repeated] { return "\(again) flips led to a second delivery" }
        if lost * 1_000 > total { return "\(lost) of \(total) flips lost an envelope without its name" }
        return nil
    }
}
