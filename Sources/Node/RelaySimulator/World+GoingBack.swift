// World, going back: a node is put back to an earlier state of its disk, stopped; or of its memory, too, as a snapshot of a running machine
// that is resumed; or a clone takes its place for a while, and the original comes back. What was accepted in a state that nobody has any
// more, and had not left it, is gone with it: that is what a disk is for. Everything else must come to its agency, whatever its number.

import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import RelayStore

/// A node as it was.
final class SavedState {
    let store: MemoryStore.Snapshot
    let engine: Engine?
    /// By number, what was not ended.
    let open: Set<Content>

    init(store: MemoryStore.Snapshot, engine: Engine?, open: Set<Content>) {
        self.store = store
        self.engine = engine
        self.open = open
    }
}

extension World {
    func planGoingBack() {
        var at: UInt64 = 15_000
        while at < plan.duration - 60_000 {
            plan(.save(node: Int(backward.next(below: UInt64(nodes.count)))), at: at)
            at += 10_000 + backward.next(below: 30_000)
        }
    }

    private func state(of node: SimulatedNode) -> SavedState {
        SavedState(store: node.store.snapshot, engine: node.engine, open: open(node))
    }

    /// What is in a node's hands: waiting, in an inbox, or half here.
    private func open(_ node: SimulatedNode) -> Set<Content> {
        var result: Set<Content> = []
        node.read { rows in
            rows.scan(.envelope, prefix: RowKey()) { key, value in
                guard let row = EnvelopeRow(number: key.number(at: 0), record: value), let document = row.document
                else {
                    return true
                }
                for recipient in row.recipients where !recipient.state.isEnd {
                    result.insert(Content(digest: document.digest, recipient: recipient.name))
                }
                return true
            }
        }
        return result
    }

    func save(_ node: SimulatedNode) {
        guard node.isUp, !node.isCommitting else { return plan(.save(node: node.index), at: now + 7) }
        let saved = state(of: node)
        note(node.index, "save", 0, "a snapshot is made")
        let isResumed = backward.next(below: 3) != 0
        plan(.goBack(node: node.index, saved, isResumed: isResumed), at: now + 3_000 + backward.next(below: 25_000))
    }

    /// The state before it may come back, too: then this one was a clone's.
    func goBack(_ node: SimulatedNode, to saved: SavedState, isResumed: Bool) {
        guard node.isUp, !node.isCommitting else {
            return plan(.goBack(node: node.index, saved, isResumed: isResumed), at: now + 7)
        }
        let left = state(of: node)
        summary.wentBack += 1
        note(node.index, "goBack", isResumed ? 1 : 0, "goes to another state, \(isResumed ? "running" : "stopped")")
        if backward.next(below: 3) == 0 {
            plan(.goBack(node: node.index, left, isResumed: true), at: now + 3_000 + backward.next(below: 15_000))
        } else {
            books.gone.formUnion(left.open.subtracting(saved.open))
        }
        stop(node, restartAfter: isResumed ? .max / 2 : 200 + backward.next(below: 3_000))
        node.store.goBack(to: saved.store)
        guard isResumed, let engine = saved.engine else { return }
        resume(node, engine)
    }

    /// The machine goes on where it was; its connections do not.
    private func resume(_ node: SimulatedNode, _ engine: Engine) {
        node.isRestartPlanned = false
        node.life += 1
        node.engine = engine
        node.board = PictureBoard(engine.core.picture)
        for view in engine.core.peerViews {
            for session in view.sessions {
                post(
                    .event(.sessionEnded(session: session, sentWhole: [], reason: "the machine was resumed")),
                    to: node.index)
            }
            if view.isDialling { post(.event(.dialFailed(peer: view.node, reason: "resumed")), to: node.index) }
        }
        wake(node, at: now)
    }

    /// Every document that was accepted is with each of its agencies, or went with a state that nobody has any more.
    func checkContents() {
        for entry in books.accepted where failure == nil {
            for recipient in entry.document.recipients {
                summary.pairs += 1
                let content = Content(digest: entry.document.digest, recipient: recipient.text)
                if books.contents.contains(content) {
                    summary.delivered += 1
                } else if books.gone.contains(content) {
                    summary.endedOtherwise += 1
                } else {
                    fail(
                        "\(entry.bundle) for \(recipient) is lost: it was accepted, and no agency has found its content"
                    )
                }
            }
        }
    }
}
