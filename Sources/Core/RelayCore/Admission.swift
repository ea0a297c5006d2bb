// Admission: whether a copy offered by a peer is taken, for which recipients, and what is written when its bytes are complete.
//
// An offer is judged twice: when its header is known, so that nothing unwanted is received, and again when its bytes are
// complete, because another link may have brought the same envelope meanwhile; once only when nothing was decided between.

import RelayModel
import RelayRows

/// An offer whose bytes are coming in.
struct OpenOffer {
    var offer: Offer
    var peer: NodeID
    /// Where the bytes go; for a whole bundle also the number of its envelope.
    var extent: UInt64
    /// Octets promised for it: of the whole document, when this is its first piece.
    var promised: UInt64
    /// True when a row in `staging` names the extent, since its bytes span more than one commit.
    var isMarked = false
    /// The judgement of its header, and `decisions` when it was made.
    var judgement: Judgement
    var judgedAt: UInt64
}

/// What the books say of one offered recipient.
enum Standing: Equatable {
    /// Held here, ended here, or handed on by an offer that is not a return.
    case known
    /// We have handed it on, and it comes back.
    case returned
}

/// The judgement of an offer.
enum Judgement {
    /// Rows for its recipients; for a bundle without a path, the hops that it has come back from.
    case take([RecipientRow], avoiding: [PathStop])
    /// One more piece of an envelope that is being received.
    case join(UInt64)
    /// A copy of this node's own has come back and is sent under a new name; the number of its old row.
    case renew([RecipientRow], UInt64)
    case refuse(Refusal, why: String, count: RefusalCause)
}

/// Why something was refused, as it is counted.
public enum RefusalCause: String, Sendable, CaseIterable {
    case duplicate, loop, expired, creationInFuture, hopLimit, pathTooLong, tooLarge, notAuthorised, unknownAgency,
        noRoute
    case noResources, quota, draining, digestMismatch, contentConflict, badCopy, tooManyPieces, unknownPeer
    case forgedReport, badPayload
    /// A piece of a document whose first pieces were lost with the old store.
    case lostInPart
    /// Called complete by its number alone: 0.3 has remembered it without a hash, and its history has gone.
    case duplicateByNumber
    /// A copy that came back, and was not sent from here to whom it came from.
    case falseReturn
    /// A rule of the session protocol broken; contact that came to nothing.
    case violation, contact
}

extension RelayCore {
    /// A peer offers a bundle; its header is known.
    public mutating func offered(_ offer: Offer, _ turn: inout Turn) -> Verdict {
        guard let session = sessions[offer.session] else {
            if isPending(offer.session) {
                refuse(offer, .noResources, "it is not known yet who the peer is", .unknownPeer, &turn)
                return .drop
            }
            // The engine has started over since this session began; the peer offers again on the next one.
            refuse(offer, .sessionTerminating, "the session is over", .unknownPeer, &turn)
            return .drop
        }
        let promised: UInt64
        let judgement = judge(offer, from: session.peer, isGranted: false, &turn)
        switch judgement {
        case .refuse(let refusal, let why, let cause):
            refuse(offer, refusal, why, cause, &turn)
            return .drop
        // The first piece is promised the room for all of them; the row takes the promise over.
        case .take, .renew: promised = offer.documentLength
        case .join: promised = offer.payloadLength
        }
        heard(of: offer.copy?.path ?? [], turn.now)
        let extent = takeNumber()
        offers[offer.ticket] = OpenOffer(
            offer: offer, peer: session.peer, extent: extent, promised: promised, judgement: judgement,
            judgedAt: decisions)
        stagedBytes += promised
        sessions[offer.session]?.openOffers += 1
        sessions[offer.session]?.promisedBytes += promised
        return .stage(extent: extent)
    }

    /// What was promised to an offer is used, or given back.
    private mutating func release(_ open: OpenOffer) {
        stagedBytes -= open.promised
        sessions[open.offer.session]?.openOffers -= 1
        sessions[open.offer.session]?.promisedBytes -= open.promised
    }

