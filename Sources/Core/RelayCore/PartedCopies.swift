// PartedCopies: what a copy that comes has in common with one that was here before: whom that one has been sent to, and which of two that
// have parted goes before the other. Pure.

import RelayModel
import RelayRows

extension RelayCore {
    /// The hops that a copy here has been sent to.
    func tried(_ row: EnvelopeRow) -> [PathStop] {
        let taken = row.recipients.filter { $0.state == .forwarded }.compactMap(\.peer)
        let asked = active[row.number]?.copies.map(\.peer) ?? []
        return (taken + asked).map { PathStop(node: $0, time: row.arrivalWall) }
    }

    /// Copies of one envelope that have parted (a session was lost in doubt, and another hop was asked) meet again. Two nodes
    /// must not each let one go because of the other: a copy is let go only for one whose way is the lesser at the stop where
    /// they part. That stop lies behind both, so every node answers alike.
    func isSenior(_ held: [PathStop], to offered: [PathStop]) -> Bool {
        for (ours, theirs) in zip(held, offered) where ours != theirs {
            return ours.node == theirs.node ? ours.time < theirs.time : ours.node < theirs.node
        }
        guard held.count > offered.count else { return false }
        let next = held[offered.count].node
        return next == node || next < node
    }
}
