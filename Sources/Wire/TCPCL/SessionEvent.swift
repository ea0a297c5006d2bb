// SessionEvent: what a session tells its shell, and why it ended. Values with a sentence each; they cannot fail.

import NIOCore

/// An event of one session, in the order in which it happened.
public enum SessionEvent: Hashable, Sendable {
    /// Begin the TLS handshake now (the active side as client), then call `tlsEstablished`. What feed left unread, and all
    /// that comes after, are TLS records.
    case startTLS
    /// Transfers can begin. The node ID is the peer's text (empty if it tells none); a shell that does not accept it calls
    /// `refuseContact` and ignores the rest of the batch.
    case established(peerNodeID: String, SessionParameters)

    /// A transfer from the peer begins, with its total length if the peer tells it.
    case transferBegan(TransferID, totalLength: UInt64?)
    case transferBytes(TransferID, ByteBuffer)
    /// The transfer is here whole. The shell owes `acknowledgeEnd` or `refuse`.
    case transferEnded(TransferID)
    /// A transfer that began will not end: drop what came of it. Nothing is owed.
    case transferAborted(TransferID, TransferAbort)

    /// The peer has received so many octets in all; with `isEnd` it has taken the transfer.
    case transferAcknowledged(TransferID, bytes: UInt64, isEnd: Bool)
    /// The peer has refused the transfer; also of a transfer of which nothing was sent before the session began to end.
    case transferRefused(TransferID, TransferRefusalReason)

    /// The peer ends the session: begin nothing new. `close` follows when all transfers are answered.
    case peerTerminating(TerminationReason)
    /// The peer did not understand a message of ours.
    case messageRejected(RejectionReason, type: UInt8)
    /// The peer broke a rule and was told so by MSG_REJECT; the session goes on.
    case peerViolated(ProtocolViolation)

    /// Write what is left, then close the connection. Nothing follows.
    case close(CloseReason)
    /// The connection ended without the session having ended. Nothing follows.
    case sessionLost(SessionLoss)
}

/// Why a transfer from the peer will not end.
public enum TransferAbort: Hashable, Sendable {
    /// Refused by the machine: larger than our transfer MRU.
    case tooLarge
    /// Refused by the machine: not as long as its Transfer Length says.
    case lengthMismatch
    /// The session is over.
    case sessionEnded
}

/// Why the machine closes the connection.
public enum CloseReason: Hashable, Sendable {
    /// Orderly: SESS_TERM went both ways or the connection ended after one, and no transfer is open unless the peer left.
    case terminated(TerminationReason, byPeer: Bool)
    /// SESS_TERM was sent or received, but transfers stayed unanswered or the peer did not reply in time.
    case terminationTimedOut
    /// The session never came to be, or was given up right after.
    case contactFailed(ContactFailure)
    /// A rule was broken after which the session cannot go on.
    case violated(ProtocolViolation)
    /// Nothing came for 2.5 keepalive intervals.
    case peerSilent
    /// The peer owes answers to transfers and gave none for the configured time.
    case answersOverdue
    /// A transfer began to come and nothing more of it came for the configured time.
    case transferStalled
}

/// How a connection ended that nobody had announced to end.
public enum SessionLoss: Hashable, Sendable {
    /// Between two messages, by an orderly end of the stream.
    case closedWithoutTermination
    /// In the middle of a message, or without the orderly end that TLS demands.
    case truncated
}

/// Why contact failed.
public enum ContactFailure: Hashable, Sendable {
    case malformed(MessageError)
    case version(UInt8)
    case peerWithoutTLS
    case criticalExtension(UInt16)
    case brokenExtensions
    case segmentMRUTooSmall(UInt64)
    case identityRefused
    case unexpectedMessage(MessageType)
    case timedOut
    case connectionEnded
}

/// A rule of RFC 9174 that the peer broke.
public enum ProtocolViolation: Hashable, Sendable {
    case malformed(MessageError)
    case initializationRepeated
    case segmentWithoutStart(TransferID)
    case startInsideTransfer(TransferID)
    case transferIDReused(TransferID)
    case segmentTooLarge(UInt64)
    case acknowledgementUnexpected(TransferID)
    case acknowledgementBeyondSent(TransferID, UInt64)
    case refusalUnexpected(TransferID)
}

extension ContactFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .version(let version): "The peer speaks TCPCL version \(version), we speak version 4 only."
        case .peerWithoutTLS: "The peer does not offer TLS, which is required here."
        case .criticalExtension(let type): "The peer demands the session extension \(type), which is not known here."
        case .brokenExtensions: "The peer's session extension items disagree with their length."
        case .segmentMRUTooSmall(let size): "The peer takes segments of \(size) octets only, too small to be of use."
        case .identityRefused: "The peer's node ID was not accepted."
        case .unexpectedMessage(let type): "The peer sent a \(type) message where its SESS_INIT was expected."
        case .timedOut: "The peer did not finish making contact in time."
        case .connectionEnded: "The connection ended before contact was made."
        }
    }
}

extension ProtocolViolation: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .initializationRepeated: "The peer sent SESS_INIT in an established session."
        case .segmentWithoutStart(let id): "The peer sent a segment of transfer \(id), which is not open."
        case .startInsideTransfer(let id): "The peer began transfer \(id) before it ended the one before."
        case .transferIDReused(let id): "The peer began a second transfer \(id) while the first is not answered."
        case .segmentTooLarge(let size): "The peer sent a segment of \(size) octets, more than our segment MRU."
        case .acknowledgementUnexpected(let id): "The peer acknowledged transfer \(id), which was never begun."
        case .acknowledgementBeyondSent(let id, let length):
            "The peer acknowledged \(length) octets of transfer \(id), which does not fit what was sent."
        case .refusalUnexpected(let id): "The peer refused transfer \(id), which was never begun."
        }
    }
}