    /// All bytes of an offer are in the transaction (or before it). `digest`: of the whole bundle's payload.
    public mutating func offerCompleted(_ ticket: Ticket, digest: Digest?, _ turn: inout Turn) {
        guard let open = offers.removeValue(forKey: ticket) else { return }
        let offer = open.offer
        release(open)
        turn.promisedBytes = turn.promisedBytes.addingSaturating(offer.payloadLength)
        if offer.piece == nil, let document = offer.document, let digest, digest != document.digest {
            discard(open, &turn)
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm, "payload does not match its digest", peer: open.peer, envelope: offer.bundle,
                        kind: .digestMismatch)))
            return refuse(offer, .notAcceptable, "digest mismatch", .digestMismatch, &turn)
        }
        let isUnchanged = open.judgedAt == decisions
        decisions += 1
        switch isUnchanged ? open.judgement : judge(offer, from: open.peer, isGranted: true, &turn) {
        case .refuse(let refusal, let why, let cause):
            discard(open, &turn)
            refuse(offer, refusal, why, cause, &turn)
        case .renew(let recipients, let old):
            if open.isMarked { turn.rows.delete(.staging, Keys.extent(open.extent)) }
            renew(open, recipients, old, &turn)
            turn.effects.append(.acknowledge(session: offer.session, offer: ticket))
        case .join(let number):
            if open.isMarked { turn.rows.delete(.staging, Keys.extent(open.extent)) }
            addPiece(open, to: number, &turn)
            turn.effects.append(.acknowledge(session: offer.session, offer: ticket))
        case .take(let recipients, let tried):
            if open.isMarked { turn.rows.delete(.staging, Keys.extent(open.extent)) }
            admit(open, recipients, avoiding: tried, &turn)
            noteTaken(offer.bundle, turn.rows)
            reportKnownByFormerName(offer, &turn)
            turn.effects.append(.acknowledge(session: offer.session, offer: ticket))
        }
    }

    /// The bytes of an offer will not come (link lost, bad payload, refused by the link itself).
    public mutating func offerAbandoned(_ ticket: Ticket, _ turn: inout Turn) {
        guard let open = offers.removeValue(forKey: ticket) else { return }
        release(open)
        discard(open, &turn)
    }

    /// True while the bytes of this offer or submission are still wanted.
    public func isOpen(_ ticket: Ticket) -> Bool { offers[ticket] != nil || submissions[ticket] != nil }

    mutating func abandonOffers(of session: Ticket, _ turn: inout Turn) {
        for ticket in offers.keys.filter({ offers[$0]?.offer.session == session }).sorted() {
            offerAbandoned(ticket, &turn)
        }
    }

    /// The bytes written so far are removed by and by; a row says so until they are gone.
    private mutating func discard(_ open: OpenOffer, _ turn: inout Turn) {
        discard(extent: open.extent, isMarked: open.isMarked, &turn)
    }

    private mutating func refuse(
        _ offer: Offer, _ refusal: Refusal, _ why: String, _ cause: RefusalCause, _ turn: inout Turn
    ) {
        ledger.count(.refusedToPeer(cause.rawValue))
        var refusal = refusal
        if cause == .contentConflict, offer.document != nil, !offer.isReturn,
            sessions[offer.session]?.facts.understands(.returns) ?? false
        {
            refusal = .numberTaken
        }
        if refusal == .completed { reportKnownByFormerName(offer, &turn) }
        turn.effects.append(.refuse(session: offer.session, offer: offer.ticket, refusal, why: why))
    }

    /// Extents that are still being filled at the end of a batch are named in `staging`, so that a restart removes them.
    mutating func markStaged(_ turn: inout Turn) {
        for ticket in offers.keys.sorted() where offers[ticket]?.isMarked == false {
            turn.rows.put(.staging, Keys.extent(offers[ticket]!.extent))
            offers[ticket]?.isMarked = true
        }
        for ticket in submissions.keys.sorted() where submissions[ticket]?.isMarked == false {
            turn.rows.put(.staging, Keys.extent(submissions[ticket]!.number))
            submissions[ticket]?.isMarked = true
        }
    }
}

