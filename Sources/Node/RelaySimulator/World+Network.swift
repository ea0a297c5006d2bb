// World, the network: dialling, carrying packets, cutting.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel

extension World {
    func isClosed(_ a: Int, _ b: Int) -> Bool { closedEdges.contains([min(a, b), max(a, b)]) }

    func dialled(_ from: Int, _ life: Int, _ to: NodeID) {
        let dialler = nodes[from]
        guard dialler.life == life, dialler.isUp else { return }
        guard let listener = nodes.first(where: { $0.id == to }), network.neighbours(of: from).contains(listener.index),
            listener.isUp, !isClosed(from, listener.index)
        else {
            note(from, "dialFailed", 0, "cannot reach \(to)")
            return post(.event(.dialFailed(peer: to, reason: "no route to host")), to: from)
        }
        nextSession += 1
        let ends = [dialler, listener].map { SessionEnd(node: $0.index, life: $0.life, ticket: tickets.take()) }
        let session =
            plan.usesConversations
            ? ConversationSession(number: nextSession, ends: ends) : ValueSession(number: nextSession, ends: ends)
        let slowness = random.next(below: 10)
        for direction in [0, 1] {
            session.directions[direction].latency = slowness == 0 ? 400 : 1 + random.next(below: 30)
            session.directions[direction].rate = slowness == 1 ? 200 : 5_000 + random.next(below: 50_000)
        }
        putOnLine(session)
        sessions[nextSession] = session
        for end in [0, 1] { sessionOfTicket[ends[end].ticket] = (session: nextSession, end: end) }
        note(from, "session", UInt64(nextSession), "session \(nextSession) with \(to)")
        session.opened(self)
    }

    func deliver(_ number: Int, _ from: Int) {
        guard let session = sessions[number], !session.isCut else { return }
        while failure == nil, !session.isCut, let packet = session.directions[from].next(now: now) {
            session.delivered(packet, 1 - from, self)
        }
        if let due = session.directions[from].nextDue, due > now, session.directions[from].stalledUntil > now {
            plan(.packets(session: number, from: from), at: due)
        }
    }

    /// Both ends lose the connection, each in its own time. A part of the packet under way may still come out.
    func cut(_ session: SimulatedSession) {
        guard !session.isCut else { return }
        for from in [0, 1] where random.next(below: 2) == 0 {
            let direction = session.directions[from]
            guard direction.head < direction.packets.count, direction.stalledUntil <= now,
                case .octets(let buffer) = direction.packets[direction.head].packet, buffer.readableBytes > 0,
                let part = buffer.getSlice(
                    at: buffer.readerIndex, length: Int(random.next(below: UInt64(buffer.readableBytes))))
            else { continue }
            session.delivered(.octets(part), 1 - from, self)
        }
        session.isCut = true
        summary.cuts += 1
        note(session.ends[0].node, "cut", UInt64(session.number), "session \(session.number) is cut")
        for end in [0, 1] where !session.ends[end].isOver {
            plan(.lost(session: session.number, end: end), at: now + random.next(below: 3_000))
        }
        forget(session)
    }

    /// One end has closed the connection, or its process is gone: the other reads what is under way, and then the end.
    func closed(_ session: SimulatedSession, _ end: Int) {
        note(session.ends[end].node, "closed", UInt64(session.number), "has closed session \(session.number)")
        let other = 1 - end
        if session.ends[other].isOver { return forget(session) }
        let direction = session.directions[end]
        let drained = direction.packets.last.map { max($0.due, direction.stalledUntil) } ?? now
        plan(.lost(session: session.number, end: other), at: max(now, drained) + 1)
    }

    private func forget(_ session: SimulatedSession) {
        guard session.isOver else { return }
        sessions[session.number] = nil
        for end in session.ends { sessionOfTicket[end.ticket] = nil }
    }
}
