// World, the excuses: a copy that ended without being delivered must have ended for a reason that this world has given it: a lifetime
// that was over, an operator who chose it, or hops that really could not take it. Told by the topology, the clocks and what the world
// has written down, and by no decision of a node. Each end is looked at when it is seen for the first time, so that what has not
// happened yet excuses nothing.

import RelayCore
import RelayModel
import RelayRows

/// An end of one pair on one node that is no delivery.
struct Ending: Hashable {
    var node: Int
    var pair: Pair
    var state: RecipientState
}

/// A pair that an operator has chosen on a node.
struct Choice: Hashable {
    var node: Int
    var verb: DeedVerb
    var pair: Pair
}

extension World {
    /// Looks for ends that were not there before.
    func noteEnds(_ node: SimulatedNode) {
        // Numbers of the two lives of a node are no names.
        if plan.goesBack { return }
        var new: [(row: EnvelopeRow, recipient: RecipientRow, ending: Ending)] = []
        node.read { rows in
            rows.scan(.envelope, prefix: RowKey()) { key, value in
                guard let row = EnvelopeRow(number: key.number(at: 0), record: value), row.kind == .document else {
                    return true
                }
                noteSuccessor(row, node)
                guard books.documents[row.bundle] != nil else { return true }
                for recipient in row.recipients where [.refused, .expired, .deleted].contains(recipient.state) {
                    // The second of two copies that came in pieces ends without a word.
                    if recipient.isDuplicate || recipient.state == .deleted && recipient.reason == .none { continue }
                    // Half-received and let go: it was not accepted, and comes again.
                    if !row.isComplete, row.holding.isLetGo { continue }
                    // It goes on under another name.
                    if recipient.reason == .renamed { continue }
                    let ending = Ending(
                        node: node.index, pair: Pair(bundle: row.bundle, recipient: recipient.name),
                        state: recipient.state)
                    if !books.ends.contains(ending) { new.append((row, recipient, ending)) }
                }
                return true
            }
        }
        for (row, recipient, ending) in new where failure == nil {
            books.ends.insert(ending)
            if let why = objection(node.index, row, recipient, ending.pair) {
                fail(
                    "\(node.id) ended \(row.bundle) for \(recipient.name) as \(recipient.state) (\(recipient.reason.word)), way \(row.path.map(\.node.name)): \(why)"
                )
            }
        }
    }

    /// What was handed in goes on under a new name: whatever may come of it, it must come of it under that one.
    private func noteSuccessor(_ row: EnvelopeRow, _ node: SimulatedNode) {
        guard books.documents[row.bundle] == nil, row.bundle.source == node.configuration.node.endpoint,
            let former = row.formerly, var document = books.documents[former]
        else { return }
        document.recipients = row.recipients.compactMap { AgencyCode($0.name) }
        document.lifetime = row.lifetime == limits.lifetimeDefault ? nil : row.lifetime
        document.handedIn = now - min(now, row.age(at: node.clock.relay(now)).count)
        books.documents[row.bundle] = document
        books.successors[former, default: []].append(row.bundle)
    }

    /// Why an end has no excuse; nil when it has one.
    private func objection(_ node: Int, _ row: EnvelopeRow, _ recipient: RecipientRow, _ pair: Pair) -> String? {
        guard let document = books.documents[row.bundle],
            let home = network.agencies.first(where: { $0.code.text == recipient.name })?.home
        else { return "nobody knows its recipient" }
        let way = row.path.compactMap { stop in nodes.firstIndex { $0.id == stop.node } }
        switch recipient.state {
        case .deleted:
            return isChosen(pair, at: node, [.delete]) ? nil : "no operator there has chosen it"
        case .expired:
            if isChosen(pair, at: node, [.expire, .resubmit]) || isOver(document) { return nil }
            return "its lifetime is not over, and no operator there has chosen it"
        case .refused:
            return objectionToRefusal(node, recipient.reason, way, home: home, document, pair)
        default: return nil
        }
    }

