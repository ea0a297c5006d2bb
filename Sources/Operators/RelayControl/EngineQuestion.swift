// EngineQuestion: a question to the engine that somebody does not wait for ever to be answered: a monitor must be told that the engine
// does not answer, not hang with it. The late answer is dropped.

import RelayCore
import RelayRows
import Synchronization

extension NodeAccess {
    /// The engine's answer, or nil when none comes in time.
    func ask<Answer: Sendable>(
        within patience: Duration,
        _ question: @escaping @Sendable (borrowing RelayCore, any RowReader) -> Answer
    ) async -> Answer? {
        await first(within: patience) { try await ask(question) }
    }

    /// What `body` answers, or nil when it fails or takes longer. It goes on all the same, and nobody waits for it.
    func first<Answer: Sendable>(
        within patience: Duration, _ body: @escaping @Sendable () async throws -> Answer
    ) async -> Answer? {
        await withCheckedContinuation { continuation in
            let once = Once(continuation)
            let timer = Task {
                try? await Task.sleep(for: patience)
                once.resume(nil)
            }
            Task {
                let answer = try? await body()
                once.resume(answer)
                timer.cancel()
            }
        }
    }
}

/// A continuation that is resumed by the first who comes.
private final class Once<Answer: Sendable>: Sendable {
    private let waiting: Mutex<CheckedContinuation<Answer?, Never>?>

    init(_ continuation: CheckedContinuation<Answer?, Never>) { waiting = Mutex(continuation) }

    func resume(_ answer: Answer?) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: answer)
    }
}
