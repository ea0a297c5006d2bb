// StuckJudge: whether a neighbour takes what it should, and if not, why: one word for a column and one sentence. Pure.

import ControlAPI
import RelayModel

enum StuckJudge {
    /// A peer that has transfers and acknowledges nothing for longer is stuck.
    static let silenceSeconds: UInt64 = 10
    /// What waits for a link that is up and has nothing under way is stuck when it is older.
    static let idleSeconds: UInt64 = 60

    static func judge(_ peer: PeersAnswer.Peer, suspension: String = "", finding: String = "", now: Timestamp)
        -> PeersAnswer.Stuck?
    {
        switch peer.state {
        case "suspended":
            return .init(word: "suspended", why: suspension.isEmpty ? "an operator has suspended it" : suspension)
        case "paused":
            let until =
                peer.pausedUntil.map { ", asked again in \(Milliseconds.seconds(now.seconds(until: $0)).nearestText)" }
                ?? ""
            return .init(word: "paused", why: "it says that it has no resources\(until)")
        case "up" where finding.isEmpty: return linked(peer)
        default: break
        }
        if !finding.isEmpty { return .init(word: "barren", why: finding) }
        if peer.dials {
            guard peer.failures > 0 else { return nil }
            let error = peer.lastError.isEmpty ? "" : ": \(peer.lastError)"
            return .init(
                word: "unreachable", why: "\(peer.failures == 1 ? "1 dial" : "\(peer.failures) dials") failed\(error)")
        }
        guard peer.backlog.count > 0 else { return nil }
        guard peer.lastError.isEmpty else {
            return .init(
                word: "absent",
                why:
                    "it dials us; \(peer.backlog.count) wait for it: \(peer.lastError)"
            )
        }
        return .init(
            word: "absent",
            why:
                "it dials us, and has not; \(peer.backlog.count == 1 ? "1 waits" : "\(peer.backlog.count) wait") for it"
        )
    }

    private static func linked(_ peer: PeersAnswer.Peer) -> PeersAnswer.Stuck? {
        let silent = peer.sessions.filter { $0.inFlight > 0 && $0.silentSeconds > silenceSeconds }
        if let worst = silent.max(by: { $0.silentSeconds < $1.silentSeconds }) {
            return .init(
                word: "silent",
                why:
                    "\(worst.inFlight == 1 ? "1 transfer is" : "\(worst.inFlight) transfers are") under way, and nothing "
                    + "was acknowledged for \(Milliseconds.seconds(worst.silentSeconds).text)")
        }
        if let from = peer.pausedFromBytes, peer.backlog.count > 0 {
            return .init(word: "paused", why: "it has no room for \(from) bytes or more; smaller ones go")
        }
        guard peer.transfersInFlight == 0, peer.backlog.count > 0, peer.backlog.oldestSeconds > idleSeconds,
            peer.sessions.allSatisfy({ $0.inFlight == 0 })
        else { return nil }
        return .init(
            word: "idle",
            why:
                "it is up, \(peer.backlog.count == 1 ? "1 waits" : "\(peer.backlog.count) wait") for it, and none is under way; edocctl show says why"
        )
    }
}
