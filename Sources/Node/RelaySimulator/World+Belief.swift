// World, the judges for belief, shares and liveness while a run goes on: an answer of the next hop is what ends a copy, and nothing
// else; what may be at one hop is not sent to another; a lower urgency gets its twentieth; what could go, goes; a liar makes nobody
// doubt his clock. They know dispatches, answers and rows, and no decision.

import RelayCore
import RelayEngine
import RelayModel
import RelayRows

/// One transfer as a link got it.
struct DispatchNote {
    var session: Ticket
    var number: UInt64
    var bundle: BundleID
    var recipients: [String]
    var peer: NodeID
    var isWhole: Bool
    var isDocument: Bool
    var urgency: Urgency
    /// Empty for what is no document.
    var sender: String
    /// Of the whole payload.
    var bytes: UInt64
    var sentAt: UInt64
    /// It was taken off its silent session, and has gone to one of its recipients once more, or was about to: what is answered to the second
    /// one counts.
    var isSuperseded = false
}

/// What one link has carried past a class that had something to send.
struct Passing {
    /// A row of that class, seen ready; nil: none is.
    var ready: UInt64?
    /// A twentieth of what higher classes were given since it was seen, less what the class was given before.
    var earned: Int64 = 0
    var largest: Int64 = 0
}

struct BeliefBooks {
    struct Flight: Hashable {
        var node: Int
        var life: Int
        var ticket: Ticket
    }
    struct Doubt: Hashable {
        var node: Int
        var number: UInt64
        var recipient: String
    }
    struct Link: Hashable {
        var node: Int
        var peer: NodeID
    }
    /// Since when nothing is acknowledged on a session, in the node's relay time: from then on its doubts run.
    var silentAt: [Silence: RelayTime] = [:]
    struct Silence: Hashable {
        var node: Int
        var session: Ticket
    }
    var flights: [Flight: DispatchNote] = [:]
    var doubts: [Doubt: (peer: NodeID, until: RelayTime)] = [:]
    var passing: [Link: [Passing]] = [:]
    /// The largest transfer of each link.
    var largest: [Link: Int64] = [:]
    var sentAt: [Link: UInt64] = [:]
    /// What was ready on an idle link at the last look.
    var idle: [Link: UInt64] = [:]
    var startedAt: [Int: UInt64] = [:]
    var doubtsEver = 0
    var handed = HandedBooks()
    var timing = TimingBooks()
    /// Links that came up, and have not been given anything since.
    var fresh: Set<Link> = []
    var established: [Link: Set<Ticket>] = [:]
    /// Those of them that one side has said it will end: nothing new goes there.
    var ending: Set<Ticket> = []
    struct Share: Hashable {
        var node: Int
        var peer: NodeID
        var sender: String
    }
    /// When a neighbour last said *Retransmit* of a sender's document.
    var fullShares: [Share: UInt64] = [:]
    /// The smallest payload that a neighbour has said *No Resources* of, until it has taken one as large.
    var noRoom: [Link: UInt64] = [:]
}

extension World {
    /// *No Resources* to so many octets or fewer is meant for everything.
    private static let smallMax: UInt64 = 16 << 10
    /// How often the links are looked at.
    static let lookGap: UInt64 = 4_000
    /// A transfer that is answered later than this is on a slow line.
    private static let slowTime: UInt64 = 3_000
    /// So long at most nothing of a sender is offered to a neighbour that has said *Retransmit* of it: two minutes, and one until it is seen
    /// that no probe went.
    private static let fullShareWait: UInt64 = 200_000

    func sent(_ dispatch: Dispatch, _ node: SimulatedNode) {
        let names = dispatch.copy?.recipients.map(\.text) ?? [dispatch.destination.text]
        for (key, note) in belief.flights
        where key.node == node.index && note.number == dispatch.number && note.isWhole
            && !Set(note.recipients).isDisjoint(with: names)
        {
            belief.flights[key]?.isSuperseded = true
        }
        belief.flights[BeliefBooks.Flight(node: node.index, life: node.life, ticket: dispatch.ticket)] = DispatchNote(
            session: dispatch.session, number: dispatch.number, bundle: dispatch.bundle, recipients: names,
            peer: dispatch.peer,
            isWhole: dispatch.piece == nil, isDocument: dispatch.document != nil, urgency: dispatch.urgency,
            sender: dispatch.document?.sender.text ?? "", bytes: dispatch.piece?.total ?? dispatch.payloadLength,
            sentAt: now)
        for name in names {
            let key = BeliefBooks.Doubt(node: node.index, number: dispatch.number, recipient: name)
            guard let doubt = belief.doubts[key] else { continue }
            if doubt.until <= dispatch.decided {
                belief.doubts[key] = nil
            } else if doubt.peer != dispatch.peer {
                fail(
                    "\(node.id) sends \(dispatch.bundle) for \(name) to \(dispatch.peer), though \(doubt.peer) may have it"
                )
            }
        }
        judgeFirst(dispatch, node)
        share(dispatch, node)
        handedOver(dispatch, node)
    }

