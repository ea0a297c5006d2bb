// World, what leaves a node after its commit: to sessions, to agencies, to the network. Every effect is judged by what the store
// holds at this moment; the judgement knows rows, not decisions.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRows

extension World {
    func perform(_ effect: Effect, _ node: SimulatedNode) {
        switch effect {
        case .acknowledge(let session, let offer):
            judgeAnswer(offer, node, isCompleted: false)
            note(node.index, "ack", offer.number, "acknowledges offer \(offer.number)")
            hand(effect, session)
        case .refuse(let session, let offer, let refusal, let cause, let why):
            if refusal == .completed {
                judgeReturn(offer, node)
                judgeAnswer(offer, node, isCompleted: true)
            }
            note(
                node.index, "refuse", offer.number << 8 | UInt64(refusal.rawValue),
                "refuses offer \(offer.number) of \(node.offers[offer].map { "\($0.bundle) \($0.recipients)" } ?? "?"): \(refusal), \(why)"
            )
            judgeRefusal(refusal, cause, node.offers[offer]?.from, node)
            node.offers[offer] = nil
            hand(effect, session)
        case .send(let dispatch):
            note(
                node.index, "send", dispatch.number,
                "sends \(dispatch.bundle) #\(dispatch.number) to \(dispatch.peer) as \(dispatch.ticket.number) on \(dispatch.session.number), \(dispatch.payloadLength) octets of urgency \(dispatch.urgency.rawValue), for \(dispatch.copy?.recipients.map(\.text) ?? [dispatch.destination.text]), piece \(dispatch.piece.map { "\($0.offset)" } ?? "-")"
            )
            sent(dispatch, node)
            hand(effect, dispatch.session)
        case .recall(let session, let dispatch):
            note(node.index, "recall", dispatch.number, "asks for \(dispatch.number) back")
            summary.recalls += 1
            hand(effect, session)
        case .endSession(let session, _), .probe(let session), .endTwin(let session, _): hand(effect, session)
        case .dial(let peer):
            note(node.index, "dial", 0, "dials \(peer)")
            plan(.dialled(from: node.index, life: node.life, to: peer), at: now + 1 + random.next(below: 20))
        case .verify(let number, let payload, let digest):
            guard let found = node.digest(payload) else {
                return fail("\(node.id) wants to verify envelope \(number), but its payload is not in the store")
            }
            post(.event(.documentVerified(number: number, matches: found == digest)), to: node.index)
        case .answerSubmission(let ticket, let answer): submissionAnswered(ticket, answer, node)
        case .answerInbox(let ticket, let taken): inboxAnswered(ticket, taken, node)
        case .handOver(let step): handOver(step, node)
        case .answerOperation(let ticket, let answer): operationAnswered(ticket, answer, node)
        case .drained: fail("\(node.id) says that it is drained, and nobody has asked for it")
        case .notice(let notice):
            if notice.kind == .envelopeRenamed { summary.renamed += 1 }
            note(node.index, "notice", UInt64(notice.grade.rawValue), "notice: \(notice.text)")
        case .answerRestore: break
        case .reply(let tell): tell()
        case .auditHead(let head): note(node.index, "audit", head.order, "operator log at \(head.order)")
        }
    }

    private func hand(_ effect: Effect, _ ticket: Ticket) {
        guard let place = sessionOfTicket[ticket] else { return }
        sessions[place.session]?.perform(effect, place.end, self)
    }

    /// What goes into an engine passes here: offers are written down, and a stubborn node's links refuse them. False: dropped.
    func intercept(_ input: EngineInput, _ node: SimulatedNode) -> Bool {
        switch input {
        case .offered(let offer):
            let from = sessionOfTicket[offer.session].map { sessions[$0.session]?.ends[1 - $0.end].node ?? -1 } ?? -1
            judgeBegun(offer, node)
            node.offers[offer.ticket] = OfferNote(
                bundle: offer.bundle,
                recipients: offer.document != nil
                    ? offer.copy?.recipients.map(\.text) ?? [] : [offer.destination.text],
                pieceOffset: offer.piece?.offset, isDocument: offer.document != nil, from: from,
                former: offer.formerName, isReturn: offer.isReturn, path: offer.copy?.path ?? [])
            note(
                node.index, "offered", offer.ticket.number,
                "is offered \(offer.bundle) as \(offer.ticket.number), piece \(offer.piece.map { "\($0.offset)" } ?? "-") path \(offer.copy?.path.map(\.node.name) ?? [])"
            )
            if let stubborn = node.stubborn, stubborn.until > now, random.next(below: 100) < stubborn.share {
                node.offers[offer.ticket] = nil
                books.turnedDown.insert(offer.ticket)
                hand(
                    .refuse(
                        session: offer.session, offer: offer.ticket, stubborn.refusal, .contact,
                        why: "the simulator says so"),
                    offer.session)
                return false
            }
            return true
        case .event(.reported(let ticket, _, let reporter, let bundle, let rows)):
            note(
                node.index, "reported", ticket.number,
                "gets record \(bundle) of \(reporter) as \(ticket.number): \(rows.map { "\($0.bundle) \($0.recipient) \($0.state)" })"
            )
            return true
        case .offerBytes(let ticket, _), .offerCompleted(let ticket, _): return !books.turnedDown.contains(ticket)
        case .event(.transferAnswered(let session, let ticket, .returned)):
            judgeReturned(session, ticket, node)
            return true
        case .offerAbandoned(let ticket):
            node.offers[ticket] = nil
            return !books.turnedDown.contains(ticket)
        default: return true
        }
    }