// The judgement, in the order: rights, sense, time, size, memory of the past, ways, resources.
extension RelayCore {
    private mutating func judge(
        _ offer: Offer, from node: NodeID, isGranted: Bool, _ turn: inout Turn
    ) -> Judgement {
        guard let peer = peers[node]?.peer else {
            return .refuse(.notAcceptable, why: "not a peer", count: .unknownPeer)
        }
        // Whoever sends back what it was sent speaks for nobody: the books say whether it was.
        if let refusal = (offer.isReturn ? nil : refusalOfRights(offer, peer)) ?? refusalOfSense(offer)
            ?? refusalOfTime(offer, peer, &turn)
        {
            return refusal
        }
        if offer.piece != nil, offer.document == nil, offer.header.count > Self.pieceHeaderMax {
            return .refuse(.notAcceptable, why: "a piece with too long a header", count: .tooLarge)
        }
        if offer.documentLength > limits.documentBytesMax {
            return .refuse(.notAcceptable, why: "larger than this node takes", count: .tooLarge)
        }
        if offer.isReturn { return judgeReturn(offer, peer, isGranted: isGranted, &turn) }
        let past = past(of: offer, from: node, turn.rows)
        if let conflict = past.conflict {
            if conflict == .contentConflict { noticeContentDiffers(offer.bundle, from: node, &turn) }
            return .refuse(.notAcceptable, why: conflict.rawValue, count: conflict)
        }
        if past.hasPiece { return .refuse(.completed, why: "this piece is here", count: .duplicate) }
        // The first piece has reserved the room for all of them.
        if let number = past.joins {
            // But not for the headers of foreign pieces, which are kept one by one.
            if !isGranted, offer.document == nil, !hasRoom(for: UInt64(offer.header.count), turn) {
                return .refuse(.noResources, why: RefusalCause.noResources.rawValue, count: .noResources)
            }
            return .join(number)
        }
        return ways(offer, peer, past, isGranted: isGranted, &turn)
    }

    private func refusalOfRights(_ offer: Offer, _ peer: Peer) -> Judgement? {
        guard let source = offer.bundle.source.node else {
            return .refuse(.notAcceptable, why: "anonymous source", count: .notAuthorised)
        }
        guard peer.rights.allowsSource(source, peer: peer.node) else {
            return .refuse(.notAcceptable, why: "may not send from node \(source.name)", count: .notAuthorised)
        }
        if let document = offer.document {
            guard peer.isEdoc else {
                return .refuse(.notAcceptable, why: "peer is not marked edoc", count: .notAuthorised)
            }
            guard let home = configuration.directory.home(of: document.sender) else {
                return .refuse(
                    .notAcceptable, why: "no such sender agency: \(document.sender)", count: .unknownAgency)
            }
            guard peer.rights.allowsSender(document.sender, home: home, peer: peer.node) else {
                return .refuse(.notAcceptable, why: "may not send for \(document.sender)", count: .notAuthorised)
            }
            // The sender agency must be at home at the node that made the envelope, or any node could speak for any agency.
            if home != source {
                return .refuse(
                    .notAcceptable, why: "\(document.sender) is not at home at \(source.name)", count: .notAuthorised)
            }
        } else if !offer.isAdministrative, configuration.directory.homeNodes.contains(source) {
            // A node of this network says who sends; without it a sender could not be checked.
            return .refuse(.notAcceptable, why: "\(source.name) sends without a document block", count: .notAuthorised)
        }
        return nil
    }

    /// The longest administrative record that is relayed.
    private static let recordBytesMax: UInt64 = 4 << 20

    private func refusalOfSense(_ offer: Offer) -> Judgement? {
        if offer.isAdministrative, offer.document != nil || offer.documentLength > Self.recordBytesMax {
            return .refuse(.notAcceptable, why: "not an administrative record", count: .badCopy)
        }
        if let document = offer.document {
            guard let copy = offer.copy, !copy.recipients.isEmpty else {
                return .refuse(.notAcceptable, why: "document block without copy block", count: .badCopy)
            }
            let all = Set(document.recipients)
            guard copy.recipients.allSatisfy(all.contains), Set(copy.recipients).count == copy.recipients.count else {
                return .refuse(.notAcceptable, why: "copy names recipients that the document does not", count: .badCopy)
            }
            guard document.payloadLength == offer.documentLength else {
                return .refuse(.notAcceptable, why: "payload length differs from the document block", count: .badCopy)
            }
            guard copy.path.count < PathStop.pathStopsMax else {
                return .refuse(.notAcceptable, why: "path too long", count: .pathTooLong)
            }
        }
        if let limit = offer.hopLimit, let count = offer.hopCount, count > limit {
            return .refuse(.notAcceptable, why: "hop limit exceeded", count: .hopLimit)
        }
        return nil
    }