    /// A session that was silent for so long may have had taken from it what was under way.
    private func supersede(_ session: Ticket, _ node: SimulatedNode) {
        for (key, note) in belief.flights
        where key.node == node.index && note.session == session && isOverdue(session, note, node) {
            belief.flights[key]?.isSuperseded = true
        }
    }

    private func isOverdue(_ session: Ticket, _ note: DispatchNote, _ node: SimulatedNode) -> Bool {
        guard let since = belief.silentAt[BeliefBooks.Silence(node: node.index, session: session)] else { return false }
        // Where the peer has been reached anew, nothing waits for the old session.
        let sessions = belief.established[BeliefBooks.Link(node: node.index, peer: note.peer)] ?? []
        if sessions.contains(where: { $0 > session }) { return true }
        let wait = note.urgency >= .urgent ? limits.inDoubtWaitUrgent : limits.inDoubtWait
        return node.clock.relay(now).since(since) >= wait
    }

    /// An input that a committed batch has taken.
    func judgeTaken(_ input: EngineInput, _ node: SimulatedNode) {
        switch input {
        case .event(.transferAnswered(_, let ticket, let answer)):
            let key = BeliefBooks.Flight(node: node.index, life: node.life, ticket: ticket)
            guard let note = belief.flights.removeValue(forKey: key) else { return }
            let share = BeliefBooks.Share(node: node.index, peer: note.peer, sender: note.sender)
            // What is taken meanwhile may be smaller, or more urgent, and says nothing of the others.
            if answer == .refused(.retransmit) { belief.fullShares[share] = now }
            let link = BeliefBooks.Link(node: node.index, peer: note.peer)
            if answer == .refused(.noResources) {
                belief.noRoom[link] = min(belief.noRoom[link] ?? .max, note.bytes)
            } else if answer == .acknowledged, note.bytes >= belief.noRoom[link] ?? .max {
                belief.noRoom[link] = nil
            }
            guard note.isWhole, note.isDocument else { return }
            if answer == .acknowledged || answer == .refused(.completed) { crossed(note.bundle, node) }
            let isWithdrawn = note.isSuperseded || isOverdue(note.session, note, node)
            guard answer == .acknowledged || answer == .refused(.completed), !isWithdrawn else { return }
            guard let row = node.read({ $0.envelope(note.number) }), row.bundle == note.bundle else { return }
            for name in note.recipients {
                guard let recipient = row.recipients.first(where: { $0.name == name }),
                    recipient.state != .forwarded
                else { continue }
                fail("\(node.id) has \(note.bundle) for \(name) as \(recipient.state), and \(note.peer) has taken it")
            }
        case .event(.sessionEstablished(let session, let facts)):
            let link = BeliefBooks.Link(node: node.index, peer: facts.peer)
            if belief.established[link, default: []].isEmpty {
                belief.fresh.insert(link)
                // What lower classes had earned on the link that was is over with it.
                belief.passing[link] = nil
            }
            belief.noRoom[link] = nil
            belief.established[link, default: []].insert(session)
        case .event(.sessionEnding(let session)): belief.ending.insert(session)
        case .event(.sessionSilent(let session)):
            belief.silentAt[BeliefBooks.Silence(node: node.index, session: session)] = node.clock.relay(now)
        case .event(.sessionAcknowledgesAgain(let session)):
            supersede(session, node)
            belief.silentAt[BeliefBooks.Silence(node: node.index, session: session)] = nil
        case .event(.sessionEnded(let session, let sentWhole, _)):
            for link in belief.established.keys where link.node == node.index {
                belief.established[link]?.remove(session)
            }
            belief.ending.remove(session)
            let silence = belief.silentAt.removeValue(
                forKey: BeliefBooks.Silence(node: node.index, session: session))
            let since = silence ?? node.clock.relay(now)
            for ticket in sentWhole {
                let key = BeliefBooks.Flight(node: node.index, life: node.life, ticket: ticket)
                guard let note = belief.flights.removeValue(forKey: key), note.isWhole else { continue }
                let wait = note.urgency >= .urgent ? limits.inDoubtWaitUrgent : limits.inDoubtWait
                belief.doubtsEver += 1
                for name in note.recipients {
                    belief.doubts[
                        BeliefBooks.Doubt(node: node.index, number: note.number, recipient: name)] = (
                            note.peer, since + wait
                        )
                }
            }
            // What had not left whole waits again.
            belief.flights = belief.flights.filter { $0.key.node != node.index || $0.value.session != session }
        default: break
        }
    }

