// ClientDrops: the clients of the sockets of this machine that were dropped since the start, because they did not read their answers or
// did not send what they had begun: one notice each, and a count for monitors. Any thread.

import Logging
import RelayModel
import Synchronization

public final class ClientDrops: Sendable {
    public enum Socket: String, Sendable, CaseIterable { case control, submission, take }

    public enum Cause: Sendable {
        case answersNotRead
        case stoppedInFrame
        case tookTooLong
        case keepsDocuments
        case hasNoPlace
        case hasNoRight

        fileprivate var words: String {
            switch self {
            case .answersNotRead: "does not read its answer"
            case .stoppedInFrame: "stopped in the middle of a frame"
            case .tookTooLong: "took too long for what it sends"
            case .keepsDocuments: "has not acknowledged what it was shown"
            case .hasNoPlace: "has no place, because its user has as many connections as one may have,"
            case .hasNoRight: "has no right here"
            }
        }
    }

    private let counts = Mutex<[Socket: UInt64]>([:])

    public init() {}

    public func count(_ socket: Socket) -> UInt64 { counts.withLock { $0[socket] ?? 0 } }

    /// Enters that a client is dropped. `user`: who it runs as, where that is known.
    public func drop(_ socket: Socket, _ cause: Cause, user: UInt32? = nil, logger: Logger) {
        let count = counts.withLock { counts in
            counts[socket, default: 0] += 1
            return counts[socket, default: 0]
        }
        var metadata: Logger.Metadata = ["count": "\(count)"]
        if let user { metadata["uid"] = "\(user)" }
        logger.notice(
            "\(socket.rawValue): a client that \(cause.words) was dropped", metadata: .event(.clientDropped, metadata))
    }
}
