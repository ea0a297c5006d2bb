// RouteClasses: lists of next hops, numbered. A queue row stands under the number of its list, so a dead peer costs no write:
// the class is simply drawn from by the next live hop in its list.

import RelayModel
import RelayRouting
import RelayRows

/// The numbered lists of next hops. Small: as many as there are different lists in the routing table.
struct RouteClasses {
    private(set) var hops: [UInt32: [NodeID]] = [:]
    /// The lists in which a hop stands.
    private var numbersOfHop: [NodeID: Set<UInt32>] = [:]
    private var numbers: [RouteClassRow: UInt32] = [:]
    /// Classes of what waits for suspended agencies: nobody draws from them.
    private(set) var suspended: Set<UInt32> = []
    private(set) var order: [UInt32] = []

    /// Answers the keys of records that cannot be read: their numbers stay taken, and what waits under them is to be routed anew.
    mutating func load(_ rows: any RowReader) -> [(key: RowKey, record: [UInt8])] {
        var unreadable: [(RowKey, [UInt8])] = []
        rows.scan(.routeClass, prefix: RowKey()) { key, value in
            guard key.count == 4 else { return true }
            if let row = RouteClassRow(record: value) {
                add(key.number32(at: 0), row)
            } else {
                unreadable.append((RowKey(copying: key), [UInt8](value)))
                order.append(key.number32(at: 0))
            }
            return true
        }
        return unreadable
    }

    func listing(_ hop: NodeID) -> Set<UInt32> { numbersOfHop[hop] ?? [] }

    private mutating func add(_ number: UInt32, _ row: RouteClassRow) {
        hops[number] = row.hops
        for hop in row.hops { numbersOfHop[hop, default: []].insert(number) }
        numbers[row] = number
        order.append(number)
        if row.isSuspended { suspended.insert(number) }
    }

    /// The number of a list, given out and stored when it is new.
    mutating func number(for list: [NodeID], isSuspended: Bool = false, _ rows: any RowTransaction) -> UInt32 {
        let row = RouteClassRow(hops: list, isSuspended: isSuspended)
        if let known = numbers[row] { return known }
        let number = (order.last ?? 0) + 1
        add(number, row)
        rows.put(.routeClass, Keys.routeClass(number), row.encoded())
        return number
    }
}

/// Where one recipient's copy is to go from here.
enum Destiny: Equatable {
    case home
    /// Next hops in order of preference, never empty.
    case away([NodeID])
    case nowhere(ReportReason)
}

extension RelayCore {
    /// The way of an agency's copy, leaving out the nodes that it has already passed.
    func destiny(of agency: AgencyCode, avoiding path: [PathStop], origin: NodeID?) -> Destiny {
        guard let home = configuration.directory.home(of: agency) else { return .nowhere(.unknownAgency) }
        if home == node { return .home }
        return usable(configuration.routes.hops(for: agency, home: home), path, origin)
    }

    /// The way of a bundle to a node.
    func destiny(ofNode destination: NodeID, avoiding path: [PathStop], origin: NodeID?) -> Destiny {
        if destination == node { return .home }
        return usable(configuration.routes.hops(forNode: destination), path, origin)
    }

    private func usable(_ hops: [NodeID], _ path: [PathStop], _ origin: NodeID?) -> Destiny {
        func isKnown(_ hop: NodeID) -> Bool { peers.position(hop) != nil }
        func isOutside(_ hop: NodeID) -> Bool { hop != origin && !path.contains { $0.node == hop } }
        // As a rule all of them: then it is the list of the route itself.
        if !hops.isEmpty, hops.allSatisfy({ isKnown($0) && isOutside($0) }) { return .away(hops) }
        let known = hops.filter(isKnown)
        if known.isEmpty { return .nowhere(.noKnownRoute) }
        let outside = known.filter(isOutside)
        return outside.isEmpty ? .nowhere(.loop) : .away(outside)
    }

    /// The first hop of a class that can be given this envelope now; nil while a preferred one may still come back.
    func bestLiveHop(_ routeClass: UInt32, for row: EnvelopeRow, now: RelayTime) -> NodeID? {
        bestLiveHop(routeClass, row.urgency, bytes: row.payloadLength, number: row.number, now: now)
    }

