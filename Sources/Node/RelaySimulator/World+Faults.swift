// World, what goes wrong, and the healing at the end. Each fault ends by itself.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayStore

extension World {
    func fault() {
        guard !isHealed else { return }
        summary.faults += 1
        let node = nodes[Int(random.next(below: UInt64(nodes.count)))]
        switch random.next(below: 18) {
        case 0...3: cutSomething()
        case 4: closeEdge()
        case 5: stall()
        case 6: [freeze, slow][Int(random.next(below: 2))]()
        case 7: stop(node, restartAfter: random.next(below: 15_000))
        case 8:
            node.nextFate = .crashBefore
            wakeSoon(node)
        case 9, 10:
            node.nextFate = .crashAfter
            wakeSoon(node)
        case 11: if !plan.hoards { fillDisk(node) }
        case 12: stepClock(node)
        case 13: reload(node)
        case 14: beStubborn(node)
        case 15, 16: breakChanges(node)
        default:
            node.commitLatency = random.next(below: 3) == 0 ? 300 : 3
            note(node.index, "slowDisk", node.commitLatency, "commits take \(node.commitLatency) ms")
        }
    }

    private func wakeSoon(_ node: SimulatedNode) {
        note(node.index, "fate", 0, "next commit: \(node.nextFate)")
    }

    private func cutSomething() {
        let living = sessions.keys.sorted().filter { sessions[$0]?.isCut == false }
        guard !living.isEmpty, let session = sessions[living[Int(random.next(below: UInt64(living.count)))]] else {
            return
        }
        cut(session)
    }

    private func closeEdge() {
        let edge = network.edges[Int(random.next(below: UInt64(network.edges.count)))]
        let pair = [min(edge.dialler, edge.listener), max(edge.dialler, edge.listener)]
        closedEdges.insert(pair)
        note(edge.dialler, "edge", UInt64(edge.listener), "the way to \(nodes[edge.listener].id) is closed")
        for number in sessions.keys.sorted() {
            guard let session = sessions[number], Set(session.ends.map(\.node)) == Set(pair) else { continue }
            cut(session)
        }
        plan(.edgeOpens(pair[0], pair[1]), at: now + random.next(below: 60_000))
    }

    /// One direction of a session carries nothing for a while; if that is long, the session is lost.
    private func stall() {
        let living = sessions.keys.sorted().filter { sessions[$0]?.isCut == false }
        guard !living.isEmpty, let session = sessions[living[Int(random.next(below: UInt64(living.count)))]] else {
            return
        }
        let direction = Int(random.next(below: 2))
        let length = random.next(below: 20_000)
        session.directions[direction].stalledUntil = now + length
        note(
            session.ends[direction].node, "stall", UInt64(session.number),
            "session \(session.number) stalls for \(length) ms")
        plan(.packets(session: session.number, from: direction), at: now + length)
        if length > 15_000 {
            for end in [0, 1] where !session.ends[end].isOver {
                plan(.lost(session: session.number, end: end), at: now + 12_000 + random.next(below: 4_000))
            }
        }
    }

    /// A hop hangs, or a cable is cut, and no connection notices: nothing passes either way, for long enough to be taken for silence.
    private func freeze() {
        guard
            let pair = sessions.keys.sorted().compactMap({ sessions[$0] }).filter({ !$0.isCut }).map({
                Set($0.ends.map(\.node))
            }).dropFirst(Int(random.next(below: 4))).first
        else { return }
        let until = now + 3_000 + random.next(below: 60_000)
        summary.freezes += 1
        for number in sessions.keys.sorted() {
            guard let session = sessions[number], !session.isCut, Set(session.ends.map(\.node)) == pair else {
                continue
            }
            note(session.ends[0].node, "freeze", UInt64(number), "session \(number) hangs until \(until)")
            for way in [0, 1] {
                session.directions[way].stalledUntil = max(session.directions[way].stalledUntil, until)
                plan(.packets(session: number, from: way), at: session.directions[way].stalledUntil)
                plan(.silence(session: number, end: way), at: now + 5_000 + random.next(below: 2_000))
            }
        }
    }

