// EndSentences: why a session ended, in words for operators. Nothing that the peer wrote stands in them. Cannot fail.

import TCPCL

extension CloseReason {
    var sentence: String {
        switch self {
        case .terminated(let reason, let byPeer):
            byPeer ? "The peer ended the session (\(reason))." : "This node ended the session (\(reason))."
        case .terminationTimedOut: "The session was ended, but transfers stayed unanswered."
        case .contactFailed(let failure): failure.description
        case .violated(let violation): violation.description
        case .peerSilent: "Nothing came from the peer for two and a half keepalive intervals."
        case .transferStalled: "The peer began a transfer and sent nothing more of it."
        case .answersOverdue: "The peer did not answer transfers in time."
        }
    }
}

extension SessionLoss {
    var sentence: String {
        switch self {
        case .closedWithoutTermination: "The peer closed the connection without ending the session."
        case .truncated: "The connection was cut."
        }
    }
}
