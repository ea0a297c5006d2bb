// RefusalBook: what this node refuses of its neighbours, by neighbour and cause: counted, told in the log with envelope, sender and rule (once
// a minute each), shown in status and peers, and told to the neighbour, and from there on to the node where the document was handed
// in, by a record of our own, if they understand it. In memory, bounded by the peers of the configuration and the causes that
// there are; the counts stand in the ledger. What is refused once more after a restart is told once more.

import RelayModel
import RelayRows

/// What one neighbour is refused for one cause.
public struct RefusalView: Sendable, Hashable {
    public var peer: NodeID
    public var cause: RefusalCause
    /// Since the daemon's start.
    public var count: UInt64
    public var since: RelayTime
    public var last: RelayTime
    public var envelope: BundleID
    /// Empty where the bundle names none.
    public var sender: String
    /// The rule, in words.
    public var why: String
}

struct RefusalBook: Sendable {
    struct Key: Hashable, Comparable {
        var peer: NodeID
        var cause: RefusalCause
        static func < (left: Key, right: Key) -> Bool {
            left.peer != right.peer ? left.peer < right.peer : left.cause.rawValue < right.cause.rawValue
        }
    }

    struct Entry {
        var view: RefusalView
        /// When a line was last written, and how many have come since.
        var told: RelayTime
        var untold = 0
    }

    /// Names that go to one neighbour in one record.
    struct Outgoing {
        var names: [RefusalNotice.Name] = []
        /// Where a bundle stands in them.
        var places: [BundleID: Int] = [:]
        var recipients = 0
        /// Nothing goes before: one record a peer, cause and minute.
        var due: RelayTime
    }

    struct Channel: Hashable, Comparable {
        var to: NodeID
        var refuser: NodeID
        var cause: UInt64
        static func < (left: Channel, right: Channel) -> Bool {
            if left.to != right.to { return left.to < right.to }
            return left.refuser != right.refuser ? left.refuser < right.refuser : left.cause < right.cause
        }
    }

    var entries: [Key: Entry] = [:]
    var outgoing: [Channel: Outgoing] = [:]

    static let interval = Milliseconds.minutes(1)
    /// Refusals of one moment go together.
    static let gather = Milliseconds.seconds(1)
    /// Channels that wait or have lately spoken; a neighbour that invents refusing nodes makes no more.
    static let channelsMax = 1_024
    /// What looking a name up counts for beside the recipients of its envelope.
    static let looksPerName = 4

    var views: [RefusalView] { entries.keys.sorted().compactMap { entries[$0]?.view } }

    var due: RelayTime? { outgoing.values.lazy.filter { !$0.names.isEmpty }.map(\.due).min() }

    mutating func say(_ bundle: BundleID, _ recipients: [AgencyCode], _ channel: Channel, now: RelayTime) {
        if outgoing[channel] == nil {
            if outgoing.count >= Self.channelsMax {
                outgoing = outgoing.filter { !$0.value.names.isEmpty || $0.value.due > now }
            }
            guard outgoing.count < Self.channelsMax else { return }
            outgoing[channel] = Outgoing(due: now + Self.gather)
        }
        if outgoing[channel]?.add(bundle, recipients) == true, let due = outgoing[channel]?.due, due < now + Self.gather
        {
            outgoing[channel]?.due = now + Self.gather
        }
    }

    /// What is to go now, in a fixed order.
    mutating func take(now: RelayTime) -> [(channel: Channel, names: [RefusalNotice.Name])] {
        var taken: [(Channel, [RefusalNotice.Name])] = []
        for channel in outgoing.keys.sorted() {
            guard let entry = outgoing[channel], !entry.names.isEmpty, entry.due <= now else { continue }
            taken.append((channel, entry.names))
            outgoing[channel] = Outgoing(due: now + Self.interval)
        }
        return taken
    }
}

extension RefusalBook.Outgoing {
    /// True when it is the first name. What does not fit is not said.
    fileprivate mutating func add(_ bundle: BundleID, _ wanted: [AgencyCode]) -> Bool {
        let place = places[bundle]
        var known = Set(place.map { names[$0].recipients } ?? [])
        let new = wanted.filter { known.insert($0).inserted }.prefix(RefusalNotice.recipientsMax - recipients)
        guard !new.isEmpty else { return false }
        recipients += new.count
        if let place {
            names[place].recipients += new
            return false
        }
        guard names.count < RefusalNotice.namesMax else {
            recipients -= new.count
            return false
        }
        places[bundle] = names.count
        names.append(RefusalNotice.Name(bundle, Array(new)))
        return names.count == 1
    }
}

