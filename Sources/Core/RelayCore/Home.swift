// Home: what happens at the two ends of a way: documents handed in here, and documents that wait for an agency here.

import RelayModel
import RelayRows

/// A submission whose bytes are coming in.
struct OpenSubmission {
    var submission: Submission
    var recipients: [AgencyCode]
    var number: UInt64
    var isMarked = false
    var received: UInt64 = 0
    /// When the last octet came.
    var touched: RelayTime
}

extension RelayCore {
    /// A document is handed in. All or nothing: one bad recipient refuses it, by name.
    public mutating func submitted(_ submission: Submission, _ turn: inout Turn) -> Verdict {
        var problems: [String] = []
        var cause = SubmissionRefusal.badRequest
        func object(_ text: String, _ why: SubmissionRefusal) {
            if problems.isEmpty { cause = why }
            problems.append(text)
        }
        let directory = configuration.directory
        if directory.home(of: submission.sender) != node {
            object("sender \(submission.sender) is not at home at this node", .notAuthorised)
        }
        // Bounds first: who names too many is not looked up name by name.
        let isTooMany = submission.recipients.count > limits.recipientsMax
        if isTooMany { object("more than \(limits.recipientsMax) recipients", .badRequest) }
        var recipients: [AgencyCode] = []
        var known: Set<AgencyCode> = []
        for text in isTooMany ? [] : submission.recipients {
            guard let code = directory.canonical(text) else {
                object("recipient \(text.debugDescription): no such agency in the directory", .unknownAgency)
                continue
            }
            guard known.insert(code).inserted else { continue }
            recipients.append(code)
            if case .nowhere(let reason) = destiny(of: code, avoiding: [], origin: nil) {
                object("recipient \(code): \(reason.word)", .noRoute)
            }
        }
        if submission.recipients.isEmpty { object("no recipient", .badRequest) }
        if submission.documentID.utf8.count > DocumentDescription.documentIDBytesMax {
            object("document ID longer than \(DocumentDescription.documentIDBytesMax) bytes", .badRequest)
        }
        if submission.payloadLength > limits.documentBytesMax {
            object("larger than the limit of \(limits.documentBytesMax) bytes", .tooLarge)
        }
        if let lifetime = submission.lifetime, lifetime > limits.lifetimeMax || lifetime == .zero {
            object(
                "the lifetime is more than zero and at most \(limits.lifetimeMax.text) (limits.lifetime_max)",
                .badRequest)
        }
        if drain != nil { object(Self.drainSentence, .noResources) }
        let overhead = UInt64(max(recipients.count, 1) - 1) * EnvelopeHolding.recipientBytes
        let wanted = submission.payloadLength.addingSaturating(overhead)
        if problems.isEmpty, isBeyondShare(.sender(submission.sender), wanted, isNew: true, turn.rows) {
            noteShareUsed(.sender(submission.sender), &turn)
            object(Self.quotaSentence(submission.sender), .noResources)
        }
        if problems.isEmpty, !makesRoom(for: wanted, .sender(submission.sender), &turn) {
            shortageAt = turn.now.relay
            object(Self.fullSentence, .noResources)
        }
        guard problems.isEmpty else {
            ledger.count(.submissionRefused(cause.rawValue))
            turn.effects.append(.answerSubmission(ticket: submission.ticket, .refused(problems, cause: cause)))
            return .drop
        }
        let number = takeNumber()
        // Its octets take room as they come: nobody keeps others out by announcing what he does not send.
        submissions[submission.ticket] = OpenSubmission(
            submission: submission, recipients: recipients, number: number, touched: turn.now.relay)
        openOnes.add(.sender(submission.sender), number, submission.ticket)
        unmarked.append(submission.ticket)
        openShares.open(submission.sender, 0)
        return .stage(extent: number)
    }

    /// All bytes of a submission are in the transaction (or before it).
    public mutating func submissionCompleted(_ ticket: Ticket, digest: Digest, _ turn: inout Turn) {
        guard let open = closeSubmission(ticket) else { return }
        decisions += 1
        let submission = open.submission
        openShares.close(submission.sender, open.received)
        if let key = submission.key, let answer = answer(to: key, submission, digest: digest, turn) {
            if case .refused(_, let cause) = answer { ledger.count(.submissionRefused(cause.rawValue)) }
            discard(extent: open.number, isMarked: open.isMarked, &turn)
            return turn.effects.append(.answerSubmission(ticket: ticket, answer))
        }
        if open.isMarked { turn.rows.delete(.staging, Keys.extent(open.number)) }
        // Where it was taken, its bytes lie under the first number, whatever it is split into.
        var rows = split(open.recipients).enumerated().map { index, group in
            submitted(submission, for: group, digest, number: index == 0 ? open.number : takeNumber(), &turn)
        }
        let names = rows.map(\.bundle)
        for index in rows.indices {
            rows[index].extent = open.number
            rows[index].siblings = names.filter { $0 != rows[index].bundle }
            if rows.count > 1 {
                turn.rows.put(.lookup, LookupIndex.key(.sharer, String(open.number), rows[index].number))
            }
        }
        for var row in rows {
            if row.isInPieces { cut(row, turn.rows) }
            record(&row, isComplete: true, &turn)
        }
        if let key = submission.key { remember(key, submission, digest: digest, rows[0], turn) }
        turn.effects.append(.answerSubmission(ticket: ticket, .accepted(names[0], number: open.number)))
    }

