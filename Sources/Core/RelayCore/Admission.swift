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
    /// Octets promised for it beyond those that have come: of the whole document, when this is its first piece.
    var promised: UInt64
    /// Nothing is promised for its payload.
    var isAsItComes: Bool
    var received: UInt64 = 0
    /// When the last octet came.
    var touched: RelayTime
    /// True when a row in `staging` names the extent, since its bytes span more than one commit.
    var isMarked = false
    /// The judgement of its header, and `decisions` when it was made.
    var judgement: Judgement
    var judgedAt: UInt64
    /// What its neighbour's stamp said of the clock when its header came.
    var clockWord: ClockWord?
}

/// The judgement of an offer.
enum Judgement {
    /// Rows for its recipients; for a bundle without a path, the hops that it has come back from.
    case take([RecipientRow], avoiding: [PathStop])
    /// One more piece of an envelope that is being received.
    case join(UInt64, isReserved: Bool)
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
    /// Its payload is under a BIB or BCB, and it is for an agency here.
    case payloadCovered
    /// There are free pages, but not side by side as it needs them.
    case storeInPieces
    /// A piece of a document whose first pieces were lost with the old store.
    case lostInPart
    /// Called complete by its number alone: 0.3 has remembered it without a hash, and its history has gone.
    case duplicateByNumber
    /// A copy that came back, and was not sent from here to whom it came from.
    case falseReturn
    /// A rule of the session protocol broken; contact that came to nothing.
    case violation, contact
    /// A piece of what was half-received and let go; or nothing came of it for too long.
    case letGo
    /// One envelope came in more copies than are told apart.
    case tooManyCopies
}

extension RelayCore {
    /// A peer offers a bundle; its header is known.
    public mutating func offered(_ offer: Offer, _ turn: inout Turn) -> Verdict {
        reading = turn.now
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
        let isAsItComes: Bool
        let word = clockWord(of: offer, from: session.peer, turn)
        let judgement = judge(offer, from: session.peer, word, isGranted: false, &turn)
        switch judgement {
        case .refuse(let refusal, let why, let cause):
            if cause == .creationInFuture { clockClaimed(word, of: session.peer, turn) }
            refuse(offer, refusal, why, cause, &turn)
            return .drop
        // The first piece is promised the room for all of them; the row takes the promise over.
        case .take(let recipients, _), .renew(let recipients, _):
            isAsItComes = offer.comesUnpromised
            let overhead = offer.overhead(recipients.count)
            promised = isAsItComes ? overhead : offer.documentLength.addingSaturating(overhead)
        case .join(_, let isReserved):
            isAsItComes = !isReserved
            promised = offer.document == nil ? UInt64(offer.header.count) : 0
        }
        heard(of: offer.copy?.path ?? [], turn.now)
        let extent = takeNumber()
        let open = OpenOffer(
            offer: offer, peer: session.peer, extent: extent, promised: promised, isAsItComes: isAsItComes,
            touched: turn.now.relay, judgement: judgement, judgedAt: decisions, clockWord: word)
        self.open(open)
        unmarked.append(offer.ticket)
        stagedBytes += promised
        openShares.open(offer.document?.sender, 0)
        if offer.isAdministrative {
            sessions.change(offer.session) { $0.openRecords.count += 1 }
        } else {
            sessions.change(offer.session) { $0.open.count += 1 }
        }
        change(open: open, by: Int64(clamping: promised))
        return .stage(extent: extent)
    }

    /// All bytes of an offer are in the transaction (or before it). `digest`: of the whole bundle's payload.
    public mutating func offerCompleted(_ ticket: Ticket, digest: Digest?, _ turn: inout Turn) {
        guard let open = closeOffer(ticket) else { return }
        let offer = open.offer
        release(open)
        // What takes room as it comes has been counted as it came.
        let isHere = open.isAsItComes ? open.promised : offer.payloadLength.addingSaturating(UInt64(offer.header.count))
        turn.promisedBytes = turn.promisedBytes.addingSaturating(isHere)
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
        switch isUnchanged ? open.judgement : judge(offer, from: open.peer, open.clockWord, isGranted: true, &turn) {
        case .refuse(let refusal, let why, let cause):
            discard(open, &turn)
            refuse(offer, refusal, why, cause, &turn)
        case .renew(let recipients, let old):
            if open.isMarked { turn.rows.delete(.staging, Keys.extent(open.extent)) }
            renew(open, recipients, old, &turn)
            turn.effects.append(.acknowledge(session: offer.session, offer: ticket))
        case .join(let number, _):
            statusReceived(offer, from: open.peer, &turn)
            if open.isMarked { turn.rows.delete(.staging, Keys.extent(open.extent)) }
            addPiece(open, to: number, &turn)
            if let word = open.clockWord { clockHeard(word, of: open.peer, &turn) }
            turn.effects.append(.acknowledge(session: offer.session, offer: ticket))
        case .take(let recipients, let tried):
            statusReceived(offer, from: open.peer, &turn)
            if open.isMarked { turn.rows.delete(.staging, Keys.extent(open.extent)) }
            admit(open, recipients, avoiding: tried, &turn)
            if let word = open.clockWord { clockHeard(word, of: open.peer, &turn) }
            noteTaken(offer.bundle, turn.rows)
            reportKnownByFormerName(offer, &turn)
            turn.effects.append(.acknowledge(session: offer.session, offer: ticket))
        }
    }

