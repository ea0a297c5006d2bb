// NodeSubmission: one document handed in over the control socket: its bytes in order, with back-pressure, and one answer after the
// commit. The bulk connection does the same without a task (BulkSubmission).

import NIOConcurrencyHelpers
import NIOCore
import RelayControl
import RelayCore
import RelayEngine
import RelayModel

/// Why a submission came to nothing though nobody refused it.
struct SubmissionLost: Error, CustomStringConvertible {
    var why: String
    var what = "the submission"
    var description: String { "\(what) was lost: \(why); nothing of it is in the store" }
}

/// Waits for the answers to one submission. The engine answers a refusal at once, an acceptance at the end.
final class NodeSubmission: SubmissionStream, SubmissionWaiter {
    private enum State {
        case open
        case answered(Result<SubmissionAnswer, SubmissionLost>)
        case waiting(CheckedContinuation<SubmissionAnswer, any Error>)
    }
    private let state = NIOLockedValueBox(State.open)
    private let ticket: Ticket
    private let engine: EngineThread
    private let desk: SubmissionDesk

    init(ticket: Ticket, engine: EngineThread, desk: SubmissionDesk) {
        self.ticket = ticket
        self.engine = engine
        self.desk = desk
    }

    /// Announces the document; its refusal comes by `answer`.
    func begin(_ submission: Submission) {
        desk.expect(ticket, self) { engine.post(.submitted(submission)) }
    }

    func push(_ bytes: ByteBuffer) async throws {
        guard bytes.readableBytes > 0 else { return }
        while engine.gauge.isHigh {
            try await Task.sleep(for: .milliseconds(2))
        }
        engine.post(.submissionBytes(ticket, bytes))
    }

    func finish(digest: Digest) async throws -> SubmissionAnswer {
        engine.post(.submissionCompleted(ticket, digest: digest))
        return try await answer()
    }

    /// The engine's answer, when it comes.
    func answer() async throws -> SubmissionAnswer {
        try await withCheckedThrowingContinuation { continuation in
            let ready: Result<SubmissionAnswer, SubmissionLost>? = state.withLockedValue { state in
                if case .answered(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let ready { continuation.resume(with: ready) }
        }
    }

    func abandon() async {
        desk.forget(ticket)
        engine.post(.submissionAbandoned(ticket))
    }

    func answered(_ answers: [(Ticket, SubmissionAnswer)]) {
        for (_, answer) in answers { settle(.success(answer)) }
    }

    func lost(_ tickets: [Ticket], why: String) { settle(.failure(SubmissionLost(why: why))) }

    private func settle(_ result: Result<SubmissionAnswer, SubmissionLost>) {
        let waiting: CheckedContinuation<SubmissionAnswer, any Error>? = state.withLockedValue { state in
            switch state {
            case .waiting(let continuation):
                state = .answered(result)
                return continuation
            case .open:
                state = .answered(result)
                return nil
            case .answered: return nil
            }
        }
        waiting?.resume(with: result.mapError { $0 as any Error })
    }
}