    /// A node of another make takes bundles for one recipient only: whose way leads to such a one gets an envelope of its own, the first
    /// one is for all others. The document is the same, and lies here once.
    private func split(_ recipients: [AgencyCode]) -> [[AgencyCode]] {
        guard recipients.count > 1, peers.states.contains(where: { !$0.peer.isEdoc }) else { return [recipients] }
        let alone = recipients.filter { code in
            guard case .away(let hops) = destiny(of: code, avoiding: [], origin: nil) else { return false }
            return hops.contains { hop in peers.look(hop, { $0.peer.isEdoc }) == false }
        }
        let together = recipients.filter { !alone.contains($0) }
        return (together.isEmpty ? [] : [together]) + alone.map { [$0] }
    }

    private mutating func submitted(
        _ submission: Submission, for recipients: [AgencyCode], _ digest: Digest, number: UInt64, _ turn: inout Turn
    ) -> EnvelopeRow {
        var row = EnvelopeRow(
            number: number, bundle: takeBundleID(&turn), kind: .document, urgency: submission.urgency,
            lifetime: submission.lifetime ?? limits.lifetimeDefault, ageAtArrival: .zero, arrival: turn.now,
            origin: nil, destination: .none, reportTo: node.endpoint, payloadLength: submission.payloadLength)
        row.document = DocumentDescription(
            sender: submission.sender, recipients: recipients, urgency: submission.urgency,
            documentID: submission.documentID, payloadLength: submission.payloadLength, digest: digest)
        row.path = [PathStop(node: node, time: turn.now.wall)]
        row.hopLimit = limits.hopLimit
        row.receivedBytes = row.payloadLength
        row.holding.overhead = UInt64(max(recipients.count, 1) - 1) * EnvelopeHolding.recipientBytes
        row.isInPieces = row.payloadLength > PieceRange.grid
        for code in recipients {
            var recipient = RecipientRow(
                name: code.text, state: .waiting, routeClass: 0, due: turn.now.relay, since: turn.now.relay)
            switch destiny(of: code, avoiding: [], origin: nil) {
            case .home: break
            case .away(let hops): recipient.routeClass = routeClass(for: hops, recipient.name, turn.rows)
            case .nowhere(let reason):
                // The routes have changed since the first look; the recipient ends as refused, and the submitter sees it.
                recipient.state = .refused
                recipient.reason = reason
            }
            row.recipients.append(recipient)
        }
        return row
    }

    /// The caller has gone away, or its bytes did not come.
    public mutating func submissionAbandoned(_ ticket: Ticket, _ turn: inout Turn) {
        guard let open = closeSubmission(ticket) else { return }
        openShares.close(open.submission.sender, open.received)
        discard(extent: open.number, isMarked: open.isMarked, &turn)
    }

    static let fullSentence = "the store is full up to its reserve; try again later"
    static func quotaSentence(_ sender: AgencyCode) -> String { "the quota of \(sender) is used up" }
    static func stillSentence(_ wait: Milliseconds) -> String { "no octet has come for \(wait.text)" }

    /// The rest of a submission is not wanted: its caller hears why.
    mutating func dropSubmission(_ ticket: Ticket, _ why: String, _ turn: inout Turn) {
        guard submissions[ticket] != nil else { return }
        submissionAbandoned(ticket, &turn)
        shortageAt = turn.now.relay
        ledger.count(.submissionRefused(SubmissionRefusal.noResources.rawValue))
        turn.effects.append(.answerSubmission(ticket: ticket, .refused([why], cause: .noResources)))
    }

    /// Cuts a large document on the grid; the pieces lie one after another in its one extent.
    private func cut(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        var offset: UInt64 = 0
        while offset < row.payloadLength {
            let length = min(PieceRange.grid, row.payloadLength - offset)
            let piece = PieceRow(offset: offset, length: length, extent: row.extent, extentOffset: offset)
            rows.put(.piece, Keys.piece(row.number, offset: offset), piece.encoded())
            offset += length
        }
    }