    /// The bytes of an offer will not come (link lost, bad payload, refused by the link itself).
    public mutating func offerAbandoned(_ ticket: Ticket, _ turn: inout Turn) {
        guard let open = closeOffer(ticket) else { return }
        release(open)
        discard(open, &turn)
    }

    /// True while the bytes of this offer or submission are still wanted.
    public func isOpen(_ ticket: Ticket) -> Bool { offers[ticket] != nil || submissions[ticket] != nil }

    mutating func abandonOffers(of session: Ticket, _ turn: inout Turn) {
        for ticket in openOnes.of(session: session) { offerAbandoned(ticket, &turn) }
        openOnes.ended(session)
    }

    /// The bytes written so far are removed by and by; a row says so until they are gone.
    mutating func discard(_ open: OpenOffer, _ turn: inout Turn) {
        discard(extent: open.extent, isMarked: open.isMarked, &turn)
    }

    mutating func refuse(
        _ offer: Offer, _ refusal: Refusal, _ why: String, _ cause: RefusalCause, _ turn: inout Turn
    ) {
        ledger.count(.refusedToPeer(cause.rawValue))
        if let peer = sessions.look(offer.session, { $0.peer }) { noteRefusal(offer, of: peer, why, cause, &turn) }
        var refusal = refusal
        if cause == .contentConflict, offer.document != nil, !offer.isReturn,
            sessions.look(offer.session, { $0.facts.understands(.returns) }) ?? false
        {
            refusal = .numberTaken
        }
        if refusal == .completed { reportKnownByFormerName(offer, &turn) }
        turn.effects.append(.refuse(session: offer.session, offer: offer.ticket, refusal, cause, why: why))
    }

    /// Extents that are still being filled at the end of a batch are named in `staging`, so that a restart removes them.
    mutating func markStaged(_ turn: inout Turn) {
        for ticket in unmarked {
            if let open = offers[ticket] {
                turn.rows.put(.staging, Keys.extent(open.extent))
                offers.change(ticket) { $0.isMarked = true }
            } else if let open = submissions[ticket] {
                turn.rows.put(.staging, Keys.extent(open.number))
                submissions.change(ticket) { $0.isMarked = true }
            }
        }
        unmarked.removeAll(keepingCapacity: true)
    }
}

// The judgement, in the order: rights, sense, time, size, memory of the past, ways, resources.
extension RelayCore {
    private mutating func judge(
        _ offer: Offer, from node: NodeID, _ word: ClockWord?, isGranted: Bool, _ turn: inout Turn
    ) -> Judgement {
        guard let peer = peers.look(node, { $0.peer }) else {
            return .refuse(.notAcceptable, why: "not a peer", count: .unknownPeer)
        }
        // Whoever sends back what it was sent speaks for nobody: the books say whether it was.
        if let refusal = (offer.isReturn ? nil : refusalOfRights(offer, peer)) ?? refusalOfSense(offer)
            ?? refusalOfTime(offer, peer, word, turn)
        {
            return refusal
        }
        if offer.piece != nil, offer.document == nil, offer.header.count > Self.pieceHeaderMax {
            return .refuse(.notAcceptable, why: "a piece with too long a header", count: .tooLarge)
        }
        if offer.documentLength > limits.documentBytesMax {
            return .refuse(.notAcceptable, why: "larger than this node takes", count: .tooLarge)
        }
        if UInt64(offer.header.count) > headerBytesMax(offer) {
            return .refuse(.notAcceptable, why: "its header is longer than this node takes", count: .tooLarge)
        }
        if offer.isReturn { return judgeReturn(offer, peer, isGranted: isGranted, &turn) }
        let names = names(of: offer)
        let past = past(of: offer, from: node, names, &turn)
        if let conflict = past.conflict {
            if conflict == .contentConflict { noticeContentDiffers(offer.bundle, from: node, &turn) }
            return .refuse(.notAcceptable, why: conflict.rawValue, count: conflict)
        }
        if past.hasPiece { return .refuse(.completed, why: "this piece is here", count: .duplicate) }
        // The first piece may have reserved the room for all of them; if not, this one takes what it needs as it comes.
        if let number = past.joins {
            // Headers of foreign pieces are kept one by one.
            if !isGranted, offer.document == nil, !hasRoom(for: UInt64(offer.header.count), .peer(node), &turn) {
                return .refuse(.noResources, why: RefusalCause.noResources.rawValue, count: .noResources)
            }
            if let cover = offer.payloadCover, names.contains(where: { isHome($0, offer) }) {
                return Self.refusalOfCover(cover)
            }
            return .join(number, isReserved: past.joinsReserved)
        }
        if let number = past.letGo {
            if offer.piece.map({ $0.offset > 0 }) ?? false { return askAnew(number, &turn) }
            noteBegunAnew(number, &turn)
        }
        return ways(offer, peer, names, past, isGranted: isGranted, &turn)
    }