    private mutating func refusalOfTime(_ offer: Offer, _ peer: Peer, _ turn: inout Turn) -> Judgement? {
        let wall = turn.now.wall.milliseconds
        let created = offer.bundle.creationTime
        if created > 0, let age = offer.age {
            judgeClock(created: created, age: age, source: offer.bundle.source, &turn)
        }
        // A node that doubts its own clock cannot say what is in the future.
        if !clockJudge.isDoubted, created > wall, created - wall > limits.clockAheadMax.count {
            return .refuse(.notAcceptable, why: "created in the future", count: .creationInFuture)
        }
        let age = offer.age?.count ?? (created > 0 && wall > created ? wall - created : 0)
        guard offer.lifetime <= limits.lifetimeMax else {
            return .refuse(.notAcceptable, why: "its lifetime is longer than this node's limit", count: .expired)
        }
        if age >= offer.lifetime.count {
            return .refuse(.notAcceptable, why: "its lifetime is over", count: .expired)
        }
        return nil
    }

    /// What is known here of the offered bundle.
    struct Past {
        var conflict: RefusalCause?
        var hasPiece = false
        var joins: UInt64?
        /// By recipient name.
        var standings: [String: Standing] = [:]
        /// For bundles without a path: whom they were handed to from here before.
        var tried: [PathStop] = []
    }

    private func past(of offer: Offer, from node: NodeID, _ rows: any RowReader) -> Past {
        var past = Past()
        let isReturnByPath = offer.copy?.path.contains { $0.node == self.node } ?? false
        let wanted = names(of: offer)
        var numbers: [UInt64] = []
        let prefix = Keys.bundle(offer.bundle)
        rows.scan(.bundle, prefix: prefix) { key, _ in
            if key.count == prefix.bytes.count + 8 { numbers.append(key.number(at: key.count - 8)) }
            return true
        }
        for number in numbers {
            let row: EnvelopeRow
            if let entry = active[number] {
                row = entry.row
            } else if let raw = rows.value(.envelope, Keys.envelope(number)),
                let read = EnvelopeRow(number: number, record: raw)
            {
                row = read
            } else {
                continue
            }
            if row.payloadLength != offer.documentLength || row.document?.digest != offer.document?.digest {
                past.conflict = .contentConflict
                return past
            }
            guard row.isComplete else {
                // What is not whole here proves nothing of the recipients; its pieces count for the same copy only.
                if let piece = offer.piece, row.isInPieces, isSameCopy(offer, wanted, row) || isAllAtHome(wanted, row) {
                    if row.ended == .zero {
                        judgePiece(piece, of: row, isOwn: isSameCopy(offer, wanted, row), rows, &past)
                    } else if !row.isLostInPart {
                        past.conflict = .expired
                    }
                }
                continue
            }
            if offer.copy == nil { past.tried += tried(row) }
            for name in wanted {
                guard let recipient = row.recipients.first(where: { $0.name == name }), !recipient.isDuplicate,
                    let standing = standing(of: recipient, row, offer, from: node, isReturnByPath: isReturnByPath)
                else { continue }
                if past.standings[name] != .known { past.standings[name] = standing }
            }
        }
        return past
    }

    /// What a whole envelope here says of an offered copy for one of its recipients; nil: nothing.
    private func standing(
        of recipient: RecipientRow, _ row: EnvelopeRow, _ offer: Offer, from node: NodeID, isReturnByPath: Bool
    ) -> Standing? {
        // Put together from pieces of which one was wrong: that says nothing of another copy. What is left of the same one, or of one
        // that had begun to join it, would never become whole: a copy begins with its first piece.
        if recipient.state == .refused, recipient.reason == .digestMismatch,
            offer.piece.map({ $0.offset == 0 }) ?? true,
            !row.path.dropLast().elementsEqual(offer.copy?.path ?? [])
        {
            return nil
        }
        // Here for good, or ended here and reported.
        guard recipient.state == .forwarded || recipient.state.isQueued || recipient.state == .held else {
            return .known
        }
        guard let path = offer.copy?.path else {
            // Handed to the very node that it is for.
            if recipient.state == .forwarded, recipient.peer == offer.destination.node { return .known }
            if recipient.state == .forwarded, recipient.peer == node { return .returned }
            // Records and foreign bundles have no path. One that has come further than the one that was here may be the same on
            // its way back; and as the count grows on every way, no two nodes let go one for the other's.
            return offer.hopCount.map { $0 > row.hopCount } ?? false ? .returned : .known
        }
        if row.path.dropLast().elementsEqual(path) { return .known }
        // It has been here, so this node has sent it on, answered or not. A copy that is still kept here does not count: the next
        // hop may call that one complete because it has had the one that now returns.
        if isReturnByPath || recipient.state == .forwarded && recipient.peer == node { return .returned }
        return isSenior(row.path, to: path) ? .known : nil
    }