    /// The first hop of a class that can be given envelopes of so many octets now (zero: any at all).
    func bestLiveHop(
        _ routeClass: UInt32, _ urgency: Urgency = .normal, bytes: UInt64 = 0, number: UInt64? = nil, now: RelayTime
    ) -> NodeID? {
        guard let hops = classes.hops[routeClass], !classes.suspended.contains(routeClass) else { return nil }
        for hop in hops {
            if isLive(hop, bytes: bytes, number: number) { return hop }
            if isExpectedBack(hop, urgency: urgency, now: now) { return nil }
        }
        return nil
    }
}

/// One pass over the queue after a reload: rows whose route has changed are put under their new class, a bounded number a turn.
struct RouteSweep {
    var next = RowKey()
    var moved = 0
    /// Rows of envelopes that were on a link; another pass looks at them.
    var passedOver = 0
    var notBefore: RelayTime = .zero
    static let rowsPerTurn = 512
}

extension RelayCore {
    mutating func reconfigure(_ new: CoreConfiguration, _ turn: inout Turn) {
        let old = configuration
        configuration = new
        let staying = Set(new.peers.map(\.node))
        let gone = peers.states.filter { !staying.contains($0.peer.node) }
        peers.replace(new.peers, now: turn.now.relay)
        loadNumbers(turn.rows)
        markSuspendedPeers()
        configureClock()
        homeFeatures.keep(new.directory.isHome)
        wakeForFailover(turn.now.relay)
        for state in gone {
            for session in state.sessions {
                turn.effects.append(.endSession(session: session, why: "peer removed from the configuration"))
            }
        }
        if old.routesDigest != new.routesDigest {
            sweep = RouteSweep()
            // The digest is written when the pass is over, so that one that was cut off is begun again.
            turn.rows.setNumber(.meta, "routesDigest", 0)
        }
    }

    mutating func sweepRoutes(_ turn: inout Turn) {
        guard var pass = sweep, pass.notBefore <= turn.now.relay else { return }
        var numbers: [(key: QueueKey, next: RowKey)] = []
        pass.next.withBytes { raw in
            turn.rows.scan(.queue, from: raw) { key, _ in
                if let queueKey = QueueKey(key) {
                    var after = RowKey(copying: key)
                    after.append(UInt8(0))
                    numbers.append((queueKey, after))
                }
                return numbers.count < RouteSweep.rowsPerTurn
            }
        }
        guard let last = numbers.last else {
            sweep = pass.passedOver > 0 ? RouteSweep(notBefore: turn.now.relay + .seconds(5)) : nil
            if sweep == nil { turn.rows.setNumber(.meta, "routesDigest", configuration.routesDigest) }
            if pass.moved > 0 {
                turn.effects.append(
                    .notice(
                        Notice(.notice, "routes changed: \(pass.moved) waiting copies re-routed", kind: .routesChanged))
                )
            }
            return
        }
        var next = last.next
        for entry in numbers {
            if turn.recipientsLeft <= 0 {
                next = entry.key.key
                break
            }
            if let busy = active[entry.key.number] {
                // Only what would move is worth another pass, or there would be no end of them under traffic.
                if isRoutedOtherwise(busy.row, entry.key) { pass.passedOver += 1 }
            } else if reroute(entry.key, &turn) {
                pass.moved += 1
            }
        }
        pass.next = next
        sweep = pass
    }

    /// Would `reroute` change something?
    private func isRoutedOtherwise(_ row: EnvelopeRow, _ key: QueueKey) -> Bool {
        row.recipients.contains { recipient in
            guard recipient.state.isQueued, recipient.routeClass == key.routeClass else { return false }
            let isSuspended = suspensions.of(agency: recipient.name) != nil
            let isOtherwise = classes.suspended.contains(key.routeClass) != isSuspended
            switch destiny(of: recipient, in: row) {
            case .home: return key.routeClass != 0
            case .away(let hops): return classes.hops[key.routeClass] != hops || isOtherwise
            case .nowhere: return isOtherwise && classes.hops[key.routeClass] != nil
            }
        }
    }

