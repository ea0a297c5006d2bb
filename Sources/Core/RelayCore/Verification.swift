// Verification: the whole store looked through while everything goes on: indexes against the envelopes' rows and back, the books, and the
// payloads with their digests, at a bounded rate. It is a reckoning (Reckoning.swift) that reads payloads as well. An operator asks
// for it, or the schedule does; how the last one ended is kept.

import RelayModel
import RelayRows

/// How the verification stands, for operators.
public struct VerificationView: Sendable {
    public var isRunning: Bool
    /// What is looked at now.
    public var step: String
    /// Of the one that runs, as far as it is; else of the last one.
    public var result: ReckoningResult
    /// The last one that has ended.
    public var last: ReckoningResult?
}

extension RelayCore {
    public var verification: VerificationView {
        VerificationView(
            isRunning: reckoning != nil, step: reckoning?.step.word ?? "",
            result: reckoning?.result ?? reckoned ?? ReckoningResult(), last: reckoned)
    }

    mutating func beginVerifying(
        _ bytesPerSecond: UInt64, _ reason: String, _ caller: Operator, _ turn: inout Turn
    ) -> OperationAnswer {
        guard verify(why: "asked by \(caller.login)", bytesPerSecond: bytesPerSecond, &turn) else {
            return .refused("the store is being verified already")
        }
        noteDeed(Deed(caller, "verify", "node \(node.name)", reason: reason), &turn)
        return .verifying
    }

    /// False: it is being done already.
    private mutating func verify(why: String, bytesPerSecond: UInt64, _ turn: inout Turn) -> Bool {
        guard reckoning == nil else { return false }
        reckon(why, turn.rows)
        reckoning?.bytesPerSecond = max(bytesPerSecond, 1)
        turn.rows.setNumber(.meta, Reckoning.mark, Reckoning.verificationMark)
        return true
    }

    /// Once a minute: is it time again?
    mutating func verifyBySchedule(_ turn: inout Turn) {
        let span = limits.verifyEvery
        guard span != .zero, reckoning == nil, turn.now.relay >= started + .hours(1) else { return }
        if let last = reckoned, last.ended.milliseconds + span.count > turn.now.wall.milliseconds { return }
        _ = verify(why: "the schedule", bytesPerSecond: limits.verifyRate, &turn)
    }
}

extension Reckoning.Step {
    fileprivate var word: String {
        switch self {
        case .strays: "indexes"
        case .envelopes: "envelopes"
        case .labels: "labels"
        case .payloads: "payloads"
        case .books, .history: "books"
        }
    }
}
