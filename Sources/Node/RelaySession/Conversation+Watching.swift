// Conversation, what it knows of its link: the rate, by which segments are cut and the engine chooses; and silence, measured in
// the link's own time, after which what was not begun is given back and others may be asked.

import RelayCore
import RelayModel
import TCPCL

extension Conversation {
    /// Figures for the engine no more often than this.
    static var measureTime: Milliseconds { Milliseconds(500) }
    /// So many times its patience a session is kept that acknowledges nothing: a minute, on a link that is not slow.
    static var silenceEndsTimes: UInt64 { 12 }
    /// What the peer sends is a sign of life for so long; then it owes its acknowledgements.
    static var excuseMax: Milliseconds { .seconds(60) }

    /// How the link was measured; for the shell's buffers.
    public var linkRate: (bytesPerSecond: UInt64, quickest: Milliseconds?)? {
        guard meter.isProven, let rate = meter.bytesPerSecond else { return nil }
        return (rate, meter.quickest)
    }

    var isAwaitingAnswers: Bool { machine.unacknowledgedBytes > 0 && !machine.isOver }

    private var patience: Milliseconds {
        meter.patience(
            least: settings.silenceMin, segment: min(UInt64(machine.segmentBytes), machine.unacknowledgedBytes))
    }

    /// When silence is to be judged next; nil while nothing is owed or nothing could be heard.
    var silenceDeadline: RelayTime? {
        guard settings.silenceMin > .zero, isAwaitingAnswers, isReading, case .established = phase else { return nil }
        return isSilent ? silenceEnds : meter.quietSince + patience
    }

    private var silenceEnds: RelayTime {
        meter.quietSince + Milliseconds(patience.count.saturatingTimes(Self.silenceEndsTimes))
    }

    /// Octets of a transfer are going out: called before and after they are written.
    mutating func noteSent(before: UInt64, now: RelayTime) {
        guard machine.unacknowledgedBytes > before else { return }
        lastUnacknowledged += machine.unacknowledgedBytes - before
        meter.sent(before: before, now: now)
    }

    /// The peer has acknowledged or refused something. What it has refused says nothing of the rate.
    mutating func noteAnswer(isRefusal: Bool = false, now: RelayTime, _ output: inout ConversationOutput) {
        let left = machine.unacknowledgedBytes
        if isRefusal { lastUnacknowledged = min(lastUnacknowledged, left) }
        meter.acknowledged(lastUnacknowledged > left ? lastUnacknowledged - left : 0, left: left, now: now)
        lastUnacknowledged = left
        if isSilent {
            isSilent = false
            output.event(.sessionAcknowledgesAgain(session: session))
        }
        let bytes = meter.segmentBytes(max: machine.segmentBytesMax)
        if bytes != machine.segmentBytes { machine.segmentBytes = bytes }
        measure(now, &output)
    }

    /// Octets of a bundle have come: the acknowledgements stand behind them.
    mutating func noteData(now: RelayTime) {
        guard isAwaitingAnswers, now.since(silentSince) < Self.excuseMax else { return }
        meter.excused(now: now)
    }

    /// Tells the engine how fast the link is and how much of what is under way has been acknowledged, now and then.
    private mutating func measure(_ now: RelayTime, _ output: inout ConversationOutput) {
        guard let rate = meter.bytesPerSecond, case .established = phase, machine.isOpen,
            measured == nil || now.since(measuredAt) >= Self.measureTime
        else { return }
        let acknowledged = machine.acknowledgedBytes
        let isNews = measured.map { $0.rate / 8 * 9 < rate || rate < $0.rate / 8 * 7 } ?? true
        guard isNews || acknowledged != measured?.acknowledged else { return }
        measured = (rate, acknowledged)
        measuredAt = now
        output.event(.sessionMeasured(session: session, bytesPerSecond: rate, acknowledged: acknowledged))
    }

    /// Judges the silence of the peer.
    mutating func judgeSilence(_ now: RelayTime, _ output: inout ConversationOutput) {
        guard let deadline = silenceDeadline, deadline <= now else { return }
        if isSilent {
            return end(why: silenceSentence, timeout: .zero, now: now, &output)
        }
        isSilent = true
        output.event(.sessionSilent(session: session))
        while let dispatch = queue.popFirst() { answer(dispatch.ticket, .returned, &output) }
    }

    /// The likely cause, of what is known: what came meanwhile, and how much was sent.
    var silenceSentence: String {
        guard machine.unacknowledgedBytes >= Self.smallPacket else {
            return "Nothing was acknowledged: the peer's relay may hang."
        }
        return machine.lastReceived > meter.quietSince.milliseconds
            ? "Nothing was acknowledged, though the peer is heard: large packets may be lost on the way (MTU)."
            : "Nothing was acknowledged and nothing is heard: the way or the peer hangs."
    }

    /// What no path loses for its size.
    private static var smallPacket: UInt64 { 1_200 }
}
