// SessionMachine, how a session ends: SESS_TERM both ways, deadlines, violations, the end of the stream.

extension SessionMachine {
    /// Ends the session: no new transfers, those under way are finished in both directions, then `close`.
    ///
    /// - Parameter timeout: until the connection is closed whatever is open, instead of the configured time; 0 closes at
    ///   once (RFC 9174, 6.1, unclean termination).
    public mutating func terminate(
        _ reason: TerminationReason, timeout: UInt64? = nil, now: UInt64, _ effects: inout SessionEffects
    ) {
        switch state {
        case .over:
            return
        case .fresh, .awaitingContact, .awaitingTLS:
            // No SESS_TERM before both contact headers and the handshake are through.
            close(.terminated(reason, byPeer: false), &effects)
            return
        case .awaitingInitialization:
            writeTermination(reason, now: now, &effects)
            close(.terminated(reason, byPeer: false), &effects)
            return
        case .established:
            break
        }
        if ending == nil {
            writeTermination(reason, now: now, &effects)
            ending = Ending(reason: reason, byPeer: false, isSent: true, isReceived: false)
            sending.dropUnstarted(&effects.events)
        }
        if timeout == 0 {
            closeUnfinished(now: now, &effects)
        } else {
            setTerminationEnd(timeout ?? configuration.terminationTimeout, now: now)
        }
    }

    /// SESS_TERM came, as a request, a reply, or a request that crossed ours.
    mutating func peerTerminates(_ reason: TerminationReason, now: UInt64, _ effects: inout SessionEffects) {
        if ending != nil {
            ending?.isReceived = true
        } else {
            ending = Ending(reason: reason, byPeer: true, isSent: false, isReceived: true)
            setTerminationEnd(configuration.terminationTimeout, now: now)
            effects.events.append(.peerTerminating(reason))
            sending.dropUnstarted(&effects.events)
        }
        endIfSettled(now: now, &effects)
    }

    /// Replies and closes as soon as no transfer is open in either direction.
    mutating func endIfSettled(now: UInt64, _ effects: inout SessionEffects) {
        guard state == .established, let ending, receiving.isSettled, sending.unansweredCount == 0 else { return }
        // RFC 9174, 6.1: the reply acknowledges the termination. It leaves when our transfers are through, because some
        // peers close on it at once.
        replyIfOwed(now: now, &effects)
        if ending.isReceived {
            close(.terminated(ending.reason, byPeer: ending.byPeer), &effects)
        }
    }

    /// The time of `nextDeadline` has come; harmless at any other time.
    public mutating func deadlineReached(now: UInt64, _ effects: inout SessionEffects) {
        for due in SessionTimers.Due.allCases where state != .over {
            guard let time = timers.time(of: due, timerConditions), time <= now else { continue }
            switch due {
            case .contactOver:
                contactTimedOut(now: now, &effects)
            case .terminationOver:
                closeUnfinished(now: now, &effects)
            case .peerSilent:
                // RFC 9174, 5.1.1: SESS_TERM "Idle timeout". Nobody is there to wait for.
                writeTerminationOnce(.idleTimeout, now: now, &effects)
                close(.peerSilent, &effects)
            case .transferStalled:
                writeTerminationOnce(.idleTimeout, now: now, &effects)
                close(.transferStalled, &effects)
            case .answersOverdue:
                writeTerminationOnce(.unknown, now: now, &effects)
                close(.answersOverdue, &effects)
            case .sessionIdle:
                terminate(.idleTimeout, now: now, &effects)
            case .keepalive:
                effects.output.append(.keepalive)
                timers.lastSent = now
            }
        }
    }

