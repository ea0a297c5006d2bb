// SessionMachine, what comes from the peer: contact header, SESS_INIT, then messages and segment data.

import NIOCore
import Trap

extension SessionMachine {
    /// Takes octets from the peer. All are consumed, except those that follow a contact header after which TLS begins:
    /// they stay in `input` for the handshake (and are never taken for messages).
    public mutating func feed(_ input: inout ByteBuffer, now: UInt64, _ effects: inout SessionEffects) {
        demand(state != .fresh, "A session is started before it is fed.")
        guard input.readableBytes > 0 else { return }
        let before = effects.output.appendedBytes
        timers.lastReceived = now
        while input.readableBytes > 0 {
            switch state {
            case .fresh, .awaitingTLS:
                noteSent(before, now: now, effects)
                return
            case .awaitingContact:
                readContactHeader(&input, now: now, &effects)
            case .awaitingInitialization, .established:
                readMessage(&input, now: now, &effects)
            case .over:
                input.moveReaderIndex(to: input.writerIndex)
            }
        }
        noteSent(before, now: now, effects)
    }

    // MARK: - Contact

    private mutating func readContactHeader(
        _ input: inout ByteBuffer, now: UInt64, _ effects: inout SessionEffects
    ) {
        let missing = ContactHeader.length - contact.readableBytes
        guard var more = input.readSlice(length: min(missing, input.readableBytes)) else { return }
        contact.writeBuffer(&more)
        do throws(MessageError) {
            guard let header = try ContactHeader.read(from: &contact) else { return }
            effects.output.watched?.append(.contact(isSent: false, header))
            take(header, now: now, &effects)
        } catch {
            // RFC 9174, 6.1: without a contact header the connection is closed and no SESS_TERM sent.
            close(.contactFailed(.malformed(error)), &effects)
        }
    }

    private mutating func take(_ header: ContactHeader, now: UInt64, _ effects: inout SessionEffects) {
        // RFC 9174, 6.1: the contact header is always sent before a SESS_TERM.
        if configuration.role == .passive {
            writeContactHeader(now: now, &effects)
        }
        guard header.version == ContactHeader.supportedVersion else {
            // RFC 9174, 4.3: a passive entity answers its header and SESS_TERM "Version mismatch", an active one closes.
            if configuration.role == .passive {
                effects.output.append(.termination(isReply: false, reason: .versionMismatch))
            }
            close(.contactFailed(.version(header.version)), &effects)
            return
        }
        switch configuration.tls {
        case .forbidden:
            // RFC 9174, 4.3: TLS is used when both flags say so; ours does not.
            beginInitialization(now: now, &effects)
        case .required where header.canTLS:
            enter(.awaitingTLS, now: now)
            effects.events.append(.startTLS)
        case .required:
            // RFC 9174, 4.3: an unacceptable state of TLS ends the session with "Contact Failure".
            failContact(.peerWithoutTLS, now: now, &effects)
        }
    }

    private mutating func takeBeforeEstablished(
        _ message: Message, now: UInt64, _ effects: inout SessionEffects
    ) {
        switch message {
        case .initialization(let initialization):
            negotiate(initialization, now: now, &effects)
        case .termination(_, let reason):
            // Some peers refuse by a SESS_TERM where their SESS_INIT is expected.
            effects.output.append(.termination(isReply: true, reason: reason))
            close(.terminated(reason, byPeer: true), &effects)
        case .keepalive:
            break
        case .rejection:
            close(.contactFailed(.unexpectedMessage(.rejection)), &effects)
        case .segment, .acknowledgement, .refusal:
            // RFC 9174, 5.1.2: a message that does not fit the state is rejected as unexpected.
            effects.output.append(.rejection(reason: .unexpected, type: message.type.rawValue))
            failContact(.unexpectedMessage(message.type), now: now, &effects)
        }
    }

    private mutating func negotiate(
        _ peer: SessionInitialization, now: UInt64, _ effects: inout SessionEffects
    ) {
        if let failure = failure(of: peer) {
            failContact(failure, now: now, &effects)
            return
        }
        if configuration.role == .passive {
            writeInitialization(answering: peer.nodeID, now: now, &effects)
        }
        // RFC 9174, 4.7: the smaller interval; zero on either side switches KEEPALIVE off.
        let keepalive = min(configuration.keepaliveSeconds, peer.keepaliveSeconds)
        timers.keepaliveInterval = UInt64(keepalive) * 1_000
        sending = SendSide(
            segmentBytesMax: min(configuration.segmentBytesMax, Int(clamping: peer.segmentMRU)),
            transferBytesMax: peer.transferMRU,
            extensionLengthInEverySegment: configuration.extensionLengthInEverySegment)
        enter(.established, now: now)
        timers.lastActivity = now
        timers.lastProgress = now
        var parameters = SessionParameters(
            keepaliveSeconds: keepalive, peerSegmentMRU: peer.segmentMRU, peerTransferMRU: peer.transferMRU,
            usesTLS: configuration.tls == .required)
        parameters.peerItems = (peer.extensionItems ?? []).filter { configuration.knownItemTypes.contains($0.type) }
        effects.events.append(.established(peerNodeID: peer.nodeID, parameters))
    }

    /// Below this a peer could blow up every transfer many times by headers. 0 is a peer that takes no transfers.
    static var peerSegmentMRUMin: UInt64 { 16 }

