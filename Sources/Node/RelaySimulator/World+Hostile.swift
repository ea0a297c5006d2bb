// World, the hostile and the slow: a leaf that lies about its clock and in its reports, links that freeze with what they carry, links
// that are slow, and surges of urgent mail. They draw from a generator of their own, so that a world without them is the same world.
// What a liar may bring about is nothing: the judges know no excuse for it.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRows

extension World {
    /// A node whose neighbours all have others to compare it with; nil where there is none, or where a clock is wrong anyway.
    static func liar(of network: Network, _ random: inout SplitMix64) -> Int? {
        let fit = network.nodes.indices.filter { node in
            network.neighbours(of: node).allSatisfy { network.neighbours(of: $0).count > 1 }
        }
        return fit.isEmpty ? nil : fit[Int(random.next(below: UInt64(fit.count)))]
    }

    func hostileDeed() {
        guard !isHealed else { return }
        switch hostile.next(below: 8) {
        case 0: freeze()
        case 1, 2: slowLink()
        case 3, 4: surge()
        case 5: lieAboutTheClock()
        case 6: giveBack()
        default: forge()
        }
    }

    private func living() -> SimulatedSession? {
        let living = sessions.keys.sorted().filter { sessions[$0]?.isCut == false }
        return living.isEmpty ? nil : sessions[living[Int(hostile.next(below: UInt64(living.count)))]]
    }

    /// The other side goes silent, with what it had been sent, and is gone for longer than others wait for it.
    private func freeze() {
        guard let session = living() else { return }
        let length = 3_000 + hostile.next(below: 6_000)
        let pair = session.ends.map(\.node).sorted()
        note(
            pair[0], "freeze", UInt64(session.number), "session \(session.number) freezes for \(length) ms, and is cut")
        for from in [0, 1] {
            // What is under way arrives or not; answers do not come back.
            session.directions[from].stalledUntil = max(session.directions[from].stalledUntil, now + length + 10_000)
        }
        plan(.thaw(session: session.number), at: now + length)
    }

    func thaw(_ number: Int) {
        guard let session = sessions[number], !isHealed else { return }
        let pair = session.ends.map(\.node).sorted()
        closedEdges.insert(pair)
        plan(.edgeOpens(pair[0], pair[1]), at: now + 8_000 + hostile.next(below: 25_000))
        cut(session)
    }

    /// 64 to 320 kbit/s for a while.
    private func slowLink() {
        guard let session = living() else { return }
        let length = 20_000 + hostile.next(below: 50_000)
        let rate = 8 + hostile.next(below: 32)
        note(
            session.ends[0].node, "slow", rate, "session \(session.number) carries \(rate) octets a ms for \(length) ms"
        )
        for from in [0, 1] { session.directions[from].rate = rate }
        plan(.quickens(session: session.number), at: now + length)
    }

    func quicken(_ number: Int) {
        for from in [0, 1] { sessions[number]?.directions[from].rate = 20_000 }
    }

    /// Much urgent mail at once for one agency, some of the least urgent beside it, and some that will not live long.
    private func surge() {
        let home = Int(hostile.next(below: UInt64(nodes.count)))
        let away = network.agencies.filter { $0.home != home }
        let target = away[Int(hostile.next(below: UInt64(away.count)))]
        note(home, "surge", 0, "a surge for \(target.code)")
        // The link that it goes by is slow while it lasts.
        if let hop = network.hops(from: home, to: target.home).first {
            for number in sessions.keys.sorted() {
                guard let session = sessions[number], !session.isCut, Set(session.ends.map(\.node)) == [home, hop]
                else { continue }
                for from in [0, 1] { session.directions[from].rate = 20 + hostile.next(below: 20) }
                plan(.quickens(session: number), at: now + 60_000)
            }
        }
        for index in 0..<46 {
            let kind = index % 9
            let length = 3_000 + Int(hostile.next(below: 7_000))
            handIn(
                home, to: target.code, length: kind == 8 ? 2_000 : length, urgency: kind == 8 ? .normal : .flash,
                lifetime: kind == 4 ? .seconds(2 + hostile.next(below: 20)) : nil)
        }
    }