extension RefusalCause {
    /// Told to people: a rule that somebody has to mend. The others end by themselves or have a word of their own.
    var isRule: Bool {
        switch self {
        case .duplicate, .noResources, .draining, .unknownPeer, .contact, .violation: false
        default: true
        }
    }

    /// On the wire; a number is never given another meaning.
    public var code: UInt64 {
        switch self {
        case .duplicate: 0
        case .loop: 1
        case .expired: 2
        case .creationInFuture: 3
        case .hopLimit: 4
        case .pathTooLong: 5
        case .tooLarge: 6
        case .notAuthorised: 7
        case .unknownAgency: 8
        case .noRoute: 9
        case .noResources: 10
        case .quota: 11
        case .draining: 12
        case .digestMismatch: 13
        case .contentConflict: 14
        case .badCopy: 15
        case .tooManyPieces: 16
        case .forgedReport: 17
        case .badPayload: 18
        case .lostInPart: 19
        default: 255
        }
    }

    /// What a submitter's node makes of another's cause.
    static func reason(code: UInt64) -> ReportReason {
        switch RefusalCause.allCases.first(where: { $0.code == code }) {
        case .loop?: .loop
        case .expired?: .lifetimeExpired
        case .hopLimit?: .hopLimitExceeded
        case .notAuthorised?: .notAuthorised
        case .unknownAgency?: .unknownAgency
        case .noRoute?: .noKnownRoute
        case .noResources?, .quota?, .draining?: .depletedStorage
        case .digestMismatch?: .digestMismatch
        case .badCopy?, .badPayload?: .blockUnintelligible
        default: .refusedByNextHop
        }
    }
}

extension RelayCore {
    public var refusalViews: [RefusalView] { refusals.views }

    /// An offer is refused, and its neighbour is known.
    mutating func noteRefusal(_ offer: Offer, of peer: NodeID, _ why: String, _ cause: RefusalCause, _ turn: inout Turn)
    {
        guard cause != .duplicate else { return }
        ledger.count(.refusedOf(peer, cause.rawValue))
        guard cause.isRule else { return }
        let now = turn.now.relay
        let key = RefusalBook.Key(peer: peer, cause: cause)
        let sender = offer.document?.sender.text ?? ""
        var entry =
            refusals.entries[key]
            ?? RefusalBook.Entry(
                view: RefusalView(
                    peer: peer, cause: cause, count: 0, since: now, last: now, envelope: offer.bundle, sender: sender,
                    why: why), told: .zero)
        entry.view.count += 1
        entry.view.last = now
        entry.view.envelope = offer.bundle
        entry.view.sender = sender
        entry.view.why = why
        if entry.told == .zero || entry.told + RefusalBook.interval <= now {
            let more = entry.untold > 0 ? "; \(entry.untold) more of this cause since the last line" : ""
            let whose = sender.isEmpty ? "a bundle" : "a document of \(sender)"
            turn.effects.append(
                .notice(
                    Notice(
                        .warning, "refused \(whose) (\(cause.rawValue)): \(why)\(more)", peer: peer,
                        envelope: offer.bundle, kind: .peerRefused)))
            entry.told = now
            entry.untold = 0
        } else {
            entry.untold += 1
        }
        refusals.entries[key] = entry
        // Never about records: two nodes must not tell each other of what they tell each other.
        guard !offer.isAdministrative, let copy = offer.copy, understands(.refusals, peer) else { return }
        refusals.say(
            offer.bundle, copy.recipients, RefusalBook.Channel(to: peer, refuser: node, cause: cause.code), now: now)
    }

    /// The records that are due.
    mutating func tellRefusals(_ turn: inout Turn) {
        guard refusals.due.map({ $0 <= turn.now.relay }) ?? false else { return }
        for (channel, names) in refusals.take(now: turn.now.relay) {
            // Its session may have ended, and another program come back.
            guard understands(.refusals, channel.to) else { continue }
            makeRecord(
                .refusals(RefusalNotice(refuser: channel.refuser, cause: channel.cause, names: names)),
                for: channel.to.endpoint, channel.to, &turn)
        }
    }

