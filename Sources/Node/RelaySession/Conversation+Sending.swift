// Conversation, what goes to the peer: dispatches in the order in which they were handed over, one transfer at a time, as much
// as there is room for. Payload is read when its turn comes and never kept.

import BundleProtocol
import NIOCore
import RelayCore
import RelayModel
import TCPCL

extension Conversation {
    /// A portion is no smaller than this for want of room, or large documents would go out in crumbs.
    static var portionBytesMin: Int { 64 * 1_024 }
    /// What the engine may hand over before the link is measured.
    static var firstWindowBytes: UInt64 { 1 << 20 }

    /// Queues a dispatch. On a session that is ending it is answered at once; when the session is over, its end says enough.
    mutating func send(_ dispatch: Dispatch, _ output: inout ConversationOutput) {
        guard !machine.isOver else { return }
        guard machine.isOpen else { return answer(dispatch.ticket, .refused(.sessionTerminating), &output) }
        // The engine may have chosen it before it heard.
        guard !isSilent else { return answer(dispatch.ticket, .returned, &output) }
        queue.append(dispatch)
    }

    /// Gives a dispatch back, or says that it cannot: it is begun, or has been answered, which the engine is about to hear.
    mutating func recall(_ dispatch: Ticket, _ output: inout ConversationOutput) {
        guard !machine.isOver else { return }
        if queue.remove(dispatch) {
            answer(dispatch, .returned, &output)
        } else {
            output.event(.transferBegun(session: session, dispatch: dispatch))
        }
    }

    /// Writes about `budget` octets of what waits. `read` gives the bytes of a range of an extent, nil when they are not there.
    public mutating func pump(
        now: RelayTime, budget: Int, _ output: inout ConversationOutput, read: (ExtentRange) -> ByteBuffer?
    ) {
        var room = budget
        while room > 0 {
            if var bundle = outgoing.take() {
                inHand(bundle.number)
                guard let portion = bundle.nextPortion(payloadBytesMax: portionBytes(room, of: bundle), read: read)
                else {
                    breakOff(bundle, now, &output)
                    break
                }
                write(portion, of: bundle, &room, now, &output)
            } else {
                guard machine.canBeginTransfer, let dispatch = queue.popFirst() else {
                    meter.starved()
                    break
                }
                inHand(dispatch.number)
                begin(dispatch, &room, now, &output, read: read)
            }
        }
        inHand(0)
        settle(now, &output)
    }

    /// A little more at the end, rather than a rest of a few octets in a portion of its own.
    private func portionBytes(_ room: Int, of bundle: OutgoingBundle) -> Int {
        let portion = min(settings.portionBytesMax, max(room, Self.portionBytesMin))
        let rest = Int(clamping: bundle.remaining)
        return rest > portion && rest - portion <= portion / 4 ? rest : portion
    }

    /// Begins a transfer with its first octets. What cannot be sent is found out before anything of it goes out.
    private mutating func begin(
        _ dispatch: Dispatch, _ room: inout Int, _ now: RelayTime, _ output: inout ConversationOutput,
        read: (ExtentRange) -> ByteBuffer?
    ) {
        let maker = DispatchHeader(node: settings.session.nodeID, hopLimit: settings.hopLimit)
        let header: HeaderOctets
        do throws(BundleError) {
            header = try maker.header(of: dispatch, now: now)
        } catch {
            counts.unreadable += 1
            let text = "no header for the next hop: \(error)"
            output.notices.append(Notice(.alarm, text, peer: peer, envelope: dispatch.bundle, kind: .headerUnmakeable))
            return answer(dispatch.ticket, .refused(.notAcceptable), &output)
        }
        var bundle = OutgoingBundle(dispatch, header)
        // RFC 9174, 4.6: no transfer is longer than the peer's transfer MRU.
        guard bundle.totalLength <= peerTransferMRU else {
            return answer(dispatch.ticket, .tooLarge, &output)
        }
        guard let portion = bundle.nextPortion(payloadBytesMax: portionBytes(room, of: bundle), read: read) else {
            counts.unreadable += 1
            output.notices.append(
                Notice(
                    .alarm, "its payload cannot be read from the store", peer: peer, envelope: dispatch.bundle,
                    kind: .payloadUnreadable))
            return answer(dispatch.ticket, isStoreFailing ? .refused(.retransmit) : .unreadable, &output)
        }
        do throws(TransferBeginError) {
            let id = try machine.beginTransfer(totalLength: bundle.totalLength)
            bundle.transfer = id
            dispatches[id] = dispatch.ticket
            counts.sent += 1
            if output.isWatched, let header = try? header.read() { output.note(isSent: true, id, header) }
            write(portion, of: bundle, &room, now, &output)
        } catch {
            answer(dispatch.ticket, .refused(.sessionTerminating), &output)
        }
    }

    /// Hands a portion to the machine. The transfer goes on in the next turn unless this was its end or the peer answered it.
    private mutating func write(
        _ portion: OutgoingBundle.Portion, of bundle: OutgoingBundle, _ room: inout Int, _ now: RelayTime,
        _ output: inout ConversationOutput
    ) {
        guard let id = bundle.transfer else { return }
        let before = machine.unacknowledgedBytes
        let isTaken = machine.sendBytes(
            id, portion.pieces, isEnd: portion.isEnd, now: now.milliseconds, &output.effects)
        noteSent(before: before, now: now)
        room -= portion.bytes
        outgoing = isTaken && !portion.isEnd ? bundle : nil
    }

    /// The payload ends in the middle of its transfer: TCPCL has no way to take a transfer back but to end the session.
    private mutating func breakOff(
        _ bundle: OutgoingBundle, _ now: RelayTime, _ output: inout ConversationOutput
    ) {
        counts.unreadable += 1
        output.notices.append(
            Notice(
                .alarm, "the payload of an envelope cannot be read from the store", peer: peer, kind: .payloadUnreadable
            ))
        if let id = bundle.transfer { dispatches[id] = nil }
        answer(bundle.dispatch, isStoreFailing ? .refused(.retransmit) : .unreadable, &output)
        isBroken = true
        end(
            why: "A payload could not be read from the store.", reason: .resourceExhaustion, now: now, &output)
    }

    // MARK: - Answers

    mutating func answered(_ id: TransferID, _ answer: Answer, _ output: inout ConversationOutput) {
        guard let ticket = dispatches.removeValue(forKey: id) else { return }
        if outgoing?.transfer == id { outgoing = nil }
        switch answer {
        case .acknowledged: counts.takenByPeer += 1
        case .refused: counts.refusedByPeer += 1
        case .unreadable, .returned, .tooLarge: break
        }
        self.answer(ticket, answer, &output)
    }

    func answer(_ ticket: Ticket, _ answer: Answer, _ output: inout ConversationOutput) {
        output.event(.transferAnswered(session: session, dispatch: ticket, answer))
    }
}