    /// What goes first on a link that has come up is of the most urgent that waits for it.
    private func judgeFirst(_ dispatch: Dispatch, _ node: SimulatedNode) {
        let link = BeliefBooks.Link(node: node.index, peer: dispatch.peer)
        guard belief.fresh.remove(link) != nil, isSettled(node) else { return }
        let ready = readyRows(node, node.clock.relay(now))[dispatch.peer] ?? []
        // Where two sessions have come up in one batch, what is large goes on the one beside.
        let isKeptFree = (belief.established[link]?.count ?? 0) > 1
        if let first = ready.first(where: {
            $0.urgency > dispatch.urgency && !(isKeptFree && $0.bytes > RelayCore.expressBytesMin)
        }) {
            fail(
                "\(node.id): the link to \(dispatch.peer) is up, and #\(dispatch.number) goes before the more urgent #\(first.number)"
            )
        }
    }

    /// It has run for longer than doubts of before its start last, and no operator keeps anything from going.
    private func isSettled(_ node: SimulatedNode) -> Bool {
        now > (belief.startedAt[node.index] ?? 0) + 25_000
            && node.read { $0.count(.suspension) == 0 && $0.count(.job) < .max }
    }

    // MARK: - Shares

    private func share(_ dispatch: Dispatch, _ node: SimulatedNode) {
        let link = BeliefBooks.Link(node: node.index, peer: dispatch.peer)
        let bytes = Int64(clamping: dispatch.payloadLength)
        belief.sentAt[link] = now
        belief.idle[link] = nil
        belief.largest[link] = max(belief.largest[link] ?? 0, bytes)
        var passing = belief.passing[link] ?? Array(repeating: Passing(), count: Urgency.allCases.count)
        let own = Int(dispatch.urgency.rawValue)
        // It was given something: it owes that before it has a right again.
        passing[own].ready = nil
        passing[own].largest = max(passing[own].largest, bytes)
        passing[own].earned = -passing[own].largest
        // One transfer may earn much at once.
        let slack = (belief.largest[link] ?? 0) / 10 + 10_000
        let counts = !isBesideSlow(dispatch, node)
        for lower in 0..<own where counts && passing[lower].ready != nil {
            passing[lower].earned += bytes / 20
            if passing[lower].earned > slack, let number = passing[lower].ready {
                fail(
                    "\(node.id) sends more and more urgent mail to \(dispatch.peer), and #\(number) of urgency \(lower) gets no share: \(passing[lower].earned) octets owed, \(slack) allowed; \(why(number, node))"
                )
            }
        }
        belief.passing[link] = passing
    }

    /// What the node itself says of what waits.
    private func why(_ number: UInt64, _ node: SimulatedNode) -> [String] {
        guard let core = node.engine?.core, let row = node.read({ $0.envelope(number) }) else { return [] }
        return row.recipients.indices.filter { row.recipients[$0].state.isQueued }.flatMap {
            core.wait(row, $0, now: node.clock.relay(now)).why
        }
    }

    /// It goes on the session that is kept free for urgent ones while the other, the only one for lower classes, has been at one thing for
    /// seconds: what waits for that one waits for its line.
    private func isBesideSlow(_ dispatch: Dispatch, _ node: SimulatedNode) -> Bool {
        let sessions = belief.established[BeliefBooks.Link(node: node.index, peer: dispatch.peer)] ?? []
        let others = sessions.subtracting(belief.ending).subtracting([dispatch.session])
        guard !others.isEmpty, others.allSatisfy({ $0 < dispatch.session }) else { return false }
        return belief.flights.contains {
            $0.key.node == node.index && others.contains($0.value.session) && $0.value.sentAt + Self.slowTime <= now
        }
    }

    // MARK: - What could go

    /// Looks at every link of every node: what is ready, and does it go?
    func lookAtLinks() {
        for node in nodes where failure == nil { lookAtLinks(of: node) }
    }