    /// The copy of which some pieces are here already.
    private func isSameCopy(_ offer: Offer, _ names: [String], _ row: EnvelopeRow) -> Bool {
        guard let path = offer.copy?.path else { return true }
        return row.path.dropLast().elementsEqual(path) && row.recipients.count == names.count
            && names.allSatisfy { name in row.recipients.contains { $0.name == name } }
    }

    /// Copies that end here may be put together from the pieces of any of them.
    private func isAllAtHome(_ names: [String], _ row: EnvelopeRow) -> Bool {
        names.allSatisfy { name in
            row.recipients.contains { $0.name == name && $0.state == .waiting && $0.routeClass == 0 }
        }
    }

    func judgePiece(
        _ piece: PieceRange, of row: EnvelopeRow, isOwn: Bool, _ rows: any RowReader, _ past: inout Past
    ) {
        // One row only: the copy's own, or else the first that takes any copy's pieces.
        if past.joins != nil, !isOwn { return }
        past.joins = row.number
        past.hasPiece = gaps(of: row.number, over: piece, rows).isEmpty
        if !past.hasPiece, row.pieceCount >= Self.piecesMax { past.conflict = .tooManyPieces }
    }

    /// A foreign piece keeps its own header.
    private static let pieceHeaderMax = 16_384

    /// Pieces of one envelope. Ours are cut on the grid and stay far below; those of foreign nodes may be of any length.
    private static let piecesMax = 16_384

    /// The parts of an offered piece that are not here yet, in order. Foreign nodes cut where they like, and pieces may overlap: what
    /// came first is kept (RFC 9171, 5.9 leaves open which). Looks at the pieces that the offered one touches only.
    func gaps(of number: UInt64, over piece: PieceRange, _ rows: any RowReader) -> [Range<UInt64>] {
        let prefix = RowKey(number)
        var gaps: [Range<UInt64>] = []
        var from = piece.offset
        if let before = rows.row(.piece, before: Keys.piece(number, offset: piece.offset)),
            prefix.isPrefix(of: before.key),
            let part = PieceRow(offset: before.key.number(at: 8), record: before.value, withHeader: false)
        {
            from = max(from, part.end)
        }
        Keys.piece(number, offset: piece.offset).withBytes { start in
            rows.scan(.piece, from: start) { key, value in
                guard prefix.isPrefix(of: key), from < piece.end, key.number(at: 8) < piece.end else { return false }
                guard let part = PieceRow(offset: key.number(at: 8), record: value, withHeader: false) else {
                    return true
                }
                if part.offset > from { gaps.append(from..<part.offset) }
                from = max(from, part.end)
                return true
            }
        }
        if from < piece.end { gaps.append(from..<piece.end) }
        return gaps
    }

    /// The recipients that this copy is for, as row names.
    func names(of offer: Offer) -> [String] {
        if let copy = offer.copy, offer.document != nil { return copy.recipients.map(\.text) }
        if let agency = Self.agency(of: offer.destination), !offer.isAdministrative { return [agency.text] }
        return [offer.destination.text]
    }

    /// The agency of `dtn://<agency>/edoc`.
    static func agency(of destination: EndpointID) -> AgencyCode? {
        guard case .dtn(let rest) = destination else { return nil }
        let parts = rest.split(separator: "/", maxSplits: 1)
        guard parts.count == 2, parts[1] == "edoc" else { return nil }
        return AgencyCode(String(parts[0]))
    }