    /// The stream from the peer has ended, or the connection broke.
    ///
    /// - Parameter tlsClean: by close_notify, or by FIN where there is no TLS; false for a bare FIN under TLS and for
    ///   errors.
    public mutating func inputClosed(tlsClean: Bool, _ effects: inout SessionEffects) {
        switch state {
        case .over:
            return
        case .fresh, .awaitingContact, .awaitingTLS, .awaitingInitialization:
            close(.contactFailed(.connectionEnded), &effects)
        case .established:
            // After a SESS_TERM some peers close at once, and some without close_notify: that is the end, not a loss.
            if let ending {
                close(.terminated(ending.reason, byPeer: ending.byPeer), &effects)
            } else {
                let isClean = tlsClean && reader.isBetweenMessages
                end(with: .sessionLost(isClean ? .closedWithoutTermination : .truncated), &effects)
            }
        }
    }

    // MARK: - Closing

    /// Contact cannot be made: SESS_TERM "Contact Failure" and close.
    mutating func failContact(_ failure: ContactFailure, now: UInt64, _ effects: inout SessionEffects) {
        writeTerminationOnce(.contactFailure, now: now, &effects)
        close(.contactFailed(failure), &effects)
    }

    /// The session cannot go on after what the peer did: SESS_TERM and close.
    mutating func fail(
        _ violation: ProtocolViolation, _ reason: TerminationReason, _ effects: inout SessionEffects
    ) {
        if ending?.isSent != true {
            effects.output.append(.termination(isReply: false, reason: reason))
        }
        close(.violated(violation), &effects)
    }

    /// Answers a message by MSG_REJECT and goes on as if it had not come, a bounded number of times.
    mutating func reject(
        _ violation: ProtocolViolation, _ reason: RejectionReason, _ type: MessageType, now: UInt64,
        _ effects: inout SessionEffects
    ) {
        effects.output.append(.rejection(reason: reason, type: type.rawValue))
        rejectionsSent += 1
        if rejectionsSent > configuration.rejectionsMax {
            fail(violation, .unknown, &effects)
        } else {
            effects.events.append(.peerViolated(violation))
        }
    }

    mutating func close(_ reason: CloseReason, _ effects: inout SessionEffects) {
        end(with: .close(reason), &effects)
    }

    private mutating func end(with event: SessionEvent, _ effects: inout SessionEffects) {
        receiving.sessionEnded(&effects)
        state = .over
        timers.contactEnds = nil
        timers.terminationEnds = nil
        effects.events.append(event)
    }

    private mutating func closeUnfinished(now: UInt64, _ effects: inout SessionEffects) {
        replyIfOwed(now: now, &effects)
        close(.terminationTimedOut, &effects)
    }

    private mutating func contactTimedOut(now: UInt64, _ effects: inout SessionEffects) {
        if state == .awaitingInitialization {
            failContact(.timedOut, now: now, &effects)
        } else {
            // RFC 9174, 4.1: without a contact header in time the connection is closed.
            close(.contactFailed(.timedOut), &effects)
        }
    }

    private mutating func replyIfOwed(now: UInt64, _ effects: inout SessionEffects) {
        guard let ending, !ending.isSent else { return }
        // RFC 9174, 6.1: the reply repeats the reason and sets the REPLY flag.
        effects.output.append(.termination(isReply: true, reason: ending.reason))
        self.ending?.isSent = true
        timers.lastSent = now
    }

    private mutating func writeTerminationOnce(
        _ reason: TerminationReason, now: UInt64, _ effects: inout SessionEffects
    ) {
        if ending?.isSent != true {
            writeTermination(reason, now: now, &effects)
        }
    }

    private mutating func writeTermination(
        _ reason: TerminationReason, now: UInt64, _ effects: inout SessionEffects
    ) {
        effects.output.append(.termination(isReply: false, reason: reason))
        timers.lastSent = now
    }

    /// A deadline that stands can come nearer, never move away.
    private mutating func setTerminationEnd(_ timeout: UInt64, now: UInt64) {
        guard timeout > 0 else { return }
        timers.terminationEnds = min(timers.terminationEnds ?? .max, SessionTimers.sum(now, timeout))
    }
}