    /// An agency's system has taken documents: delivered, which is final.
    mutating func inboxAcknowledged(
        _ ticket: Ticket, _ agency: AgencyCode, _ envelopes: [UInt64], _ turn: inout Turn
    ) {
        var taken = 0
        for number in envelopes {
            guard var row = envelope(number, &turn),
                let index = row.recipients.firstIndex(where: {
                    $0.name == agency.text
                        && ($0.state == .arrived || $0.state == .handing && hasLostItsFolder(number, agency))
                })
            else { continue }
            leaveSpool(row.recipients[index], number, &turn)
            end(&row, index, .delivered, .none, &turn)
            settle(&row, &turn)
            taken += 1
        }
        turn.effects.append(.answerInbox(ticket: ticket, taken: taken))
    }

    /// Documents that came in pieces and are at home here: their digest is checked before they arrive. A few at a time.
    mutating func verifyDocuments(_ turn: inout Turn) {
        for urgency in Urgency.allCases.reversed() where verifying.count < 4 {
            var budget = 64
            let key = LaneKey(routeClass: 0, urgency: urgency)
            while verifying.count < 4,
                let queueKey = nextInLane(key, now: turn.now.relay, budget: &budget, turn.rows)
            {
                guard !verifying.contains(queueKey.number), let row = envelope(queueKey.number, &turn),
                    let document = row.document
                else { continue }
                verifying.insert(row.number)
                let payload = pieces(of: row.number, turn.rows).map {
                    ExtentRange(extent: $0.extent, offset: $0.extentOffset, length: $0.length)
                }
                turn.effects.append(.verify(number: row.number, payload: payload, digest: document.digest))
            }
        }
    }

    /// The store has lost a part of it. It is set aside under the eyes of the operator; nobody is told that it was refused.
    mutating func documentUnreadable(_ number: UInt64, _ turn: inout Turn) {
        verifying.remove(number)
        damaged.remove(number)
        guard var row = envelope(number, &turn) else { return }
        // What is on a link at this moment may still get across: its answer decides.
        for copy in active[number]?.copies ?? [] where copy.flights.isEmpty { closeCopy(number, copy.session) }
        let busy = Set(active[number]?.copies.flatMap(\.recipients) ?? [])
        var isNews = false
        for index in row.recipients.indices where row.recipients[index].state.isQueued && !busy.contains(index) {
            unqueue(row, index, turn.rows)
            move(&row, index, to: .corrupt, turn.now.relay)
            row.recipients[index].lastAnswer = "its payload cannot be read back"
            isNews = true
        }
        // In its inbox it would be handed out by nobody; back from here, it lies there again.
        for index in row.recipients.indices where row.recipients[index].state == .arrived {
            turn.rows.delete(.inbox, Keys.inbox(row.recipients[index].name, number: number))
            move(&row, index, to: .corrupt, turn.now.relay)
            row.recipients[index].hasArrived = true
            row.recipients[index].lastAnswer = "its payload cannot be read back"
            isNews = true
        }
        guard isNews else { return }
        LookupIndex.park(row, turn.rows)
        for recipient in row.recipients where recipient.state == .corrupt {
            report(row, recipient, .delayed, &turn, reason: .unreadable)
        }
        if reckoning?.reading == number { reckoning?.result.badPayloads += 1 }
        ledger.count(.corruptRecord)
        turn.effects.append(
            .notice(
                Notice(
                    .alarm, "a document's payload cannot be read back; set aside", envelope: row.bundle,
                    kind: .payloadUnreadable)))
        settle(&row, &turn)
    }

    /// The envelopes of which the queue or the links have met a piece that cannot be read.
    mutating func setDamagedAside(_ turn: inout Turn) {
        turn.effects += startNotices
        startNotices = []
        for number in damaged.sorted() { documentUnreadable(number, &turn) }
    }

    mutating func documentVerified(_ number: UInt64, _ matches: Bool, _ turn: inout Turn) {
        verifying.remove(number)
        // Of a document that waits elsewhere than for this: what is here is not what was sent.
        if !matches, reckoning?.reading == number { documentUnreadable(number, &turn) }
        guard var row = envelope(number, &turn) else { return }
        for index in row.recipients.indices
        where row.recipients[index].state.isQueued && row.recipients[index].routeClass == 0 {
            if matches {
                arrive(&row, index, &turn)
            } else {
                unqueue(row, index, turn.rows)
                ledger.count(.refusedToPeer(RefusalCause.digestMismatch.rawValue))
                end(&row, index, .refused, .digestMismatch, &turn)
            }
        }
        if !matches {
            turn.effects.append(
                .notice(
                    Notice(.alarm, "payload does not match its digest", envelope: row.bundle, kind: .digestMismatch)))
        }
        settle(&row, &turn)
    }
}
