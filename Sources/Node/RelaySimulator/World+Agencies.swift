// World, the agencies: their systems hand in documents, look into their inboxes, check what they find, and acknowledge it.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelayRows

extension World {
    func submit() {
        let home = Int(random.next(below: UInt64(nodes.count)))
        let node = nodes[home]
        let own = network.agencies.filter { $0.home == home }
        let sender = own[Int(random.next(below: UInt64(own.count)))].code
        var texts: [String] = []
        var canonical: [AgencyCode] = []
        for _ in 0..<(1 + random.next(below: random.next(below: 4) == 0 ? 8 : 2)) {
            let agency = network.agencies[Int(random.next(below: UInt64(network.agencies.count)))]
            let usesAlias = !agency.aliases.isEmpty && random.next(below: 3) == 0
            texts.append(usesAlias ? agency.aliases[0].text : agency.code.text)
            if !canonical.contains(agency.code) { canonical.append(agency.code) }
        }
        if random.next(below: 40) == 0 { texts.append("X99.unknown") }
        let bytes = payload()
        let digest = bytes.withUnsafeReadableBytes { SHA256Hasher.digest(of: $0) }
        let lifetime: Milliseconds? =
            random.next(below: 12) == 0 && !plan.goesBack ? .seconds(20 + random.next(below: 300)) : nil
        let urgency = Urgency(rawValue: UInt8(random.next(below: 5))) ?? .normal
        let ticket = tickets.take()
        guard node.isUp else { return }
        books.digests.insert(digest)
        node.submissions[ticket] = Handover(
            document: DocumentNote(
                sender: sender, recipients: canonical, digest: digest, length: UInt64(bytes.readableBytes), home: home,
                lifetime: lifetime, handedIn: now), digest: digest)
        note(
            home, "submit", UInt64(bytes.readableBytes),
            "is handed \(bytes.readableBytes) bytes for \(texts), urgency \(urgency)")
        post(
            .submitted(
                Submission(
                    ticket: ticket, sender: sender, recipients: texts, urgency: urgency,
                    documentID: "\(ticket.number)/VB", payloadLength: UInt64(bytes.readableBytes), lifetime: lifetime)),
            to: home)
        sendBytes(bytes, digest, ticket, node)
    }

    /// At once, in two parts, or not at all.
    private func sendBytes(_ bytes: ByteBuffer, _ digest: Digest, _ ticket: Ticket, _ node: SimulatedNode) {
        var bytes = bytes
        switch random.next(below: 10) {
        case 0:
            let half = bytes.readSlice(length: bytes.readableBytes / 2) ?? ByteBuffer()
            post(.submissionBytes(ticket, half), to: node.index)
            plan(
                .bytesOfSubmission(node: node.index, life: node.life, ticket, bytes, digest),
                at: now + random.next(below: 4_000))
        case 1 where random.next(below: 2) == 0:
            post(
                .submissionBytes(ticket, bytes.readSlice(length: bytes.readableBytes / 2) ?? ByteBuffer()),
                to: node.index)
            post(.submissionAbandoned(ticket), to: node.index)
        default:
            post(.submissionBytes(ticket, bytes), to: node.index)
            post(.submissionCompleted(ticket, digest: digest), to: node.index)
        }
    }

    /// Mostly small, some of many chunks, a few of several pieces; no two alike.
    private func payload() -> ByteBuffer {
        // What is in pieces when its node goes back is lost with them.
        let kind = plan.goesBack ? 3 + random.next(below: 97) : random.next(below: 100)
        let length: Int
        switch kind {
        case 0..<2: length = Int(PieceRange.grid) + Int(random.next(below: 5 << 20))
        case 2..<3: length = Int(PieceRange.grid)
        case 3..<20: length = 20_000 + Int(random.next(below: 400_000))
        case 20..<22: length = Int(random.next(below: 2))
        default: length = 100 + Int(random.next(below: 9_000))
        }
        var block = ByteBuffer()
        for _ in 0..<64 { block.writeInteger(random.next()) }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(length)
        bytes.writeInteger(random.next())
        while bytes.readableBytes < length { bytes.writeImmutableBuffer(block) }
        return bytes.getSlice(at: 0, length: length) ?? ByteBuffer()
    }

    func submissionAnswered(_ ticket: Ticket, _ answer: SubmissionAnswer, _ node: SimulatedNode) {
        guard let handover = node.submissions.removeValue(forKey: ticket) else { return }
        switch answer {
        case .accepted(let bundle, let number), .repeated(let bundle, let number):
            note(node.index, "accepted", number, "accepts \(bundle) #\(number) for \(handover.document.recipients)")
            if books.documents[bundle] != nil { fail("\(node.id) gave out \(bundle) twice") }
            summary.accepted += 1
            books.accepted.append((bundle: bundle, document: handover.document))
            books.documents[bundle] = handover.document
            acceptedForLine(ticket, bundle)
            node.read { rows in
                guard let row = rows.envelope(number), row.bundle == bundle,
                    row.recipients.map(\.name) == handover.document.recipients.map(\.text)
                else {
                    return fail(
                        "\(node.id) accepted \(bundle), but its committed row is missing or of other recipients")
                }
            }
        case .refused(let problems, _):
            summary.refusedSubmissions += 1
            note(node.index, "refused", 0, "refuses a submission: \(problems)")
        }
    }

