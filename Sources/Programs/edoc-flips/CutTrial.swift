// CutTrial: the power-cut test. It has a child work on a store under the interposer, and then, for each commit of it, cuts the power at a
// record between the one before and this one: what a sync had covered is on the disk, of the rest what chance wants. Another child opens
// that, and what it finds is held against what had been promised by then. It owns a scratch directory. One thread.

import Foundation
import Trap

final class CutTrial {
    private let root: String
    private let record: String
    private let copy: String
    private var choice: FlipChoice
    private(set) var cuts = 0
    private(set) var findings: [String] = []
    private var figures = (kept: 0, ended: 0, dropped: 0)

    /// `skipping`: each n-th sync of the store is not made, which is the mistake that is to be found; 0 for none.
    init(scratch: String, interposer: String, commits: Int, seed: UInt64, skipping: Int) throws {
        root = scratch + "/edoc-cuts-\(getpid())"
        record = root + "/record"
        copy = root + "/copy"
        choice = FlipChoice(seed: seed)
        let store = root + "/store"
        for folder in [store, copy] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let made = FlipTrial.child(
            ["--work", store, "--record", record, "--count", "\(commits)", "--seed", "\(seed)"],
            [
                "LD_PRELOAD": interposer, "EDOC_CUT_FILE": store + "/data.mdb", "EDOC_CUT_LOG": record,
                "EDOC_CUT_SKIP": "\(skipping)",
            ])
        guard made.code == 0 else { throw FlipTrial.Trouble(sentence: "the store cannot be worked on: \(made)") }
    }

    func clear() { try? FileManager.default.removeItem(atPath: root) }

    /// What had been promised up to a record.
    struct Promises {
        var begun: Set<String> = []
        var kept: Set<String> = []
        var ending: Set<String> = []
        var ended: Set<String> = []

        mutating func take(_ mark: String) {
            guard let space = mark.firstIndex(of: " "), let word = CutMarks.Word(rawValue: String(mark[..<space]))
            else { return }
            let pair = String(mark[mark.index(after: space)...])
            switch word {
            case .begun: begun.insert(pair)
            case .kept: kept.insert(pair)
            case .ending: ending.insert(pair)
            case .ended: ended.insert(pair)
            }
        }
    }

    /// A cut for each commit from the first promise on.
    func run() throws {
        let log = try CutLog(record)
        var disk = CutDisk()
        var promises = Promises()
        var from: Int?
        var next = 0
        for end in log.entries.indices {
            let entry = log.entries[end]
            if entry.kind == .mark, from == nil { from = end }
            // A commit is over when its meta page is.
            guard entry.kind == .synchronousEnd, let begin = from else { continue }
            let at = begin + Int(choice.next(UInt64(end - begin + 1)))
            while next <= at {
                disk.take(next, of: log)
                let entry = log.entries[next]
                if entry.kind == .mark { promises.take(log.text(entry)) }
                next += 1
            }
            try cut(disk, log, promises, at)
            from = end + 1
        }
        guard cuts > 0, !promises.kept.isEmpty, !promises.ended.isEmpty else {
            throw FlipTrial.Trouble(sentence: "the record holds no promises: \(log.entries.count) entries")
        }
    }

    private func cut(_ disk: CutDisk, _ log: borrowing CutLog, _ promises: Promises, _ at: Int) throws {
        let image = disk.afterCut(log, &choice)
        try FileManager.default.removeItem(atPath: copy)
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        guard CutDisk.write(image, to: copy + "/data.mdb") else { trap("the copy cannot be written") }
        let result = FlipTrial.child(["--look", copy])
        cuts += 1
        figures.kept += promises.kept.subtracting(promises.ended).count
        figures.ended += promises.ended.count
        figures.dropped += disk.pendingCount
        let wrong = Self.judge(result, promises)
        for sentence in wrong.prefix(3) { findings.append("cut at record \(at): \(sentence)") }
        if wrong.count > 3 { findings.append("cut at record \(at): and \(wrong.count - 3) more") }
    }

    /// What breaks a promise, in sentences.
    static func judge(_ result: FlipTrial.Ended, _ promises: Promises) -> [String] {
        guard result.code == 0, !result.isSignalled else {
            let said = result.lines.last { $0.hasPrefix("stop ") } ?? ""
            return ["the store does not open: code \(result.code) \(said)"]
        }
        var wrong: [String] = []
        var states: [String: String] = [:]
        var given: [String: Int] = [:]
        for line in result.lines {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "sent", "inbox": given[words[1], default: 0] += 1
            case "state":
                let parts = words[1].split(separator: " ").map(String.init)
                if parts.count == 3 { states[parts[0] + " " + parts[1]] = parts[2] }
            case "wrong": wrong.append("\(words[1]) has other bytes than were handed in")
            case "named": wrong.append("\(words[1]) cannot be read")
            default: wrong.append(line)
            }
        }
        for (pair, count) in given where count > 1 { wrong.append("\(pair) is given \(count) times") }
        let own = given.keys.filter { !FlipStore.lateDocuments.contains($0) }
        for pair in own where !promises.begun.contains(pair) { wrong.append("\(pair) was never handed in") }
        for pair in promises.kept.sorted() {
            let isGiven = given[pair] != nil
            switch states[pair] {
            case nil: wrong.append("\(pair) was promised, and is not there")
            case "forwarded"?, "delivered"?:
                if !promises.ending.contains(pair) { wrong.append("\(pair) has ended, and nobody has taken it") }
                if isGiven { wrong.append("\(pair) has ended, and is given again") }
            case let state?:
                if promises.ended.contains(pair) { wrong.append("\(pair) had ended, and is \(state)") }
                if !isGiven { wrong.append("\(pair) is \(state), and nobody gets it") }
            }
        }
        return wrong.sorted()
    }

    var sentence: String {
        "\(cuts) cuts; on the average \(figures.kept / max(cuts, 1)) pairs in custody and \(figures.ended / max(cuts, 1)) ended, "
            + "\(figures.dropped / max(cuts, 1)) writes and changes of length under way; \(findings.count) promises broken"
    }
}