    /// A session becomes as slow as a modem for a while.
    private func slow() {
        let living = sessions.keys.sorted().filter { sessions[$0]?.isCut == false }
        guard !living.isEmpty, let session = sessions[living[Int(random.next(below: UInt64(living.count)))]] else {
            return
        }
        let rates = session.directions.map(\.rate)
        let rate = 8 + random.next(below: 120)
        for way in [0, 1] { session.directions[way].rate = min(rate, rates[way]) }
        note(session.ends[0].node, "slow", rate, "session \(session.number) carries \(rate) octets a millisecond")
        plan(.ratesReturn(session: session.number, rates: rates), at: now + 5_000 + random.next(below: 60_000))
    }

    private func fillDisk(_ node: SimulatedNode) {
        let reserve: UInt64 = 400_000
        node.store.reserveBytes = reserve
        node.store.capacityBytes = node.store.headRoom.usedBytes + reserve + random.next(below: 200_000)
        note(node.index, "fullDisk", node.store.capacityBytes, "its disk is nearly full")
        plan(.fullDiskEnds(node: node.index), at: now + random.next(below: 60_000))
    }

    func emptyDisk(_ node: SimulatedNode) {
        node.store.capacityBytes = plan.hoards ? Self.hoardedCapacity : .max
        node.store.reserveBytes = 0
    }

    /// Some change of the batches to come finds no room, as in LMDB when no run of free pages is long enough; sometimes several running.
    private func breakChanges(_ node: SimulatedNode) {
        node.store.isTight = random.next(below: 4) != 0
        node.store.failingChange = 1 + random.next(below: 80)
        node.failuresLeft = random.next(below: 6)
        note(
            node.index, "failingChange", node.store.failingChange ?? 0,
            "its store fails at a change, and \(node.failuresLeft) times more")
    }

    private func stepClock(_ node: SimulatedNode) {
        // Less than the quiet time at the end beyond what others take for the future.
        let step = Int64(random.next(below: 10_000_000)) - 5_000_000 - node.clock.offset + node.clock.usualOffset
        node.clock.offset += step
        books.steppedClocks.insert(node.index)
        note(node.index, "clock", UInt64(bitPattern: step), "its clock steps by \(step) ms")
        // What the daemon says when it sees the step, and again when the clock is right.
        if step.magnitude > 60_000 {
            post(.event(.clockDoubted(true, why: "the wall clock has stepped")), to: node.index)
            node.clock.offset -= random.next(below: 2) == 0 ? step : 0
            post(.event(.clockDoubted(false, why: "the wall clock is right")), to: node.index)
        }
    }

    private func reload(_ node: SimulatedNode) {
        node.routeTurn += 1
        node.hasRightRoutes = random.next(below: 2) == 0 || node.hasRightRoutes
        configure(node)
    }

    private func configure(_ node: SimulatedNode) {
        node.configuration = network.configuration(
            of: node.index, limits: limits, isRight: node.hasRightRoutes, turn: node.routeTurn)
        note(node.index, "reload", node.configuration.routesDigest, "reloads its routes")
        post(.event(.reconfigured(node.configuration)), to: node.index)
    }

    private func beStubborn(_ node: SimulatedNode) {
        let refusals: [Refusal] = [.notAcceptable, .noResources, .retransmit, .unknown, .extensionFailure]
        let refusal = refusals[Int(random.next(below: UInt64(refusals.count)))]
        // The other refusals leave the copy where it is.
        if refusal == .notAcceptable || refusal == .extensionFailure { books.stubborn.insert(node.index) }
        node.stubborn = (
            until: now + random.next(below: 20_000), refusal: refusal, share: 20 + random.next(below: 81)
        )
        note(node.index, "stubborn", UInt64(refusal.rawValue), "answers \(refusal) for a while")
    }

    /// No more faults: everything has to come to rest.
    func heal() {
        isHealed = true
        endHoarding()
        note(0, "heal", 0, "the world is healed")
        closedEdges = []
        for node in nodes {
            node.nextFate = .durable
            node.stubborn = nil
            node.failuresLeft = 0
            node.store.failingChange = nil
            node.store.isTight = false
            node.commitLatency = 3
            node.clock.offset = node.clock.usualOffset
            emptyDisk(node)
            node.routeTurn = 0
            node.hasRightRoutes = true
            configure(node)
            plan(.mend(node: node.index), at: now + 30_000)
        }
    }
}
