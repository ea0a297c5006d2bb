// ReceiveSide: the transfers that the peer sends on one session, and our answers in their order (RFC 9174, 5.2).
// Owned by SessionMachine, on its thread. Owns the answers that wait behind an undecided transfer. What a peer does wrong
// refuses a transfer, or is a `ProtocolViolation`, of which the offending message leaves no trace.

import NIOCore
import Trap

struct ReceiveSide {
    private struct OpenTransfer {
        let id: TransferID
        let announced: UInt64?
        var received: UInt64 = 0
        var isRefused = false
    }

    private struct CurrentSegment {
        let header: SegmentHeader
        let isTaken: Bool
    }

    private struct Answer {
        enum Verdict {
            case acknowledge
            case undecided
            case refuse(TransferRefusalReason)
        }

        let id: TransferID
        let flags: SegmentFlags
        let length: UInt64
        var verdict: Verdict
    }

    private let transferMRU: UInt64
    private var open: OpenTransfer?
    private var segment: CurrentSegment?

    /// Answers in the order of arrival; the first is undecided, or there is none.
    private var answers = CircularBuffer<Answer>()
    /// How many answers ever left the front: the position of the first one.
    private var answeredCount = 0
    /// The transfers whose last answer waits, and the position of that answer.
    private var positions: [TransferID: Int] = [:]
    /// The refusal that was written last; only a transfer that is still being sent asks for it again.
    private var lastRefusal: (id: TransferID, reason: TransferRefusalReason)?

    init(transferMRU: UInt64) {
        self.transferMRU = transferMRU
    }

    /// Transfers that ended, or were refused, and whose answer has not left.
    var unansweredCount: Int { positions.count }
    var waitingAnswers: Int { answers.count }
    /// A transfer is arriving that nobody has refused.
    var isReceiving: Bool { open.map { !$0.isRefused } ?? false }
    var isSettled: Bool { !isReceiving && answers.isEmpty }

    // MARK: - Segments

    /// The header of a segment came; its data, if it has any, follows through `data`, then `segmentEnded`.
    mutating func segmentBegan(
        _ header: SegmentHeader, isEnding: Bool, _ effects: inout SessionEffects
    ) -> ProtocolViolation? {
        let violation: ProtocolViolation?
        if header.flags.contains(.start) {
            violation = startBegan(header, isEnding: isEnding, &effects)
        } else {
            violation = continuationBegan(header, &effects)
        }
        let isOurs = violation == nil && open?.id == header.id
        segment = CurrentSegment(header: header, isTaken: isOurs)
        return violation
    }

    /// Data of the current segment came.
    func data(_ buffer: ByteBuffer, _ effects: inout SessionEffects) {
        guard let segment, segment.isTaken, let open, !open.isRefused else { return }
        effects.events.append(.transferBytes(open.id, buffer))
    }

    /// The current segment is here whole.
    mutating func segmentEnded(_ effects: inout SessionEffects) {
        guard let segment, segment.isTaken, var transfer = open else {
            self.segment = nil
            return
        }
        self.segment = nil
        let isEnd = segment.header.flags.contains(.end)
        if !transfer.isRefused {
            transfer.received += segment.header.dataLength
            answer(transfer, segment.header.flags, &effects)
        }
        open = isEnd ? nil : transfer
    }

    private mutating func answer(
        _ transfer: OpenTransfer, _ flags: SegmentFlags, _ effects: inout SessionEffects
    ) {
        // RFC 9174, 5.2.3: each segment is acknowledged, its flags echoed with all their bits, the length cumulative.
        if flags.contains(.end) {
            positions[transfer.id] = answeredCount + answers.count
            answers.append(Answer(id: transfer.id, flags: flags, length: transfer.received, verdict: .undecided))
            effects.events.append(.transferEnded(transfer.id))
        } else if answers.isEmpty {
            effects.output.append(.acknowledgement(flags: flags, id: transfer.id, length: transfer.received))
        } else {
            answers.append(Answer(id: transfer.id, flags: flags, length: transfer.received, verdict: .acknowledge))
        }
    }

    private mutating func startBegan(
        _ header: SegmentHeader, isEnding: Bool, _ effects: inout SessionEffects
    ) -> ProtocolViolation? {
        if header.id == open?.id || positions[header.id] != nil {
            return .transferIDReused(header.id)
        }
        // RFC 9174, 5.2.2: a transfer is sent to its END before the next; 5.2.4: except when it was refused.
        guard !isReceiving else { return .startInsideTransfer(header.id) }
        var announced: UInt64?
        if case .understood(let length) = header.extensions {
            announced = length
        }
        open = OpenTransfer(id: header.id, announced: announced)
        if let reason = reasonToRefuse(start: header, isEnding: isEnding) {
            refuseOpen(reason, &effects)
        } else {
            effects.events.append(.transferBegan(header.id, totalLength: announced))
        }
        return nil
    }