    private func refusalOfRights(_ offer: Offer, _ peer: Peer) -> Judgement? {
        if offer.document == nil, !offer.isAdministrative, !peer.allowsForeign {
            return .refuse(
                .notAcceptable, why: "it may not send bundles without a document block", count: .notAuthorised)
        }
        guard !offer.isAnonymous, let source = offer.bundle.source.node else { return refusalOfNobody(offer, peer) }
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
        } else if !offer.isAdministrative, configuration.directory.isHome(source) {
            // A node of this network says who sends; without it a sender could not be checked.
            return .refuse(.notAcceptable, why: "\(source.name) sends without a document block", count: .notAuthorised)
        }
        return nil
    }

    /// The longest administrative record that is relayed.
    static let recordBytesMax: UInt64 = 1 << 20

    private func refusalOfSense(_ offer: Offer) -> Judgement? {
        if offer.isAdministrative, offer.document != nil || offer.documentLength > Self.recordBytesMax {
            return .refuse(.notAcceptable, why: "not an administrative record", count: .badCopy)
        }
        if let document = offer.document {
            guard let copy = offer.copy, !copy.recipients.isEmpty else {
                return .refuse(.notAcceptable, why: "document block without copy block", count: .badCopy)
            }
            guard Self.isPart(copy.recipients, of: document.recipients) else {
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

    /// Each of them once, and all of them among the others.
    private static func isPart(_ some: [AgencyCode], of all: [AgencyCode]) -> Bool {
        if some.count == 1 { return all.contains(some[0]) }
        let known = Set(all)
        return some.allSatisfy(known.contains) && Set(some).count == some.count
    }

    private func refusalOfTime(_ offer: Offer, _ peer: Peer, _ word: ClockWord?, _ turn: Turn) -> Judgement? {
        let wall = turn.now.wall.milliseconds
        let created = offer.bundle.creationTime
        // A node that doubts its own clock cannot say what is in the future; nor one whose clock this very copy proves wrong. A record is
        // taken all the same: nobody reports the end of a report, and a hop further on cannot give it a name without a time.
        if !offer.isAdministrative, !clockJudge.isDoubted, created > wall, created - wall > limits.clockAheadMax.count,
            !clockIsOutvoted(by: word, of: peer.node, turn)
        {
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
        _ offer: Offer, _ peer: Peer, _ names: [String], _ past: Past, isGranted: Bool, _ turn: inout Turn
    ) -> Judgement {
        var taken: [RecipientRow] = []
        var refused: [RecipientRow] = []
        var known: [RecipientRow] = []
        var isLoop = false
        var knownCount = 0
        let tried = offer.copy?.path ?? past.tried
        for (place, name) in names.enumerated() {
            var recipient = RecipientRow(
                name: name, state: .waiting, routeClass: 0, due: turn.now.relay, since: turn.now.relay)
            let isHere = !past.standings.isEmpty && past.standings[place] == .known
            guard let isKnown = isHere ? true : isRemembered(offer, name, &turn) else {
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
            let way = way(of: name, offer, peer, avoiding: tried)
            switch way {
            case .home where offer.payloadCover != nil:
                recipient.state = .refused
                recipient.reason = .blockUnsupported
                refused.append(recipient)
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
            if why == .blockUnsupported, let cover = offer.payloadCover { return Self.refusalOfCover(cover) }
            let cause: RefusalCause =
                isLoop
                ? .loop
                : why == .hopLimitExceeded
                    ? .hopLimit
                    : why == .notAuthorised ? .notAuthorised : why == .unknownAgency ? .unknownAgency : .noRoute
            return .refuse(.notAcceptable, why: why.word, count: cause)
        }
        if past.copies >= Self.copiesOfOneMax
            || past.copies > 0 && past.recipients + names.count > Self.recipientsOfCopiesMax
        {
            return .refuse(
                .notAcceptable, why: RefusalCause.tooManyCopies.rawValue, count: .tooManyCopies)
        }
        if mayLackPieces(offer, turn.now) {
            return .refuse(.notAcceptable, why: "its first pieces were lost with the old store", count: .lostInPart)
        }
        if !isGranted, let shortage = shortage(offer, peer, taken.count + refused.count + known.count, &turn) {
            return .refuse(shortage.refusal, why: shortage.cause.rawValue, count: shortage.cause)
        }
        let isAllTaken = refused.isEmpty && known.isEmpty
        return .take(isAllTaken ? taken : taken + refused + known, avoiding: past.tried)
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
}

extension UInt64 {
    /// Addition that stops at the largest value.
    func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
