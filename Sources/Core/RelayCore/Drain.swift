// Drain: the node stops accepting, empties its queues, and exits. It is durable: a node that crashes on the way goes on emptying itself. The
// commit that finds the queues empty says so in the mark. The mark stays until an operator takes it back: the service manager holds the
// sockets, and the next peer that dials would start an ordinary daemon. What is held, has arrived in an inbox or
// is unreadable stays; pieces of documents that are here in part are still taken.

import RelayModel
import RelayRows

extension RelayCore {
    public var drainRow: DrainRow? { drain }

    static let drainSentence = "this node is being emptied and accepts nothing; hand it in elsewhere, or later"

    mutating func setDrain(
        _ isOn: Bool, _ reason: String, _ caller: Operator, _ turn: inout Turn
    ) -> OperationAnswer {
        guard isOn != (drain != nil) else {
            return .refused(isOn ? "the node is being drained already" : "the node is not being drained")
        }
        noteDeed(Deed(caller, isOn ? "drain" : "cancel drain", "node \(node.name)", reason: reason), &turn)
        if isOn {
            let row = DrainRow(since: turn.now.wall, uid: caller.uid, login: caller.login, reason: reason)
            turn.rows.put(.meta, Keys.meta(DrainRow.name), row.encoded())
            drain = row
        } else {
            turn.rows.delete(.meta, Keys.meta(DrainRow.name))
            drain = nil
            hasDrained = false
        }
        return .draining(isOn)
    }

    /// After all else of a turn: empty?
    mutating func noticeEmpty(_ turn: inout Turn) {
        guard var row = drain, !hasDrained, offers.isEmpty, submissions.isEmpty, active.isEmpty, jobs.busy.isEmpty,
            restoration?.isBusy != true
        else {
            return
        }
        for admin in [false, true] {
            for state in [RecipientState.waiting, .deferred, .deleting, .handing] {
                if ledger.value(.state(state, admin: admin), turn.rows) > 0 { return }
            }
        }
        guard turn.rows.count(.outgoingReport) == 0 else { return }
        hasDrained = true
        row.isDone = true
        drain = row
        turn.rows.put(.meta, Keys.meta(DrainRow.name), row.encoded())
        noteDeed(Deed(.itself, "drained", "node \(node.name): the queues are empty; the daemon exits"), &turn)
        turn.effects.append(.drained)
    }
}