    private func objectionToRefusal(
        _ node: Int, _ reason: ReportReason, _ way: [Int], home: Int, _ document: DocumentNote, _ pair: Pair
    ) -> String? {
        switch reason {
        case .loop, .noKnownRoute:
            // One that an operator has sent another way may come back by itself.
            if isTree, network.wrongRoutes.isEmpty, !isRerouted(pair) { return "nothing can go in a circle here" }
            return isDeadEnd(node, way, home: home) ? nil : "there is a hop outside of its way"
        case .refusedByNextHop:
            guard hasPassed(limits.refusalGrace, since: document) else { return "the grace is not over" }
            let refusers = ways(node, home: home).contains { hops in
                hops.filter { !way.contains($0) }.allSatisfy {
                    mayRefuse($0, from: node, way, home: home, document, pair)
                }
            }
            return refusers ? nil : "a next hop had no reason to refuse it"
        case .clockWasAhead:
            guard hasPassed(limits.refusalGrace, since: document) else { return "the grace is not over" }
            return network.clockOffsets.isEmpty && !books.steppedClocks.contains(document.home)
                ? "the submitter's clock was never ahead" : nil
        case .notAuthorised:
            return isRerouted(pair) ? nil : "its rights have not changed"
        default: return "no node here has such a reason"
        }
    }

    // MARK: - What the world knows

    private var isTree: Bool { network.edges.count < nodes.count }

    private func isChosen(_ pair: Pair, at node: Int, _ verbs: [DeedVerb]) -> Bool {
        verbs.contains { books.choices.contains(Choice(node: node, verb: $0, pair: pair)) }
    }

    /// An operator somewhere has ended records on their way to this node: what they said it may never hear.
    func hasLostRecords(_ home: SimulatedNode) -> Bool {
        books.choices.contains {
            [.delete, .expire].contains($0.verb) && $0.pair.recipient == home.id.text
        }
    }

    func isRerouted(_ pair: Pair) -> Bool {
        nodes.contains { isChosen(pair, at: $0.index, [.reroute]) }
    }

    /// Age goes by relay clocks, which gain what their wall clocks were wrong by at a start.
    private func hasPassed(_ span: Milliseconds, since document: DocumentNote) -> Bool {
        now - document.handedIn + nodes.reduce(0) { $0 + $1.clock.gained } >= span.count
    }

    private func isOver(_ document: DocumentNote) -> Bool {
        hasPassed(document.lifetime ?? limits.lifetimeDefault, since: document)
    }

    /// The lists of hops to a home that a node can have had: the right one, and the wrong one of its first configuration.
    private func ways(_ node: Int, home: Int) -> [[Int]] {
        let wrong = network.wrongRoutes.filter { $0.at == node && $0.target == home }.map(\.via)
        return [network.hops(from: node, to: home)] + wrong
    }

    private func isDeadEnd(_ node: Int, _ way: [Int], home: Int) -> Bool {
        node != home && ways(node, home: home).contains { hops in hops.allSatisfy(way.contains) }
    }

    /// Can this hop have said that it does not accept the copy?
    private func mayRefuse(
        _ hop: Int, from node: Int, _ way: [Int], home: Int, _ document: DocumentNote, _ pair: Pair
    ) -> Bool {
        if books.stubborn.contains(hop) || isOver(document) { return true }
        // What an operator has ended there half-received does not come again.
        if isChosen(pair, at: hop, [.delete, .expire]) { return true }
        // A clock that is behind takes what is new for what is of the future.
        if !network.clockOffsets.isEmpty || books.steppedClocks.contains(hop)
            || books.steppedClocks.contains(document.home)
        {
            return true
        }
        // A leaf sends for itself only; another's comes to it when an operator has sent it there.
        if network.neighbours(of: node).count == 1, document.home != node { return isRerouted(pair) }
        return isDeadEnd(hop, way + [node], home: home)
    }
}