    private func reasonToRefuse(start header: SegmentHeader, isEnding: Bool) -> TransferRefusalReason? {
        // RFC 9174, 6.1: no new incoming transfer in the Ending state.
        if isEnding {
            return .sessionTerminating
        }
        guard case .understood(let announced) = header.extensions else { return .extensionFailure }
        if let announced, announced > transferMRU {
            return .noResources
        }
        return abort(after: header, received: 0, announced: announced)?.reason
    }

    private mutating func continuationBegan(
        _ header: SegmentHeader, _ effects: inout SessionEffects
    ) -> ProtocolViolation? {
        guard let transfer = open, transfer.id == header.id else { return .segmentWithoutStart(header.id) }
        if transfer.isRefused {
            // RFC 9174, 5.2.4: segments that come after the refusal are refused, too.
            if let last = lastRefusal, last.id == transfer.id, positions[transfer.id] == nil {
                effects.output.append(.refusal(reason: last.reason, id: last.id))
            }
        } else if let (cause, reason) = abort(
            after: header, received: transfer.received, announced: transfer.announced)
        {
            refuseOpen(reason, &effects)
            effects.events.append(.transferAborted(transfer.id, cause))
        }
        return nil
    }

    /// Whether the transfer would break a limit with this segment; judged before any of its data is taken.
    private func abort(
        after header: SegmentHeader, received: UInt64, announced: UInt64?
    ) -> (cause: TransferAbort, reason: TransferRefusalReason)? {
        let (total, overflow) = received.addingReportingOverflow(header.dataLength)
        guard !overflow, total <= transferMRU else { return (.tooLarge, .noResources) }
        // RFC 9174, 5.2.5.1: a total other than the Transfer Length makes the data invalid: Not Acceptable.
        if let announced, header.flags.contains(.end) ? total != announced : total > announced {
            return (.lengthMismatch, .notAcceptable)
        }
        return nil
    }

    // MARK: - Decisions

    /// The shell has taken a transfer that ended. False when there is none of this ID to decide.
    mutating func acknowledgeEnd(_ id: TransferID, _ effects: inout SessionEffects) -> Bool {
        demand(
            open?.id != id || open?.isRefused == true, "Only a transfer that has ended can be acknowledged.")
        return decide(id, .acknowledge, &effects)
    }

    /// The shell does not take a transfer, before or after its end. False when there is none of this ID to decide.
    mutating func refuse(
        _ id: TransferID, _ reason: TransferRefusalReason, _ effects: inout SessionEffects
    ) -> Bool {
        if let transfer = open, transfer.id == id, !transfer.isRefused {
            refuseOpen(reason, &effects)
            return true
        }
        return decide(id, .refuse(reason), &effects)
    }

    private mutating func decide(
        _ id: TransferID, _ verdict: Answer.Verdict, _ effects: inout SessionEffects
    ) -> Bool {
        guard let position = positions[id] else { return false }
        let index = answers.index(answers.startIndex, offsetBy: position - answeredCount)
        guard case .undecided = answers[index].verdict else { return false }
        answers[index].verdict = verdict
        writeDecided(&effects)
        return true
    }

    private mutating func refuseOpen(_ reason: TransferRefusalReason, _ effects: inout SessionEffects) {
        guard let id = open?.id else { return }
        open?.isRefused = true
        // RFC 9174, 5.2.4: before a refusal all earlier transfers are acknowledged or refused, so it takes its place.
        positions[id] = answeredCount + answers.count
        answers.append(Answer(id: id, flags: [], length: 0, verdict: .refuse(reason)))
        writeDecided(&effects)
    }

    private mutating func writeDecided(_ effects: inout SessionEffects) {
        while let answer = answers.first {
            switch answer.verdict {
            case .undecided:
                return
            case .acknowledge:
                effects.output.append(.acknowledgement(flags: answer.flags, id: answer.id, length: answer.length))
            case .refuse(let reason):
                effects.output.append(.refusal(reason: reason, id: answer.id))
                lastRefusal = (answer.id, reason)
            }
            if positions[answer.id] == answeredCount {
                positions[answer.id] = nil
            }
            answers.removeFirst()
            answeredCount += 1
        }
    }

    /// The session is over: what is half here is aborted, and nobody owes an answer any more.
    mutating func sessionEnded(_ effects: inout SessionEffects) {
        if let transfer = open, !transfer.isRefused {
            effects.events.append(.transferAborted(transfer.id, .sessionEnded))
        }
        open = nil
        segment = nil
        positions = [:]
        answers.removeAll()
        answeredCount = 0
    }
}
