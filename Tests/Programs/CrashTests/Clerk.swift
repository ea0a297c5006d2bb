// Clerk: takes documents from one agency's inbox by edocctl, on a thread of its own, while nodes are killed: looks, compares what came
// with what was handed in, and acknowledges. It keeps a book of what it was told: an acknowledgement that was answered holds, one that
// was not may hold or not. What breaks a promise is kept as a sentence for the test. All under one lock.

import ControlAPI
import Foundation
import OpenSSLTLS
import RelayModel
import Synchronization
import TestNetwork

final class Clerk: Sendable {
    struct Books {
        /// Document IDs of the envelopes that were ever listed.
        var seen: [String: String] = [:]
        /// Acknowledged, and told so.
        var confirmed: Set<String> = []
        /// Acknowledged, and no answer came; nor one when it was said again, if it was still there.
        var unanswered: Set<String> = []
        /// Acknowledgements that got no answer.
        var interruptions = 0
        /// Those of more than one piece that were fetched and compared whole.
        var compared: Set<String> = []
        /// Sentences about promises that were broken.
        var faults: [String] = []
    }
    private struct State {
        var books = Books()
        var isStopping = false
        var isOver = false
        var isAcknowledging = false
    }
    let node: String
    let agency: String
    private let folder: String
    private let load: Load
    private let state = Mutex(State())

    init(node: String, agency: String, folder: String, load: Load) {
        self.node = node
        self.agency = agency
        self.folder = folder
        self.load = load
    }

    var books: Books { state.withLock { $0.books } }

    /// True while an acknowledgement is under way: a good moment for its node to die.
    var isAcknowledging: Bool { state.withLock { $0.isAcknowledging } }

    func start() {
        Thread.detachNewThread { [self] in
            while !state.withLock({ $0.isStopping }) {
                work()
                usleep(30_000)
            }
            state.withLock { $0.isOver = true }
        }
    }

    /// Lets it finish what it does; what it holds by then.
    func stop() throws -> Books {
        state.withLock { $0.isStopping = true }
        guard try eventually(within: 120, { state.withLock { $0.isOver } }) else {
            throw TestFailure("the clerk of \(agency) does not come to an end")
        }
        return books
    }

    /// One of some is left in the inbox, to be found there at the end; those in pieces are all looked at.
    private func takes(_ document: InboxAnswer.Document) -> Bool {
        document.number % 16 != 0 || document.bytes > PieceRange.grid
    }

    private func work() {
        guard let answer: InboxAnswer = ask(["list", agency, "--limit", "1000"]) else { return }
        note(answer.documents)
        var wanted: [String] = []
        for document in answer.documents.filter(takes).prefix(30) where isRight(document) {
            wanted.append(document.envelope)
        }
        guard !wanted.isEmpty else { return }
        state.withLock { $0.isAcknowledging = true }
        let taken: AcknowledgeAnswer? = ask(["ack", agency] + wanted)
        state.withLock { state in
            state.isAcknowledging = false
            guard let taken else {
                state.books.unanswered.formUnion(wanted)
                state.books.interruptions += 1
                return
            }
            // All were there a moment ago, and nobody else takes them.
            if taken.taken != wanted.count || taken.alreadyTaken != 0 {
                state.books.faults.append(
                    "\(agency): of \(wanted) \(taken.taken) were taken, \(taken.alreadyTaken) before")
            }
            state.books.confirmed.formUnion(wanted)
            state.books.unanswered.subtract(wanted)
        }
    }

    private func note(_ documents: [InboxAnswer.Document]) {
        state.withLock { state in
            var listed: Set<String> = []
            for document in documents {
                if !listed.insert(document.envelope).inserted {
                    state.books.faults.append("\(agency): \(document.envelope) is listed twice")
                }
                if state.books.confirmed.contains(document.envelope) {
                    state.books.faults.append("\(agency): \(document.envelope) comes again after it was acknowledged")
                }
                state.books.seen[document.envelope] = document.documentID ?? ""
            }
        }
    }

    /// What came is what was handed in: by its digest, and those in pieces octet by octet. False: it could not be looked at now.
    private func isRight(_ document: InboxAnswer.Document) -> Bool {
        guard let name = document.documentID, let payload = load.payload(of: name) else {
            state.withLock { $0.books.faults.append("\(agency): \(document.envelope) was never handed in") }
            return false
        }
        let digest = payload.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
        if document.digest != digest.hex || document.bytes != UInt64(payload.count) {
            state.withLock { $0.books.faults.append("\(agency): \(name) came with other content") }
        }
        guard document.bytes > PieceRange.grid, !books.compared.contains(document.envelope) else { return true }
        let file = "\(folder)/\(agency).fetched"
        defer { unlink(file) }
        guard run(["fetch", agency, document.envelope, "-o", file, "--force"]) != nil,
            let bytes = try? Data(contentsOf: URL(fileURLWithPath: file))
        else { return false }
        state.withLock { state in
            if bytes != Data(payload) { state.books.faults.append("\(agency): \(name) was fetched with other octets") }
            state.books.compared.insert(document.envelope)
        }
        return true
    }

    private func ask<Answer: ControlAnswer>(_ arguments: [String]) -> Answer? {
        run(arguments + ["--json"]).flatMap { try? ControlJSON.answer(Answer.self, from: $0) }
    }

    /// `edocctl inbox`; what it says, nil when it fails, as it does while its node is down.
    private func run(_ arguments: [String]) -> [UInt8]? {
        let (output, errors) = ("\(folder)/\(agency).out", "\(folder)/\(agency).err")
        defer {
            unlink(output)
            unlink(errors)
        }
        guard
            let program = try? Program(
                Places.edocctl, ["inbox"] + arguments + ["--socket", "\(folder)/\(node)/control.sock"], output: output,
                errors: errors),
            program.wait() == .exited(0)
        else { return nil }
        return (try? Data(contentsOf: URL(fileURLWithPath: output))).map { [UInt8]($0) }
    }
}