    private func failure(of peer: SessionInitialization) -> ContactFailure? {
        guard let items = peer.extensionItems else { return .brokenExtensions }
        // RFC 9174, 4.8: an unknown item that is critical ends the session, any other is skipped.
        if let item = items.first(where: { $0.isCritical && !configuration.knownItemTypes.contains($0.type) }) {
            return .criticalExtension(item.type)
        }
        if peer.segmentMRU > 0 && peer.segmentMRU < Self.peerSegmentMRUMin {
            return .segmentMRUTooSmall(peer.segmentMRU)
        }
        return nil
    }

    // MARK: - Messages

    private mutating func readMessage(
        _ input: inout ByteBuffer, now: UInt64, _ effects: inout SessionEffects
    ) {
        do throws(MessageError) {
            guard let piece = try reader.next(&input) else { return }
            if effects.isWatched, case .message(let message) = piece {
                effects.output.watched?.append(.message(isSent: false, message))
            }
            switch piece {
            case .data(let data, let isLast):
                timers.lastActivity = now
                timers.lastData = now
                receiving.data(data, &effects)
                if isLast {
                    segmentEnded(now: now, &effects)
                }
            case .message(let message) where state == .established:
                take(message, now: now, &effects)
            case .message(let message):
                takeBeforeEstablished(message, now: now, &effects)
            }
        } catch {
            takeMalformed(error, now: now, &effects)
        }
    }

    private mutating func take(_ message: Message, now: UInt64, _ effects: inout SessionEffects) {
        // RFC 9174, 6.2: any message but KEEPALIVE is activity.
        if message.type != .keepalive {
            timers.lastActivity = now
        }
        switch message {
        case .segment(let header):
            take(header, now: now, &effects)
        case .acknowledgement(let flags, let id, let length):
            let isOldest = sending.isOldest(id)
            let violation = sending.acknowledged(id, flags: flags, length: length, &effects.events)
            answered(violation, isOldest, message, now, &effects)
        case .refusal(let reason, let id):
            let isOldest = sending.isOldest(id)
            answered(sending.refused(id, reason, &effects.events), isOldest, message, now, &effects)
        case .keepalive:
            break
        case .termination(_, let reason):
            peerTerminates(reason, now: now, &effects)
        case .rejection(let reason, let type):
            takeRejection(reason, type, now: now, &effects)
        case .initialization:
            reject(.initializationRepeated, .unexpected, message.type, now: now, &effects)
        }
    }

    private mutating func take(_ header: SegmentHeader, now: UInt64, _ effects: inout SessionEffects) {
        if header.flags.contains(.start) { timers.lastData = now }
        guard header.dataLength <= configuration.segmentMRU else {
            // RFC 9174, 4.6: no segment is larger than our segment MRU. Its data would have to be read to be skipped.
            effects.output.append(.rejection(reason: .unsupported, type: MessageType.segment.rawValue))
            fail(.segmentTooLarge(header.dataLength), .resourceExhaustion, &effects)
            return
        }
        if let violation = receiving.segmentBegan(header, isEnding: ending != nil, &effects) {
            reject(violation, .unexpected, .segment, now: now, &effects)
        }
        if header.dataLength == 0 && state == .established {
            segmentEnded(now: now, &effects)
        }
    }

    private mutating func segmentEnded(now: UInt64, _ effects: inout SessionEffects) {
        receiving.segmentEnded(&effects)
        endIfSettled(now: now, &effects)
    }

    private mutating func answered(
        _ violation: ProtocolViolation?, _ isOldest: Bool, _ message: Message, _ now: UInt64,
        _ effects: inout SessionEffects
    ) {
        if let violation {
            // RFC 9174, 5.1.2: an acknowledgement of an unknown transfer is a message unexpected.
            reject(violation, .unexpected, message.type, now: now, &effects)
        } else {
            if isOldest { timers.lastProgress = now }
            endIfSettled(now: now, &effects)
        }
    }

    private mutating func takeRejection(
        _ reason: RejectionReason, _ type: UInt8, now: UInt64, _ effects: inout SessionEffects
    ) {
        var (reason, type) = (reason, type)
        // One peer has the two octets swapped.
        let swapped = RejectionReason(code: type)
        if !reason.isAssigned && swapped.isAssigned {
            (reason, type) = (swapped, reason.code)
        }
        effects.events.append(.messageRejected(reason, type: type))
        if type == MessageType.segment.rawValue {
            // The transfer of that segment will never be answered: finish the others and end the session.
            terminate(.unknown, now: now, &effects)
        }
    }

    private mutating func takeMalformed(
        _ error: MessageError, now: UInt64, _ effects: inout SessionEffects
    ) {
        if case .typeUnknown(let type) = error {
            // RFC 9174, 5.1.2: an unknown type is rejected and the connection closed.
            effects.output.append(.rejection(reason: .typeUnknown, type: type))
            close(state == .established ? .violated(.malformed(error)) : .contactFailed(.malformed(error)), &effects)
        } else if state == .established {
            let type: MessageType = if case .extensionsTooLong(let type, _) = error { type } else { .initialization }
            effects.output.append(.rejection(reason: .unsupported, type: type.rawValue))
            fail(.malformed(error), .resourceExhaustion, &effects)
        } else {
            // RFC 9174, 4.6: the reception of SESS_INIT has failed.
            failContact(.malformed(error), now: now, &effects)
        }
    }
}