    /// An agency's system looks into its inbox, checks the bytes, and acknowledges what it has seen.
    func pick(_ node: SimulatedNode) {
        plan(.pick(node: node.index), at: now + 500 + random.next(below: 6_000))
        guard node.isUp else { return }
        for agency in network.agencies where agency.home == node.index {
            let hasSpool = network.hasSpool(agency.code)
            if hasSpool {
                emptySpool(of: agency.code, node)
                // Now and then somebody uses the inbox all the same, for one document.
                if random.next(below: 6) != 0 { continue }
            }
            var numbers: [UInt64] = []
            node.read { rows in
                let prefix = RowKey(text: agency.code.text)
                rows.scan(.inbox, prefix: prefix) { key, _ in
                    numbers.append(key.number(at: prefix.count))
                    return numbers.count < (hasSpool ? 1 : 20)
                }
            }
            // What is handing over may have been taken from the spool already.
            if hasSpool { numbers.removeAll { !isArrived($0, agency.code, node) } }
            if numbers.isEmpty || (!isHealed && random.next(below: 3) == 0) { continue }
            for number in numbers { look(at: number, for: agency.code, node) }
            let ticket = tickets.take()
            node.pickups[ticket] = Pickup(agency: agency.code, numbers: numbers)
            post(.event(.inboxAcknowledged(ticket: ticket, agency: agency.code, envelopes: numbers)), to: node.index)
            if random.next(below: 10) == 0 {
                // The answer was slow, so the agency says it again.
                post(
                    .event(.inboxAcknowledged(ticket: tickets.take(), agency: agency.code, envelopes: numbers)),
                    to: node.index)
            }
        }
    }

    private func isArrived(_ number: UInt64, _ agency: AgencyCode, _ node: SimulatedNode) -> Bool {
        node.read { $0.envelope(number) }?.recipients.contains { $0.name == agency.text && $0.state == .arrived }
            ?? false
    }

    private func look(at number: UInt64, for agency: AgencyCode, _ node: SimulatedNode) {
        guard let row = node.read({ $0.envelope(number) }) else {
            return fail("\(node.id): the inbox of \(agency) names envelope \(number), which has no row")
        }
        let pair = Pair(bundle: row.bundle, recipient: agency.text)
        if let digest = row.document?.digest { books.contents.insert(Content(digest: digest, recipient: agency.text)) }
        // A home that has gone back has in its inbox what was taken from it.
        if plan.goesBack { return lookAtContent(row, agency, node) }
        if let before = books.found[pair], before != (node.index, number) {
            return fail("\(agency) finds \(row.bundle) a second time, at \(node.id) as envelope \(number)")
        }
        if books.taken.contains(pair) {
            return fail("\(agency) finds \(row.bundle) in its inbox after it has taken it")
        }
        books.found[pair] = (node.index, number)
        // Two that are so short may be alike by chance.
        if let digest = row.document?.digest, row.payloadLength >= 16 {
            let content = Content(digest: digest, recipient: agency.text)
            if let first = books.firstNames[content], first != row.bundle {
                return fail("\(agency) finds the document of \(first) a second time, as \(row.bundle)")
            }
            books.firstNames[content] = row.bundle
        }
        lookAtContent(row, agency, node)
    }

    private func lookAtContent(_ row: EnvelopeRow, _ agency: AgencyCode, _ node: SimulatedNode) {
        guard let document = row.document, let digest = node.digest(node.ranges(of: row)) else {
            return fail("\(node.id): the payload of \(row.bundle) for \(agency) is not whole in the store")
        }
        if digest != document.digest || !books.digests.contains(digest) {
            fail("\(agency) finds other bytes in \(row.bundle) than were handed in")
        }
        if let known = books.documents[row.bundle] {
            if known.digest != digest || known.length != row.payloadLength || !known.recipients.contains(agency) {
                fail("\(agency) finds \(row.bundle), which was handed in with other content or for others")
            }
        }
    }

    func inboxAnswered(_ ticket: Ticket, _ taken: Int, _ node: SimulatedNode) {
        guard let pickup = node.pickups.removeValue(forKey: ticket) else { return }
        let numbers = pickup.numbers
        note(node.index, "taken", UInt64(taken), "an agency has taken \(taken) of \(numbers)")
        // What is handing over to a spool is not taken from the inbox.
        guard taken > 0 else { return }
        for number in numbers {
            node.read { rows in
                guard let row = rows.envelope(number) else { return }
                // Others of its recipients may have got theirs into a spool, and take it from there.
                for recipient in row.recipients
                where recipient.state == .delivered && recipient.name == pickup.agency.text {
                    books.taken.insert(Pair(bundle: row.bundle, recipient: recipient.name))
                }
            }
        }
    }
}
