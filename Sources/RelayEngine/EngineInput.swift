// EngineInput: what links, submitters and operators put into the engine's mailbox.

import NIOCore
import RelayCore
import RelayModel
import RelayRows

/// One thing for the engine. Bytes travel beside the events, under the ticket of their offer or submission, in order.
public enum EngineInput: Sendable {
    case event(Event)

    /// A peer offers a bundle: its header is known.
    case offered(Offer)
    case offerBytes(Ticket, ByteBuffer)
    /// All payload bytes have been passed on, and the payload's CRC (if any) was right. `digest`: SHA-256 of the payload of this
    /// transfer, when it is a whole bundle with a document block; else nil.
    case offerCompleted(Ticket, digest: Digest?)
    case offerAbandoned(Ticket)

    case submitted(Submission)
    case submissionBytes(Ticket, ByteBuffer)
    case submissionCompleted(Ticket, digest: Digest)
    case submissionAbandoned(Ticket)

    /// A question of an operator's tool, answered between two decisions. It must be short and change nothing.
    case question(@Sendable (borrowing RelayCore, any RowReader) -> Void)

    /// Octets of payload that this input carries: what the gauge for back-pressure counts.
    public var payloadBytes: Int {
        switch self {
        case .offerBytes(_, let buffer), .submissionBytes(_, let buffer): buffer.readableBytes
        default: 0
        }
    }
}
