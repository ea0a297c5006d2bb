// TLSLifecycle: the state of one session as a value: which event means what, when. No I/O, no OpenSSL, no NIO;
// TLSHandler runs it. Every event is possible in every state, as channels and peers end when they like: the answer is
// then `ignore`.

/// The life of a session: idle → handshaking → established → closing → closed.
struct TLSLifecycle {
    private enum State {
        /// Added, and the channel is not active yet.
        case idle
        case handshaking
        /// Both sides may be open or, after close_notify or a half-closure, only one.
        case established(inputOpen: Bool, outputOpen: Bool)
        /// Our last bytes are on their way; the channel is closed when they are written.
        case closing
        case closed
    }

    private var state = State.idle

    // MARK: Questions

    var isIdle: Bool { if case .idle = state { true } else { false } }

    var isHandshaking: Bool { if case .handshaking = state { true } else { false } }

    var isClosing: Bool { if case .closing = state { true } else { false } }

    /// Plaintext may be read and handed on.
    var canRead: Bool { if case .established(inputOpen: true, _) = state { true } else { false } }

    /// Plaintext may be encrypted and sent.
    var canWrite: Bool { if case .established(_, outputOpen: true) = state { true } else { false } }

    /// Writes are taken, to be sent now or after the handshake.
    var takesWrites: Bool {
        switch state {
        case .idle, .handshaking: true
        case .established(_, let outputOpen): outputOpen
        case .closing, .closed: false
        }
    }

    // MARK: Events

    enum StartResult { case beginHandshake, ignore }

    mutating func started() -> StartResult {
        guard case .idle = state else { return .ignore }
        state = .handshaking
        return .beginHandshake
    }

    enum HandshakeResult { case announce, ignore }

    mutating func handshakeCompleted() -> HandshakeResult {
        guard case .handshaking = state else { return .ignore }
        state = .established(inputOpen: true, outputOpen: true)
        return .announce
    }

    enum InputEndResult {
        /// The peer's input is over: say so, and whether it ended with close_notify.
        case announce(clean: Bool)
        /// The connection ended in the middle of the handshake.
        case handshakeInterrupted
        case ignore
    }

    /// The peer sent close_notify.
    mutating func closeNotifyReceived() -> InputEndResult {
        guard case .established(inputOpen: true, let outputOpen) = state else { return .ignore }
        state = .established(inputOpen: false, outputOpen: outputOpen)
        return .announce(clean: true)
    }

    /// The connection's input ended, by half-closure: the output is still there.
    mutating func connectionInputEnded() -> InputEndResult {
        switch state {
        case .handshaking:
            return .handshakeInterrupted
        case .established(inputOpen: true, let outputOpen):
            state = .established(inputOpen: false, outputOpen: outputOpen)
            return .announce(clean: false)
        case .idle, .established, .closing, .closed:
            return .ignore
        }
    }

    /// The channel is gone.
    mutating func connectionEnded() -> InputEndResult {
        let result: InputEndResult =
            switch state {
            case .handshaking: .handshakeInterrupted
            case .established(inputOpen: true, _): .announce(clean: false)
            case .idle, .established, .closing, .closed: .ignore
            }
        state = .closed
        return result
    }

    enum CloseResult {
        /// Send close_notify, then close the channel.
        case sendCloseNotify
        /// Nothing to say: close the channel.
        case close
        /// Already on the way.
        case join
    }

    mutating func closeRequested() -> CloseResult {
        switch state {
        case .established(_, outputOpen: true):
            state = .closing
            return .sendCloseNotify
        case .idle, .handshaking, .established, .closed:
            state = .closed
            return .close
        case .closing:
            return .join
        }
    }

    enum OutputCloseResult { case sendCloseNotify, refuse }

    mutating func outputCloseRequested() -> OutputCloseResult {
        guard case .established(let inputOpen, outputOpen: true) = state else { return .refuse }
        state = .established(inputOpen: inputOpen, outputOpen: false)
        return .sendCloseNotify
    }

    enum FailureResult {
        /// Say it, send the alert, close the channel.
        case report
        case ignore
    }

    mutating func failed() -> FailureResult {
        switch state {
        case .idle, .handshaking, .established:
            state = .closing
            return .report
        case .closing, .closed:
            return .ignore
        }
    }

    /// The last bytes are out, or there was no more time for them.
    mutating func lastBytesSent() { state = .closed }
}
