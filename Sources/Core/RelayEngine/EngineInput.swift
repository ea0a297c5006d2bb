// EngineInput: what links, submitters and operators put into the engine's mailbox.

import NIOCore
import RelayCore
import RelayModel
import RelayRows

/// One thing for the engine. Bytes travel beside the events, under the ticket of their offer or submission, in order. It passes through
/// several queues: what is large stands in a place of its own (`indirect`), so that it is handed on by a reference.
public enum EngineInput: Sendable {
    case event(Event)

    /// A peer offers a bundle: its header is known.
    case offered(Offer)
    case offerBytes(Ticket, ByteBuffer)
    /// All payload bytes have been passed on, and the payload's CRC (if any) was right. `digest`: SHA-256 of the payload of this
    /// transfer, when it is a whole bundle with a document block; else nil.
    case offerCompleted(Ticket, digest: Digest?)
    case offerAbandoned(Ticket)

    indirect case submitted(Submission)
    case submissionBytes(Ticket, ByteBuffer)
    case submissionCompleted(Ticket, digest: Digest)
    case submissionAbandoned(Ticket)

    /// A question of an operator's tool, looked at between two decisions. It must be short and change nothing. What it gives back
    /// tells the answer, and is called when the batch is durable: of what may still be thrown away nobody hears.
    case question(@Sendable (borrowing RelayCore, any RowReader) -> @Sendable () -> Void)

    /// A commit with this input alone found no room: what it belongs to is refused (Narrowing.swift).
    indirect case foundNoRoom(EngineInput)

    /// Under which ticket somebody at this node waits for the answer to it; nil for what links and the node itself put in.
    public var owner: Ticket? {
        switch self {
        case .submitted(let submission): submission.ticket
        case .submissionBytes(let ticket, _), .submissionCompleted(let ticket, _), .submissionAbandoned(let ticket):
            ticket
        case .event(.inboxAcknowledged(let ticket, _, _)), .event(.restoredCompared(let ticket, _, _)),
            .event(.restoredReleased(let ticket, _)):
            ticket
        case .event(.audited(_, let ticket)): ticket
        case .event(.operated(let operation)): operation.ticket
        case .foundNoRoom(let input): input.owner
        default: nil
        }
    }

    /// Nobody waits for its commit where links have room: that the next hop has an envelope is one more fact for the books, and is found
    /// out again if it is lost. A commit of its own would be in the way of the next letter.
    public var isPatient: Bool {
        switch self {
        case .event(.transferAnswered(_, _, .acknowledged)), .event(.sessionMeasured): true
        default: false
        }
    }

    /// True for what nobody says again when a batch was lost.
    public var isSaidOnce: Bool {
        switch self {
        case .question, .event(.clockDoubted), .event(.suspected), .event(.refusedOutside), .event(.audited(_, nil)):
            true
        default: false
        }
    }

    /// What the values of this input take in memory beyond a few hundred octets: headers, recipients and report rows of peers.
    public var valueBytes: Int {
        switch self {
        case .offered(let offer):
            offer.header.count + (offer.document?.recipients.count ?? 0) * 64 + (offer.copy?.recipients.count ?? 0) * 64
                + (offer.copy?.path.count ?? 0) * 64
        case .submitted(let submission): submission.recipients.reduce(0) { $0 + $1.utf8.count + 32 }
        case .event(.reported(_, _, _, _, let rows)): rows.reduce(0) { $0 + 160 + $1.path.count * 64 }
        case .foundNoRoom(let input): input.valueBytes
        default: 0
        }
    }

    /// Octets of payload that this input carries: what the gauge for back-pressure counts.
    public var payloadBytes: Int {
        switch self {
        case .offerBytes(_, let buffer), .submissionBytes(_, let buffer): buffer.readableBytes
        case .foundNoRoom(let input): input.payloadBytes
        default: 0
        }
    }
}
