// Home: what happens at the two ends of a way: documents handed in here, and documents that wait for an agency here.

import RelayModel
import RelayRows

/// A submission whose bytes are coming in.
struct OpenSubmission {
    var submission: Submission
    var recipients: [AgencyCode]
    var number: UInt64
    var isMarked = false
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
        var recipients: [AgencyCode] = []
        for text in submission.recipients {
            guard let code = directory.canonical(text) else {
                object("recipient \(text.debugDescription): no such agency in the directory", .unknownAgency)
                continue
            }
            if recipients.contains(code) { continue }
            recipients.append(code)
            if case .nowhere(let reason) = destiny(of: code, avoiding: [], origin: nil) {
                object("recipient \(code): \(reason.word)", .noRoute)
            }
        }
        if submission.recipients.isEmpty { object("no recipient", .badRequest) }
        if recipients.count > DocumentDescription.recipientsMax {
            object("more than \(DocumentDescription.recipientsMax) recipients", .badRequest)
        }
        if submission.documentID.utf8.count > DocumentDescription.documentIDBytesMax {
            object("document ID longer than \(DocumentDescription.documentIDBytesMax) bytes", .badRequest)
        }
        if submission.payloadLength > limits.documentBytesMax {
            object("larger than the limit of \(limits.documentBytesMax) bytes", .tooLarge)
        }
        if let lifetime = submission.lifetime, lifetime > limits.lifetimeMax || lifetime == .zero {
            object("lifetime must be between 1 ms and \(limits.lifetimeMax.count) ms", .badRequest)
        }
        if drain != nil { object(Self.drainSentence, .noResources) }
        if problems.isEmpty, !hasRoom(for: submission.payloadLength, turn) {
            shortageAt = turn.now.relay
            object("the store is full up to its reserve; try again later", .noResources)
        }
        if problems.isEmpty, limits.senderQuota != .unlimited,
            exceeds(limits.senderQuota, ledger.stock(.sender(submission.sender), turn.rows), submission.payloadLength)
        {
            object("the quota of \(submission.sender) is used up", .noResources)
        }
        guard problems.isEmpty else {
            ledger.count(.submissionRefused(cause.rawValue))
            turn.effects.append(.answerSubmission(ticket: submission.ticket, .refused(problems, cause: cause)))
            return .drop
        }
        let number = takeNumber()
        submissions[submission.ticket] = OpenSubmission(submission: submission, recipients: recipients, number: number)
        stagedBytes += submission.payloadLength
        turn.promisedBytes += submission.payloadLength
        return .stage(extent: number)
    }

    /// All bytes of a submission are in the transaction (or before it).
    public mutating func submissionCompleted(_ ticket: Ticket, digest: Digest, _ turn: inout Turn) {
        guard let open = submissions.removeValue(forKey: ticket) else { return }
        decisions += 1
        let submission = open.submission
        stagedBytes -= submission.payloadLength
        if open.isMarked { turn.rows.delete(.staging, Keys.extent(open.number)) }
        let document = DocumentDescription(
            sender: submission.sender, recipients: open.recipients, urgency: submission.urgency,
            documentID: submission.documentID, payloadLength: submission.payloadLength, digest: digest)
        var row = EnvelopeRow(
            number: open.number, bundle: takeBundleID(&turn), kind: .document, urgency: submission.urgency,
            lifetime: submission.lifetime ?? limits.lifetimeDefault, ageAtArrival: .zero, arrival: turn.now,
            origin: nil,
            destination: .none, reportTo: node.endpoint, payloadLength: submission.payloadLength)
        row.document = document
        row.path = [PathStop(node: node, time: turn.now.wall)]
        row.hopLimit = limits.hopLimit
        row.receivedBytes = row.payloadLength
        row.isInPieces = row.payloadLength > PieceRange.grid
        if row.isInPieces { cut(row, turn.rows) }
        for code in open.recipients {
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
        record(&row, isComplete: true, &turn)
        turn.effects.append(.answerSubmission(ticket: ticket, .accepted(row.bundle, number: row.number)))
    }

    /// The caller has gone away, or its bytes did not come.
    public mutating func submissionAbandoned(_ ticket: Ticket, _ turn: inout Turn) {
        guard let open = submissions.removeValue(forKey: ticket) else { return }
        stagedBytes -= open.submission.payloadLength
        discard(extent: open.number, isMarked: open.isMarked, &turn)
    }

    /// Cuts a large document on the grid; the pieces lie one after another in its one extent.
    private func cut(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        var offset: UInt64 = 0
        while offset < row.payloadLength {
            let length = min(PieceRange.grid, row.payloadLength - offset)
            let piece = PieceRow(offset: offset, length: length, extent: row.number, extentOffset: offset)
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
