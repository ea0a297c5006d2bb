// World, the operators: people at the nodes who hold, release, delete and take it back, reroute, suspend and resume, at the worst moments.
// After the healing they put in order what they have left: what is held is released, and every suspension ends.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows

extension World {
    private static let caller = Operator(uid: 1_000, login: "sim")

    /// One operator does something at some node.
    func operate() {
        guard !isHealed else { return }
        let node = nodes[Int(operators.next(below: UInt64(nodes.count)))]
        guard node.isUp else { return }
        summary.operations += 1
        switch operators.next(below: 14) {
        case 0: suspend(node, .suspend)
        case 1: suspend(node, .resume)
        case 2...4: look(node, .hold, selector(node))
        case 5: look(node, .release, stateSelector(.held))
        case 6: look(node, operators.next(below: 2) == 0 ? .retry : .requeue, selector(node))
        case 7, 8: look(node, .reroute, selector(node))
        case 9, 10: look(node, .delete, selector(node))
        case 11: look(node, .urgency, selector(node))
        case 12: look(node, .lifetime, selector(node))
        default: look(node, operators.next(below: 2) == 0 ? .resubmit : .expire, stateSelector(.held))
        }
    }

    private func selector(_ node: SimulatedNode) -> Selector {
        var selector = Selector()
        selector.withRecords = operators.next(below: 8) == 0
        let agency = network.agencies[Int(operators.next(below: UInt64(network.agencies.count)))].code
        switch operators.next(below: 5) {
        case 0: selector.to = .agency(agency)
        case 1: selector.from = .agency(agency)
        case 2: selector.peer = peer(of: node).map { PeerChoice(node: $0, isAnyHop: true) }
        case 3: selector.states = [.waiting, .deferred]
        default: selector.urgencies = [Urgency.allCases[Int(operators.next(below: 5))]]
        }
        return selector
    }

    private func stateSelector(_ state: PairState) -> Selector {
        var selector = Selector()
        selector.states = [state]
        selector.withRecords = true
        return selector
    }

    private func peer(of node: SimulatedNode) -> NodeID? {
        let peers = node.configuration.peers
        return peers.isEmpty ? nil : peers[Int(operators.next(below: UInt64(peers.count)))].node
    }

    /// A preview, as the control interface makes it: looked for in the last commit, by the index.
    private func look(_ node: SimulatedNode, _ verb: DeedVerb, _ selector: Selector) {
        guard let core = node.engine?.core else { return }
        let reading = node.clock.reading(now)
        let context = core.selectorContext(now: reading.relay, withActive: false)
        var pairs: Set<PairName> = []
        var bytes: UInt64 = 0
        node.read { rows in
            var scan = SelectorScan(selector, context, rows)
            while !scan.isAtEnd {
                scan.run(rows, context, budget: 7) { row, indexes in
                    for index in indexes where row.isComplete && verb.applies(to: row.recipients[index].state) {
                        pairs.insert(PairName(number: row.number, index: UInt32(index)))
                        let pair = Pair(bundle: row.bundle, recipient: row.recipients[index].name)
                        books.choices.insert(Choice(node: node.index, verb: verb, pair: pair))
                        bytes += row.payloadLength
                    }
                    return true
                }
            }
        }
        guard !pairs.isEmpty else { return }
        let draft = JobDraft(
            verb: verb, selector: selector, selectorText: "\(verb)", target: verb == .reroute ? peer(of: node) : nil,
            setting: setting(verb), reason: "the simulator says so", pairs: pairs.sorted(),
            count: UInt64(pairs.count), bytes: bytes, fixed: reading)
        ask(node, .preview(draft))
    }

    private func setting(_ verb: DeedVerb) -> DeedSetting {
        switch verb {
        case .urgency: .urgency(Urgency.allCases[Int(operators.next(below: 5))])
        case .lifetime:
            operators.next(below: 2) == 0
                ? .longer(.seconds(1 + operators.next(below: 600)))
                : .lifetime(.seconds(1 + operators.next(below: limits.lifetimeMax.count / 1_000)))
        default: .none
        }
    }

    private func suspend(_ node: SimulatedNode, _ verb: DeedVerb) {
        var selector = Selector()
        if operators.next(below: 2) == 0 {
            selector.peer = peer(of: node).map { PeerChoice(node: $0, isAnyHop: false) }
        } else {
            selector.to = .agency(network.agencies[Int(operators.next(below: UInt64(network.agencies.count)))].code)
        }
        suspend(node, verb, selector)
    }

    private func suspend(_ node: SimulatedNode, _ verb: DeedVerb, _ selector: Selector) {
        ask(
            node,
            .preview(
                JobDraft(
                    verb: verb, selector: selector, selectorText: "\(verb)",
                    span: .seconds(operators.next(below: 60)), reason: "the simulator says so", pairs: [], count: 0,
                    bytes: 0, fixed: node.clock.reading(now))))
    }

    private func ask(_ node: SimulatedNode, _ wish: Operation.Wish) {
        post(.event(.operated(Operation(ticket: tickets.take(), caller: Self.caller, wish: wish))), to: node.index)
    }

    /// Previews are applied; some jobs are cancelled, and many undone.
    func operationAnswered(_ ticket: Ticket, _ answer: OperationAnswer, _ node: SimulatedNode) {
        guard case .job(let job) = answer else { return }
        note(node.index, "job", job.number, "job \(job.number) \(job.verb) of \(job.count): \(job.phase)")
        switch job.phase {
        case .preview: plan(.wish(node: node.index, .apply(job.number)), at: now + operators.next(below: 3_000))
        case .running, .done:
            if operators.next(below: 8) == 0 {
                plan(.wish(node: node.index, .cancel(job.number)), at: now + operators.next(below: 20))
            }
            if job.verb.canBeUndone, operators.next(below: 2) == 0 {
                plan(.wish(node: node.index, .undo(job.number)), at: now + 100 + operators.next(below: 40_000))
            }
        default: break
        }
    }

    func wish(_ node: SimulatedNode, _ wish: Operation.Wish) { ask(node, wish) }

    /// What operators have left is put in order, until nothing is left.
    func mend(_ node: SimulatedNode) {
        plan(.mend(node: node.index), at: now + 60_000)
        guard node.isUp, let core = node.engine?.core else { return }
        look(node, .release, stateSelector(.held))
        for row in core.suspensionRows {
            var selector = Selector()
            switch row.subject {
            case .peer(let peer): selector.peer = PeerChoice(node: peer, isAnyHop: false)
            case .agency(let code): selector.to = .agency(code)
            case .subtree(let code): selector.to = .subtree(code)
            }
            suspend(node, .resume, selector)
        }
    }
}