    /// Puts the recipients of one queue row under the class of their present route; true when that is another way.
    private mutating func reroute(_ key: QueueKey, _ turn: inout Turn) -> Bool {
        guard var row = envelope(key.number, &turn) else { return false }
        var changed = false
        // A suspension changes the class and not the way.
        var isOtherWay = false
        for index in row.recipients.indices
        where row.recipients[index].state.isQueued && row.recipients[index].routeClass == key.routeClass {
            let destiny = self.destiny(of: row.recipients[index], in: row)
            switch destiny {
            case .away(let hops):
                let number = routeClass(for: hops, row.recipients[index].name, turn.rows)
                if number == key.routeClass { continue }
                changed = true
                if classes.hops[key.routeClass] != hops { isOtherWay = true }
                unqueue(row, index, turn.rows)
                setClass(&row, index, hops: hops, &turn)
                row.recipients[index].refusedBy = []
                enqueue(row, index, &turn)
            case .home:
                if key.routeClass == 0 { continue }
                changed = true
                isOtherWay = true
                comeHome(&row, index, &turn)
            case .nowhere:
                // The agency has left the tables; whether it is suspended counts all the same.
                guard let hops = classes.hops[key.routeClass],
                    routeClass(for: hops, row.recipients[index].name, turn.rows) != key.routeClass
                else { continue }
                changed = true
                unqueue(row, index, turn.rows)
                keepWay(&row, index, &turn)
                enqueue(row, index, &turn)
            }
        }
        guard changed else { return false }
        turn.recipientsLeft -= row.recipients.count
        settle(&row, &turn)
        return isOtherWay
    }

    /// A copy that the routes lead nowhere keeps its old way, which may come back, until it expires; drawn from or not as the suspensions
    /// are today.
    mutating func keepWay(_ row: inout EnvelopeRow, _ index: Int, _ turn: inout Turn) {
        guard let hops = classes.hops[row.recipients[index].routeClass] else { return }
        setClass(&row, index, hops: hops, &turn)
    }

    /// An agency that was elsewhere is at home here now.
    mutating func comeHome(_ row: inout EnvelopeRow, _ index: Int, _ turn: inout Turn) {
        unqueue(row, index, turn.rows)
        if row.isComplete { ledger.reclassified(row, row.recipients[index], to: 0) }
        row.recipients[index].routeClass = 0
        if row.payloadCover != nil {
            // Nobody here can check or open it.
            return end(&row, index, .refused, .blockUnsupported, &turn)
        }
        guard row.isComplete else { return LookupIndex.park(row, turn.rows) }
        if row.isInPieces, row.document != nil {
            enqueue(row, index, &turn)
        } else {
            arrive(&row, index, &turn)
        }
    }

    /// Puts a recipient under the class of these hops; the age picture follows.
    mutating func setClass(_ row: inout EnvelopeRow, _ index: Int, hops: [NodeID], _ turn: inout Turn) {
        let number = routeClass(for: hops, row.recipients[index].name, turn.rows)
        if number != row.recipients[index].routeClass { keepCrashDoubt(&row, index, now: turn.now.relay) }
        if row.isComplete { ledger.reclassified(row, row.recipients[index], to: number) }
        row.recipients[index].routeClass = number
    }

    /// The present way of one recipient of a stored envelope; the hop that an operator has chosen comes first.
    func destiny(of recipient: RecipientRow, in row: EnvelopeRow) -> Destiny {
        if recipient.isReturning, let back = hopBack(row.path) { return .away([back]) }
        let destiny = routed(recipient, in: row)
        guard let via = recipient.via, peers.position(via) != nil, via != row.origin,
            !row.path.contains(where: { $0.node == via })
        else { return destiny }
        switch destiny {
        case .home: return .home
        case .away(let hops): return .away([via] + hops.filter { $0 != via })
        case .nowhere: return .away([via])
        }
    }

    private func routed(_ recipient: RecipientRow, in row: EnvelopeRow) -> Destiny {
        let before = row.path.filter { $0.node != node }
        if row.kind != .administrative, let agency = AgencyCode(recipient.name) {
            return destiny(of: agency, avoiding: before, origin: row.origin)
        }
        guard let destination = EndpointID(text: recipient.name)?.node else { return .nowhere(.noKnownRoute) }
        return destiny(ofNode: destination, avoiding: before, origin: row.origin)
    }
}
