// CutWork: the children of the power-cut test. One works on a store under the interposer: documents come, go on, are taken and wait, and
// beside each commit a mark in the record says what was promised by it. The other opens what a cut has left, says in which state it finds
// each pair, and lets everybody take all that there is.

import Glibc
import RelayCore
import RelayModel
import Trap

/// Writes down what the world outside was told, and what it has told: lines `word pair`.
final class CutMarks {
    enum Word: String {
        /// It was handed in, and may be there.
        case begun
        /// Custody was promised: it must be there.
        case kept
        /// Its end was reported: it may have ended.
        case ending
        /// The batch behind that is durable: it has ended.
        case ended
    }
    private let descriptor: Int32
    private var pairs: [Ticket: [String]] = [:]
    private var ending: [String] = []

    init(_ path: String) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        if descriptor < 0 { trap("the record cannot be opened") }
    }

    deinit { close(descriptor) }

    private func note(_ word: Word, _ pair: String) {
        if !CutLog.mark("\(word.rawValue) \(pair)", in: descriptor) { trap("the record cannot be written") }
    }

    func begins(_ ticket: Ticket, _ document: String, _ recipients: [String]) {
        pairs[ticket] = recipients.map { "\(document) \($0)" }
        for pair in pairs[ticket] ?? [] { note(.begun, pair) }
    }

    func kept(_ ticket: Ticket) { for pair in pairs.removeValue(forKey: ticket) ?? [] { note(.kept, pair) } }

    func ends(_ pair: String) {
        note(.ending, pair)
        ending.append(pair)
    }

    /// All that was told by now is durable.
    func settle() {
        for pair in ending { note(.ended, pair) }
        ending = []
    }
}

enum CutWork {
    /// Of the node's clock; the child that looks begins later.
    static let lookedAtAfter: UInt64 = 86_400_000

    /// About as many commits, on a new store.
    static func make(_ directory: String, record: String, commits: Int, seed: UInt64) throws -> [String] {
        let marks = CutMarks(record)
        let world = try FlipWorld(directory: directory, later: 0, marks: marks)
        var choice = FlipChoice(seed: seed)
        var document: UInt64 = 10_000
        var connected: Set<Int> = []
        while world.commits < commits {
            document += 1
            switch choice.next(12) {
            case 0...3:
                let recipients = [["A1"], ["B1"], ["T2"], ["A1", "B1"], ["A1", "A2", "B1", "T2"]][Int(choice.next(5))]
                let length = choice.next(8) == 0 ? 20_000 + choice.next(200_000) : 100 + choice.next(9_000)
                let urgency = [.normal, .urgent, .flash][Int(choice.next(3))] as Urgency
                try world.submit(document, to: recipients, length: length, urgency: urgency)
            case 4...6:
                guard connected.contains(0) else { continue }
                let recipients = [["T2"], ["B1"], ["B1", "T2"]][Int(choice.next(3))]
                try world.offer(
                    document, counter: document, to: recipients, length: 100 + choice.next(6_000))
            case 7: try world.takeSome(Int(choice.next(4)))
            case 8, 9:
                // Seldom connected, so that much waits.
                let peer = Int(choice.next(2))
                if connected.remove(peer) != nil {
                    try world.lose(FlipWorld.peers[peer])
                } else if choice.next(3) == 0 {
                    try world.connect(FlipWorld.peers[peer])
                    connected.insert(peer)
                }
            case 10: world.answers = choice.next(4) != 0
            default: try world.advance(choice.next(60_000))
            }
        }
        return []
    }

    static func look(_ directory: String) throws -> [String] {
        let world = try FlipWorld(directory: directory, later: lookedAtAfter)
        let states = try world.states()
        return try states.map { "state \($0)" } + FlipStore.takeAll(world)
    }
}