    /// Finds each recipient's way; the copy is taken if custody is possible for at least one.
    private mutating func ways(
        _ offer: Offer, _ peer: Peer, _ past: Past, isGranted: Bool, _ turn: inout Turn
    ) -> Judgement {
        var taken: [RecipientRow] = []
        var refused: [RecipientRow] = []
        var known: [RecipientRow] = []
        var isLoop = false
        var knownCount = 0
        let names = names(of: offer)
        for name in names {
            var recipient = RecipientRow(
                name: name, state: .waiting, routeClass: 0, due: turn.now.relay, since: turn.now.relay)
            guard let isKnown = past.standings[name] == .known ? true : isRemembered(offer, name, turn.rows) else {
                noticeContentDiffers(offer.bundle, from: peer.node, &turn)
                return .refuse(.notAcceptable, why: RefusalCause.contentConflict.rawValue, count: .contentConflict)
            }
            if isKnown {
                knownCount += 1
                // The pieces to come are for the same recipients, and find their row by them.
                recipient.state = .forwarded
                if offer.piece != nil { known.append(recipient) }
                continue
            }
            switch way(of: name, offer, peer, avoiding: offer.copy?.path ?? past.tried) {
            case .home: taken.append(recipient)
            case .away where offer.hopLimit.map({ (offer.hopCount ?? 0) >= $0 }) ?? false:
                // RFC 9171, 4.4.3: the next hop would find the limit exceeded.
                recipient.state = .refused
                recipient.reason = .hopLimitExceeded
                refused.append(recipient)
            case .away(let hops):
                recipient.routeClass = routeClass(for: hops, name, turn.rows)
                taken.append(recipient)
            case .nowhere(let reason):
                isLoop = isLoop || reason == .loop
                recipient.state = .refused
                recipient.reason = reason
                refused.append(recipient)
            }
        }
        if taken.isEmpty {
            if knownCount == names.count { return .refuse(.completed, why: "known here", count: .duplicate) }
            let why = refused.first?.reason ?? .noKnownRoute
            let cause: RefusalCause =
                isLoop
                ? .loop
                : why == .hopLimitExceeded
                    ? .hopLimit
                    : why == .notAuthorised ? .notAuthorised : why == .unknownAgency ? .unknownAgency : .noRoute
            return .refuse(.notAcceptable, why: why.word, count: cause)
        }
        if mayLackPieces(offer, turn.now) {
            return .refuse(.notAcceptable, why: "its first pieces were lost with the old store", count: .lostInPart)
        }
        if !isGranted, let shortage = shortage(offer, peer, turn) {
            return .refuse(.noResources, why: shortage.rawValue, count: shortage)
        }
        return .take(taken + refused + known, avoiding: past.tried)
    }

    private func way(of name: String, _ offer: Offer, _ peer: Peer, avoiding path: [PathStop]) -> Destiny {
        if !offer.isAdministrative, let agency = AgencyCode(name) {
            let home = configuration.directory.home(of: agency)
            guard peer.rights.allowsRecipient(agency, home: home, peer: peer.node) else {
                return .nowhere(.notAuthorised)
            }
            return destiny(of: agency, avoiding: path, origin: peer.node)
        }
        guard let destination = offer.destination.node else { return .nowhere(.noKnownRoute) }
        let destiny = destiny(ofNode: destination, avoiding: path, origin: peer.node)
        // A service of this node that is not an inbox does not exist.
        return destiny == .home ? .nowhere(.destinationUnavailable) : destiny
    }

    mutating func shortage(_ offer: Offer, _ peer: Peer, _ turn: Turn) -> RefusalCause? {
        if drain != nil { return .draining }
        if !hasRoom(for: offer.documentLength, turn) {
            shortageAt = turn.now.relay
            return .noResources
        }
        if peer.quota != .unlimited {
            // What it has begun to send counts as if it were here.
            var stock = ledger.stock(.origin(peer.node), turn.rows)
            for session in peers[peer.node]?.sessions ?? [] {
                stock.count = stock.count.addingSaturating(sessions[session]?.openOffers ?? 0)
                stock.bytes = stock.bytes.addingSaturating(sessions[session]?.promisedBytes ?? 0)
            }
            if exceeds(peer.quota, stock, offer.documentLength) { return .quota }
        }
        if let sender = offer.document?.sender, limits.senderQuota != .unlimited,
            exceeds(limits.senderQuota, ledger.stock(.sender(sender), turn.rows), offer.documentLength)
        {
            return .quota
        }
        return nil
    }

    /// True when the store can take so many more octets of payload, rows included, without touching the reserve.
    func hasRoom(for bytes: UInt64, _ turn: Turn) -> Bool {
        let reserved = ledger.value(.reservedBytes, turn.rows)
        let promised = stagedBytes.addingSaturating(turn.promisedBytes).addingSaturating(reserved)
        return need(for: bytes, promised: promised) <= turn.room.acceptableBytes
    }

    /// What the store must be able to take for so many more octets, beside what is promised already.
    func need(for bytes: UInt64, promised: UInt64) -> UInt64 {
        let rows: UInt64 = 8_192
        return bytes.addingSaturating(bytes / 32).addingSaturating(rows).addingSaturating(promised)
    }

    func exceeds(_ quota: Quota, _ stock: (count: UInt64, bytes: UInt64), _ bytes: UInt64) -> Bool {
        if quota.count > 0, stock.count + 1 > quota.count { return true }
        return quota.bytes > 0 && stock.bytes.addingSaturating(bytes) > quota.bytes
    }
}

extension UInt64 {
    /// Addition that stops at the largest value.
    func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