    /// A copy that has been here and returns is never let go for a pair that is only held here: it may be on a link elsewhere because
    /// of the very copy that returns.
    private func judgeReturn(_ offer: Ticket, _ node: SimulatedNode) {
        guard let entry = node.offers[offer], entry.isDocument, entry.path.contains(where: { $0.node == node.id })
        else { return }
        node.read { rows in
            let envelopes = rows.envelopes(of: entry.bundle)
            for name in entry.recipients where !rows.hasSeen(entry.bundle, name) {
                let holders = envelopes.filter { row in row.recipients.contains { $0.name == name && !$0.isDuplicate } }
                let isSame = holders.contains { $0.path.dropLast().elementsEqual(entry.path) }
                let isHeld = holders.allSatisfy { row in
                    row.recipients.contains {
                        // Held before this batch, and after it.
                        $0.name == name && $0.state == .held && $0.since + .seconds(1) < node.clock.relay(now)
                    }
                }
                if !holders.isEmpty, !isSame, isHeld {
                    return fail(
                        "\(node.id) calls \(entry.bundle) for \(name) complete, which it only holds, as it returns")
                }
            }
        }
    }

    /// Invariants 1 and 3: what is acknowledged or called complete is on disk, for every recipient of the offered copy.
    private func judgeAnswer(_ offer: Ticket, _ node: SimulatedNode, isCompleted: Bool) {
        guard let entry = node.offers.removeValue(forKey: offer) else { return }
        if isCompleted { summary.completedAnswers += 1 }
        node.read { rows in
            let envelopes = rows.envelopes(of: entry.bundle)
            for name in entry.recipients {
                let holders = envelopes.filter { row in row.recipients.contains { $0.name == name } }
                if entry.isDocument, rows.hasSeen(entry.bundle, name) { continue }
                if isCompleted, let former = entry.former, rows.hasSeen(former, name) { continue }
                if holders.isEmpty {
                    fail(
                        "\(node.id) \(isCompleted ? "calls complete" : "acknowledges") \(entry.bundle) for \(name), but no committed row of it names that recipient"
                    )
                    return
                }
                guard let offset = entry.pieceOffset else {
                    if !holders.contains(where: \.isComplete) {
                        fail(
                            "\(node.id) \(isCompleted ? "calls complete" : "acknowledges") the whole of \(entry.bundle) for \(name), of which it has pieces only"
                        )
                    }
                    continue
                }
                let hasPiece = holders.contains { row in
                    row.isComplete || rows.pieces(of: row.number).contains { $0.offset <= offset && offset < $0.end }
                }
                if !hasPiece {
                    fail(
                        "\(node.id) \(isCompleted ? "calls complete" : "acknowledges") the piece at \(offset) of \(entry.bundle) for \(name), which is not in its store"
                    )
                }
            }
        }
    }

    /// Invariant: bounds are never exceeded.
    func checkBounds(_ node: SimulatedNode) {
        judgeShares(node)
        guard let core = node.engine?.core else { return }
        if core.activeCount > limits.activeMax {
            fail("\(node.id) has \(core.activeCount) active envelopes, more than \(limits.activeMax)")
        }
        if node.board?.picture(of: nil).onLinks != core.picture.onLinks {
            fail("\(node.id) shows other envelopes on its links than there are")
        }
        for view in core.peerViews where !view.sessions.isEmpty {
            if view.transfersInFlight > limits.windowTransfers * view.sessions.count {
                fail("\(node.id) has \(view.transfersInFlight) transfers in flight to \(view.node)")
            }
            let largest = PieceRange.grid + 65_536
            if view.bytesUnacknowledged > (limits.windowBytes + largest) * UInt64(view.sessions.count) {
                fail("\(node.id) has \(view.bytesUnacknowledged) bytes not acknowledged at \(view.node)")
            }
        }
    }
}