    @discardableResult
    func handIn(
        _ home: Int, to agency: AgencyCode, length: Int, urgency: Urgency, lifetime: Milliseconds?
    ) -> Ticket? {
        let node = nodes[home]
        guard node.isUp, let sender = network.agencies.first(where: { $0.home == home })?.code else { return nil }
        var bytes = ByteBuffer()
        bytes.writeInteger(hostile.next())
        bytes.writeRepeatingByte(UInt8(truncatingIfNeeded: length), count: length - 8)
        let digest = bytes.withUnsafeReadableBytes { SHA256Hasher.digest(of: $0) }
        let ticket = tickets.take()
        books.digests.insert(digest)
        node.submissions[ticket] = Handover(
            document: DocumentNote(
                sender: sender, recipients: [agency], digest: digest, length: UInt64(length), home: home,
                lifetime: lifetime, handedIn: now), digest: digest)
        post(
            .submitted(
                Submission(
                    ticket: ticket, sender: sender, recipients: [agency.text], urgency: urgency,
                    documentID: "\(ticket.number)/VB", payloadLength: UInt64(length), lifetime: lifetime)), to: home)
        post(.submissionBytes(ticket, bytes), to: home)
        post(.submissionCompleted(ticket, digest: digest), to: home)
        return ticket
    }

    /// A neighbour offers a copy that a node has sent it before it was held there, or so it says: a return, of what is still here.
    private func giveBack() {
        guard !plan.usesConversations else { return }
        let first = Int(hostile.next(below: UInt64(nodes.count)))
        for step in nodes.indices {
            let node = nodes[(first + step) % nodes.count]
            let relay = node.clock.relay(now)
            guard node.isUp, let row = heldRow(node, relay),
                let recipient = row.recipients.first(where: { $0.state == .held }),
                let code = AgencyCode(recipient.name), let document = row.document
            else { continue }
            let near = network.neighbours(of: node.index).filter { peer in
                network.neighbours(of: peer).count > 1 && !row.path.contains { $0.node == nodes[peer].id }
            }
            for peer in near {
                guard let session = session(of: node.index, toward: peer),
                    let bytes = node.payload(node.ranges(of: row)[0])
                else { continue }
                note(node.index, "givenBack", row.number, "\(nodes[peer].id) gives \(row.bundle) for \(code) back")
                books.givenBack.insert(row.bundle)
                let offer = Offer(
                    ticket: tickets.take(), session: session, bundle: row.bundle, destination: row.destination,
                    reportTo: row.bundle.source, piece: nil, payloadLength: row.payloadLength, lifetime: row.lifetime,
                    age: row.age(at: relay), hopLimit: 32, hopCount: row.hopCount + 2, isAdministrative: false,
                    wantsStatusReports: false, document: document,
                    copy: CopyDescription(
                        recipients: [code],
                        path: row.path + [PathStop(node: nodes[peer].id, time: nodes[peer].clock.wall(now))]),
                    header: [32, UInt8(truncatingIfNeeded: row.hopCount + 2)])
                post(.offered(offer), to: node.index)
                post(.offerBytes(offer.ticket, bytes), to: node.index)
                post(.offerCompleted(offer.ticket, digest: document.digest), to: node.index)
                return
            }
        }
    }

    /// A whole document of which a recipient has been held for a while, and none is on a link.
    private func heldRow(_ node: SimulatedNode, _ relay: RelayTime) -> EnvelopeRow? {
        node.read { rows in
            var found: EnvelopeRow?
            rows.scan(.envelope, prefix: RowKey()) { key, value in
                guard let row = EnvelopeRow(number: key.number(at: 0), record: value), row.kind == .document,
                    row.isComplete, !row.isInPieces, row.expiry > relay + .minutes(2), row.former == nil,
                    row.recipients.contains(where: { $0.state == .held && $0.since + .seconds(2) < relay })
                else { return true }
                found = row
                return false
            }
            return found
        }
    }

    // MARK: - The liar

    /// The session over which a node hears of another: its own, or its next hop's.
    private func session(of node: Int, toward other: Int) -> Ticket? {
        for hop in network.hops(from: node, to: other) {
            for number in sessions.keys.sorted() {
                guard let session = sessions[number], !session.isCut,
                    let end = session.ends.firstIndex(where: { $0.node == node }), session.ends[1 - end].node == hop,
                    session.ends[end].isKnown, !session.ends[end].isOver
                else { continue }
                return session.ends[end].ticket
            }
        }
        return nil
    }