    /// A neighbour says what is refused of what it was offered, or, of another one behind it, of what it has taken from here. It is
    /// believed of copies that by our books it had, and of itself; of others where it may speak for them.
    mutating func refusalsTold(
        _ ticket: Ticket, _ session: Ticket, bundle: BundleID, _ notice: RefusalNotice, _ turn: inout Turn
    ) {
        guard let from = sessions.look(session, { $0.peer }), let peer = peers.look(from, { $0.peer }) else {
            return refuseOfNobody(ticket, session, &turn)
        }
        ledger.count(.recordTaken)
        noteTaken(bundle, turn.rows)
        clockHeard(ofRecord: bundle, ticket, from: from, &turn)
        turn.effects.append(.acknowledge(session: session, offer: ticket))
        // Each neighbour makes a record of its own of what it hears.
        guard bundle.source.node == from, notice.refuser != node,
            notice.refuser == from || peer.rights.allowsSource(notice.refuser, peer: from)
        else {
            ledger.add(.reportRowRefused, Int64(notice.names.count))
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm, "what \(from.name) says of refusals by \(notice.refuser.name) is not believed",
                        peer: from, envelope: notice.names.first?.bundle, kind: .reportsDisbelieved)))
            return
        }
        var seen: Set<BundleID> = []
        for name in notice.names.prefix(RefusalNotice.namesMax) where seen.insert(name.bundle).inserted {
            guard turn.refusalLooksLeft > 0 else { return }
            turn.refusalLooksLeft -= RefusalBook.looksPerName
            believe(name, notice, from, &turn)
        }
    }

    private mutating func believe(
        _ name: RefusalNotice.Name, _ notice: RefusalNotice, _ from: NodeID, _ turn: inout Turn
    ) {
        let named = Set(name.recipients.lazy.map(\.text))
        var numbers: [UInt64] = []
        turn.rows.scan(.bundle, prefix: Keys.bundle(name.bundle)) { key, _ in
            numbers.append(key.number(at: key.count - 8))
            return numbers.count < 8
        }
        for number in numbers where turn.refusalLooksLeft > 0 {
            guard let row = envelope(number, &turn), row.kind == .document else { continue }
            turn.refusalLooksLeft -= row.recipients.count
            let asked = row.recipients.indices.filter {
                named.contains(row.recipients[$0].name) && wasAsked(row, $0, from, isItsOwnWord: notice.refuser == from)
            }
            if asked.isEmpty { continue }
            if let origin = row.origin {
                guard origin != from, understands(.refusals, origin) else { continue }
                refusals.say(
                    name.bundle, asked.compactMap { AgencyCode(row.recipients[$0].name) },
                    RefusalBook.Channel(to: origin, refuser: notice.refuser, cause: notice.cause), now: turn.now.relay)
            } else if row.bundle.source == node.endpoint {
                for index in asked { storeRefusal(row, index, notice, turn.now.wall, &turn) }
            }
        }
    }

    /// Was this recipient's copy offered to that neighbour? What it has taken it has not refused; one behind it may have.
    private func wasAsked(_ row: EnvelopeRow, _ index: Int, _ peer: NodeID, isItsOwnWord: Bool) -> Bool {
        let recipient = row.recipients[index]
        if recipient.state == .forwarded, recipient.peer == peer { return !isItsOwnWord }
        if recipient.peer == peer || recipient.refusedBy.contains(peer) { return true }
        return active[row.number]?.copies.contains { $0.peer == peer && $0.recipients.contains(index) } ?? false
    }

    /// At the submitter: it is late, and why and where stands in its trace and its outcome.
    private mutating func storeRefusal(
        _ row: EnvelopeRow, _ index: Int, _ notice: RefusalNotice, _ time: WallTime, _ turn: inout Turn
    ) {
        guard let code = AgencyCode(row.recipients[index].name) else { return }
        let line = ReportRow(
            bundle: row.bundle, recipient: code, state: .delayed, time: time,
            reason: RefusalCause.reason(code: notice.cause),
            path: Array(row.path.prefix(1)) + [PathStop(node: notice.refuser, time: time)])
        storeWarning(line, order: UInt64(Self.warningOrder) + min(notice.cause, 255), &turn)
    }

    /// Of what has been refused lately.
    func refusalFindings(_ now: ClockReading) -> [Finding] {
        refusals.views.filter { now.relay.since($0.last) <= .hours(1) }.map { view in
            Finding(
                .warning, .peerRefused, subject: view.peer.name, since: now.wall(of: view.since),
                "bundles of \(view.peer.name) are refused (\(view.cause.rawValue)): \(view.count), the last \(view.envelope.envelopeName): \(view.why)"
            )
        }
    }
}