    private func lookAtLinks(of node: SimulatedNode) {
        guard let core = node.engine?.core else { return }
        let relay = node.clock.relay(now)
        let views = core.peerViews.filter { view in
            view.isUp && !view.isSuspended && (view.upSince.map { $0 + .seconds(2) < relay } ?? false)
        }
        let isFree = isSettled(node)
        let ready = isFree ? readyRows(node, relay) : [:]
        for view in views {
            let link = BeliefBooks.Link(node: node.index, peer: view.node)
            var rows = ready[view.node] ?? []
            if view.pausedUntil != nil {
                // What a small one has heard is meant for all; else smaller ones go on.
                let smallest = belief.noRoom[link] ?? 0
                rows = smallest <= Self.smallMax ? [] : rows.filter { $0.bytes < smallest }
            }
            var passing = belief.passing[link] ?? Array(repeating: Passing(), count: Urgency.allCases.count)
            for urgency in Urgency.allCases {
                passing[Int(urgency.rawValue)].ready = rows.first { $0.urgency == urgency }?.number
            }
            belief.passing[link] = passing
            // The active set may be full of what others do not answer.
            let isIdle =
                view.transfersInFlight == 0 && core.activeCount == 0
                && !(belief.established[link] ?? []).isSubset(of: belief.ending)
                && !view.sessions.allSatisfy { isSilent(node, $0) }
            guard isIdle, let first = rows.first, now > (belief.sentAt[link] ?? 0) + Self.lookGap / 2 else {
                belief.idle[link] = nil
                continue
            }
            if belief.idle[link] == first.number {
                fail("\(node.id): #\(first.number) is ready for \(view.node), the link is idle, and it does not go")
            }
            belief.idle[link] = first.number
        }
    }

    /// It acknowledges nothing at present, and is given nothing.
    private func isSilent(_ node: SimulatedNode, _ session: Ticket) -> Bool {
        belief.silentAt[BeliefBooks.Silence(node: node.index, session: session)] != nil
    }

    /// Documents that wait, are due, and have a hop; by the first hop of their class.
    private func readyRows(
        _ node: SimulatedNode, _ relay: RelayTime
    ) -> [NodeID: [(number: UInt64, urgency: Urgency, bytes: UInt64)]] {
        // What is on a link waits for its answer, and is *waiting* in the store.
        let carried = Set(belief.flights.filter { $0.key.node == node.index }.map { $0.value.number })
        return node.read { rows in
            var hops: [UInt32: NodeID] = [:]
            rows.scan(.routeClass, prefix: RowKey()) { key, value in
                if key.count == 4, let row = RouteClassRow(record: value), !row.isSuspended {
                    hops[key.number32(at: 0)] = row.hops.first
                }
                return true
            }
            var result: [NodeID: [(number: UInt64, urgency: Urgency, bytes: UInt64)]] = [:]
            rows.scan(.envelope, prefix: RowKey()) { key, value in
                guard let row = EnvelopeRow(number: key.number(at: 0), record: value), row.ended == .zero,
                    row.isComplete, row.expiry > relay, !carried.contains(row.number)
                else { return true }
                for recipient in row.recipients
                where recipient.state.isQueued && recipient.due + .seconds(2) <= relay
                    && recipient.since + .seconds(2) <= relay
                {
                    guard let hop = hops[recipient.routeClass], recipient.crashDoubt == nil,
                        !isFull(node, hop, row.document?.sender.text ?? ""),
                        belief.doubts[
                            BeliefBooks.Doubt(node: node.index, number: row.number, recipient: recipient.name)] == nil
                    else { continue }
                    result[hop, default: []].append((row.number, row.urgency, row.payloadLength))
                    break
                }
                return true
            }
            return result
        }
    }

    private func isFull(_ node: SimulatedNode, _ hop: NodeID, _ sender: String) -> Bool {
        let share = BeliefBooks.Share(node: node.index, peer: hop, sender: sender)
        return belief.fullShares[share].map { $0 + Self.fullShareWait > now } ?? false
    }

    // MARK: - Clocks

    /// One liar makes nobody doubt his clock. A node whose clock was stepped, or is a neighbour of one, has its reasons.
    func judgeClocks() {
        guard network.clockOffsets.isEmpty else { return }
        for node in nodes where failure == nil {
            let near = network.neighbours(of: node.index) + [node.index]
            guard let core = node.engine?.core, core.isClockDoubted, !near.contains(where: books.steppedClocks.contains)
            else { continue }
            fail("\(node.id) doubts its clock, which is right, as all around it are but for a liar")
        }
    }
}