    private func record(of liar: Int, created: UInt64) -> BundleID {
        BundleID(
            source: nodes[liar].id.endpoint, creationTime: created, sequence: 7 << 32 | hostile.next(below: 1 << 31))
    }

    /// To a neighbour: its own stamp is years off, or minutes; and sources that nobody knows say the same.
    private func lieAboutTheClock() {
        guard let liar, let near = network.neighbours(of: liar).first(where: { nodes[$0].isUp }),
            let session = session(of: near, toward: liar)
        else { return }
        let off: UInt64 = hostile.next(below: 2) == 0 ? 600_000 : 315_360_000_000
        let wall = SimulatedClock.epoch + now
        let stamp = hostile.next(below: 2) == 0 ? wall + off : wall - off
        note(near, "liesClock", stamp, "\(nodes[liar].id) says that it is \(stamp)")
        for index in 0..<8 {
            let ticket = tickets.take()
            var bundle = record(of: liar, created: stamp)
            var reporter = nodes[liar].id
            if index > 0 {
                reporter = NodeID(name: "la\(hostile.next(below: 1_000))")!
                bundle.source = reporter.endpoint
            }
            post(.event(.recordHeard(ticket: ticket, age: .zero)), to: near)
            post(
                .event(
                    .reported(ticket: ticket, session: session, reporter: reporter, bundle: bundle, rows: [])), to: near
            )
        }
    }

    /// To the node that submitted a document: that it has arrived at the liar's agency, where it has not, and that another's was refused.
    private func forge() {
        guard let liar else { return }
        let reporter = nodes[liar].id
        let known = books.accepted.suffix(40).filter { entry in
            entry.document.home != liar && nodes[entry.document.home].isUp
        }
        guard !known.isEmpty else { return }
        let entry = known[Int(hostile.next(below: UInt64(known.count)))]
        let home = entry.document.home
        guard let session = session(of: home, toward: liar) else { return }
        var stops = [home]
        while let last = stops.last, last != liar, stops.count < nodes.count {
            guard let hop = network.hops(from: last, to: liar).first(where: { !stops.contains($0) }) else { return }
            stops.append(hop)
        }
        let path = stops.map { PathStop(node: nodes[$0].id, time: nodes[$0].clock.wall(now)) }
        for recipient in entry.document.recipients {
            let isOwn = network.agencies.first { $0.code == recipient }?.home == liar
            let state: ReportedState = isOwn ? .arrived : hostile.next(below: 2) == 0 ? .refused : .arrived
            // By another who could have had it, it would be a lie that nobody can see through.
            let others = entry.document.recipients.filter { $0 != recipient }
            if !isOwn, state == .refused {
                let target = network.agencies.first { $0.code == recipient }?.home
                let isCoRecipient = others.contains { code in
                    network.agencies.first { $0.code == code }?.home == liar
                }
                guard isCoRecipient, let target, !network.mayPass(from: home, to: target, by: liar) else { continue }
            }
            let ticket = tickets.take()
            note(home, "forges", ticket.number, "\(reporter) says that \(entry.bundle) is \(state) for \(recipient)")
            post(
                .event(
                    .reported(
                        ticket: ticket, session: session, reporter: reporter,
                        bundle: record(of: liar, created: SimulatedClock.epoch + now),
                        rows: [
                            ReportRow(
                                bundle: entry.bundle, recipient: recipient, state: state,
                                time: nodes[liar].clock.wall(now), reason: .none, path: path)
                        ])), to: home)
        }
    }
}

extension Network {
    /// Can a copy come by a node on any of the ways that the nodes of this world may choose?
    func mayPass(from: Int, to: Int, by node: Int) -> Bool {
        if node == from || node == to { return true }
        var seen: Set<Int> = [from]
        var front = [from]
        while let here = front.popLast() {
            if here == to { continue }
            let wrong = wrongRoutes.filter { $0.at == here && $0.target == to }.flatMap(\.via)
            for hop in hops(from: here, to: to) + wrong where seen.insert(hop).inserted { front.append(hop) }
        }
        return seen.contains(node)
    }
}
