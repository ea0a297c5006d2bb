// ClockJudge: may this node believe its wall clock? Compared is what neighbours say of their own clocks: the stamp with which each
// took a copy that it then hands over (the last stop of the path), and the creation time of what it made itself. A source is not
// asked, since anybody can invent one, and what was refused says nothing. A neighbour has one word, however much it sends.
//
// Words are kept as differences to relay time, which no step of the wall clock moves: when this node's clock is set, the words that
// it has heard already say whether that was right. In memory only, one for each neighbour; a restart waits for new ones.

import RelayModel
import RelayRows

/// What a neighbour's stamp says of its clock, in milliseconds of its clock less those of our relay clock.
struct ClockWord: Equatable {
    /// Its clock is not behind this: it had stamped the copy already.
    var earliest: Int64
    /// Nor ahead of this: the copy has not lain there for longer than it is old.
    var latest: Int64
    var heard: RelayTime

    init(stamp: WallTime, age: Milliseconds, heard: RelayTime) {
        earliest = Int64(clamping: stamp.milliseconds).subtractingSaturating(Int64(clamping: heard.milliseconds))
        latest = earliest.addingSaturating(Int64(clamping: age.count))
        self.heard = heard
    }

    enum Sense: Equatable {
        case agrees
        /// By so many milliseconds at least.
        case disagrees(UInt64)
        /// The copy may have lain there for long: it fits our clock, and others.
        case nothing
    }

    /// `ours`: our wall clock less our relay clock.
    func sense(ours: Int64, tolerance: Milliseconds) -> Sense {
        let tolerance = Int64(clamping: tolerance.count)
        if ours < earliest.subtractingSaturating(tolerance) { return .disagrees((earliest &- ours).magnitude) }
        if ours > latest.addingSaturating(tolerance) { return .disagrees((ours &- latest).magnitude) }
        return latest.subtractingSaturating(earliest) <= tolerance ? .agrees : .nothing
    }
}

/// A neighbour, as far as its word on the clock goes.
struct ClockNeighbour: Equatable {
    var node: NodeID
    /// It may hand over what others have made: whoever has one neighbour only depends on it anyway.
    var isHub: Bool
}

/// The judgement.
struct ClockJudge {
    enum Verdict { case right, wrong, nothing }

    /// The machine's own clocks contradict each other (a step, or what the store was left with), and nobody has confirmed it since.
    private(set) var isSteppedDoubt = false
    /// The neighbours disagree.
    private(set) var isOutvoted = false
    private(set) var neighbours: [ClockNeighbour] = []
    /// Where each stands among the neighbours, and what it said last.
    private var places: [NodeID: Int] = [:]
    private var words: [ClockWord?] = []
    /// How the words stood when they were counted last: with each copy comes a word of one neighbour, and hundreds have said nothing new.
    private var count: WordCount?
    /// Of copies that were refused for being of the future, and for nothing else. They count only once a copy is taken.
    private var claims: [NodeID: ClockWord] = [:]
    /// Neighbours whose disagreement has been told.
    private var told: Set<NodeID> = []

    /// Of more than two neighbours only those count who were heard lately.
    static let heardLately = Milliseconds.hours(1)
    /// Of one or two as well, but they may be silent for a night.
    static let heardOfFew = Milliseconds.days(1)

    /// While the clock is doubted a word so old is asked for anew.
    static let askedAfter = Milliseconds.minutes(10)

    var isDoubted: Bool { isSteppedDoubt || isOutvoted }

    /// Neighbours that have said nothing for long, those with the oldest word first.
    func silent(_ now: RelayTime) -> [NodeID] {
        let late = neighbours.compactMap { neighbour in
            let heard = place(of: neighbour.node).flatMap { words[$0] }?.heard ?? .zero
            return heard + Self.askedAfter <= now ? (heard, neighbour.node) : nil
        }
        return late.sorted { $0 < $1 }.map(\.1)
    }

    // The number in the store: 1 is a step (or a doubt of an earlier version, which knew one kind only), 2 the neighbours.
    var stored: UInt64 { (isSteppedDoubt ? 1 : 0) | (isOutvoted ? 2 : 0) }
    mutating func restore(_ number: UInt64) {
        isSteppedDoubt = number & 1 != 0
        isOutvoted = number & 2 != 0
    }

    mutating func configure(_ neighbours: [ClockNeighbour]) {
        guard neighbours != self.neighbours else { return }
        let known = neighbours.map { place(of: $0.node).flatMap { words[$0] } }
        self.neighbours = neighbours
        words = known
        count = nil
        places = [:]
        for (place, neighbour) in neighbours.enumerated() { places[neighbour.node] = place }
        claims = claims.filter { places[$0.key] != nil }
        told = told.filter { places[$0] != nil }
    }

    /// A copy with this stamp was taken. `claim`: it was refused, since by our clock it is of the future.
    mutating func note(_ word: ClockWord, of node: NodeID, isClaim: Bool, ours: Int64, _ tolerance: Milliseconds) {
        guard let place = place(of: node), word.sense(ours: ours, tolerance: tolerance) != .nothing else { return }
        if isClaim {
            claims[node] = word
        } else {
            put(word, at: place)
            if !claims.isEmpty { claims[node] = nil }
        }
    }

    private func place(of node: NodeID) -> Int? { places[node] }

    private mutating func put(_ word: ClockWord, at place: Int) {
        if let old = words[place] { count?.remove(old) }
        words[place] = word
        count?.add(word, place)
    }

    /// Would the neighbours outvote our clock if a copy with this stamp were taken? Those who were refused for the future have their
    /// say then, or a hub whose clock is behind would refuse every copy of everybody, and never learn why.
    func isOutvoted(with word: ClockWord, of node: NodeID, now: RelayTime, ours: Int64, _ tolerance: Milliseconds)
        -> Bool
    {
        guard case .disagrees = word.sense(ours: ours, tolerance: tolerance) else { return false }
        var all = self
        all.confirmClaims()
        if let place = place(of: node) { all.words[place] = word }
        return verdict(all.counted(now, ours, tolerance)) == .wrong
    }

    /// A copy was taken that others' claims have let in: they have said the same.
    mutating func confirmClaims() {
        for (node, claim) in claims {
            guard let place = place(of: node) else { continue }
            if let word = words[place], word.heard >= claim.heard { continue }
            words[place] = claim
        }
        claims = [:]
        count = nil
    }

    /// Who disagrees and has not been told of yet, and by how many milliseconds.
    mutating func takeNews(now: RelayTime, ours: Int64, _ tolerance: Milliseconds) -> [(NodeID, UInt64)] {
        var news: [(NodeID, UInt64)] = []
        func look(_ place: Int) {
            guard let word = words[place] else { return }
            let node = neighbours[place].node
            switch word.sense(ours: ours, tolerance: tolerance) {
            case .disagrees(let by): if told.insert(node).inserted { news.append((node, by)) }
            case .agrees: if !told.isEmpty { told.remove(node) }
            case .nothing: break
            }
        }
        if let count, count.isOf(now, ours, tolerance) {
            for place in count.changed { look(place) }
        } else {
            for place in neighbours.indices { look(place) }
            count = counted(now, ours, tolerance)
        }
        count?.changed.removeAll(keepingCapacity: true)
        return news
    }

    /// Judges anew; true when the clock is doubted now and was not before, or the other way round.
    mutating func judge(now: RelayTime, ours: Int64, _ tolerance: Milliseconds) -> Bool {
        let before = isDoubted
        if count?.isOf(now, ours, tolerance) != true { count = counted(now, ours, tolerance) }
        switch count.map(verdict) ?? .nothing {
        case .wrong: isOutvoted = true
        case .right:
            isOutvoted = false
            isSteppedDoubt = false
        case .nothing: break
        }
        return isDoubted != before
    }

    /// The machine says that its clock was stepped, or that it is back in place.
    mutating func stepped(_ isOff: Bool) { isSteppedDoubt = isOff }

    /// Somebody's clock agrees with ours. A wrong clock is not known to be wrong just after the start.
    func isConfirmed(ours: Int64, _ tolerance: Milliseconds) -> Bool {
        !isDoubted && words.contains { $0?.sense(ours: ours, tolerance: tolerance) == .agrees }
    }

    /// One neighbour: its word counts if it is a hub. Two: both must disagree. More: more than half of those heard in the last hour,
    /// and never one alone. Any single one that agrees may end a doubt, if it is not outvoted itself.
    private func verdict(_ count: WordCount) -> Verdict {
        let (agree, disagree) = (count.agree, count.disagree)
        let needed = isOfFew ? neighbours.count : max(2, (agree + disagree) / 2 + 1)
        if disagree >= needed, disagree > 0, neighbours.count > 1 || neighbours[0].isHub { return .wrong }
        return agree > 0 && agree >= disagree ? .right : .nothing
    }

    private var isOfFew: Bool { neighbours.count <= 2 }

    private func counted(_ now: RelayTime, _ ours: Int64, _ tolerance: Milliseconds) -> WordCount {
        var count = WordCount(
            now: now, ours: ours, tolerance: tolerance, memory: isOfFew ? Self.heardOfFew : Self.heardLately)
        for word in words { if let word { count.count(word, 1) } }
        return count
    }
}

/// How many words agree with our clock, and how many do not, by the clocks of one moment.
private struct WordCount {
    let now: RelayTime
    let ours: Int64
    let tolerance: Milliseconds
    let memory: Milliseconds
    var agree = 0
    var disagree = 0
    /// Of whom there is another word since it was looked at them.
    var changed: [Int] = []

    func isOf(_ now: RelayTime, _ ours: Int64, _ tolerance: Milliseconds) -> Bool {
        self.now == now && self.ours == ours && self.tolerance == tolerance
    }

    mutating func count(_ word: ClockWord, _ step: Int) {
        guard now < word.heard + memory else { return }
        switch word.sense(ours: ours, tolerance: tolerance) {
        case .agrees: agree += step
        case .disagrees: disagree += step
        case .nothing: break
        }
    }

    mutating func remove(_ word: ClockWord) { count(word, -1) }

    mutating func add(_ word: ClockWord, _ place: Int) {
        count(word, 1)
        changed.append(place)
    }
}

/// A record for this node has no path; made by the neighbour itself, it has its clock.
struct RecordHeard {
    var ticket: Ticket
    var age: Milliseconds
}

extension RelayCore {
    private func ours(_ turn: Turn) -> Int64 {
        Int64(clamping: turn.now.wall.milliseconds).subtractingSaturating(Int64(clamping: turn.now.relay.milliseconds))
    }

    /// What the neighbour that offers a copy says of its clock with it; nil: nothing.
    func clockWord(of offer: Offer, from node: NodeID, _ turn: Turn) -> ClockWord? {
        guard let age = offer.age else { return nil }
        if offer.document != nil {
            guard let last = offer.copy?.path.last, last.node == node else { return nil }
            return ClockWord(stamp: last.time, age: age, heard: turn.now.relay)
        }
        guard offer.bundle.source.node == node, offer.bundle.creationTime > 0 else { return nil }
        return ClockWord(
            stamp: WallTime(milliseconds: offer.bundle.creationTime), age: age, heard: turn.now.relay)
    }

    /// Is a copy of the future because our own clock is wrong, as its stamp and what others have said show?
    func clockIsOutvoted(by word: ClockWord?, of node: NodeID, _ turn: Turn) -> Bool {
        guard let word else { return false }
        return clockJudge.isOutvoted(
            with: word, of: node, now: turn.now.relay, ours: ours(turn), limits.clockDisagreementMax)
    }

    /// A copy was taken with this word of its neighbour.
    mutating func clockHeard(_ word: ClockWord, of node: NodeID, _ turn: inout Turn) {
        if clockIsOutvoted(by: word, of: node, turn) { clockJudge.confirmClaims() }
        clockJudge.note(word, of: node, isClaim: false, ours: ours(turn), limits.clockDisagreementMax)
        judgeClock(&turn)
    }

    /// A record of the neighbour itself was taken.
    mutating func clockHeard(ofRecord bundle: BundleID, _ ticket: Ticket, from node: NodeID, _ turn: inout Turn) {
        guard let heard = recordHeard.take(), heard.ticket == ticket, bundle.source.node == node,
            bundle.creationTime > 0
        else { return }
        let stamp = WallTime(milliseconds: bundle.creationTime)
        clockHeard(ClockWord(stamp: stamp, age: heard.age, heard: turn.now.relay), of: node, &turn)
    }

    /// At the begin of a session the neighbour says what its clock shows, within the time that a session takes to begin.
    mutating func clockHeard(of facts: SessionFacts, _ turn: inout Turn) {
        guard let clock = facts.greeting?.clock else { return }
        clockHeard(ClockWord(stamp: clock, age: .zero, heard: turn.now.relay), of: facts.peer, &turn)
    }

    /// Sessions that begin anew for it in one minute.
    private static let askedAtOnce = 4

    /// A doubt ends by a word. A node that only sends hears none while a session lasts, so the session begins anew, and with it comes one.
    mutating func askForTheTime(_ turn: inout Turn) {
        guard clockJudge.isDoubted else { return }
        var left = Self.askedAtOnce
        for peer in clockJudge.silent(turn.now.relay) where left > 0 {
            guard
                let session = peers[peer]?.sessions.last(where: { session in
                    guard let state = sessions[session], !state.isEnding, state.facts.greeting?.clock != nil else {
                        return false
                    }
                    return state.since + ClockJudge.askedAfter <= turn.now.relay
                })
            else { continue }
            left -= 1
            turn.effects.append(.endSession(session: session, why: Self.forTheTime))
            sessionEnding(session, turn.now.relay)
        }
    }

    private static let forTheTime = "the clock is doubted: the neighbour is asked for the time"

    mutating func clockClaimed(_ word: ClockWord?, of node: NodeID, _ turn: Turn) {
        guard let word else { return }
        clockJudge.note(word, of: node, isClaim: true, ours: ours(turn), limits.clockDisagreementMax)
    }

    /// Whose words count. By the rights, not by the routes: an operator has decided whom this node believes about others.
    mutating func configureClock() {
        clockJudge.configure(
            peers.states.map { state in
                ClockNeighbour(
                    node: state.peer.node,
                    isHub: state.peer.rights.fromNodes.contains { $0 != .own && $0 != .node(state.peer.node) })
            })
    }

    /// Looks at the words again: after a new one, after a step, and once a minute.
    mutating func judgeClock(_ turn: inout Turn) {
        let ours = ours(turn)
        for (node, by) in clockJudge.takeNews(now: turn.now.relay, ours: ours, limits.clockDisagreementMax) {
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm, "clock of \(node.text) and this node's differ by \(by / 1_000) s", peer: node,
                        kind: .clockDiffers)))
        }
        let before = clockJudge.stored
        if clockJudge.judge(now: turn.now.relay, ours: ours, limits.clockDisagreementMax) { announceClock(&turn) }
        if clockJudge.stored != before { storeClock(&turn) }
    }

    /// Was our clock confirmed by somebody, and is it not doubted?
    func isClockConfirmed(_ turn: Turn) -> Bool {
        clockJudge.isConfirmed(ours: ours(turn), limits.clockDisagreementMax)
    }

    mutating func clockDoubted(_ isDoubted: Bool, _ why: String, _ turn: inout Turn) {
        // A snapshot of a running machine that is resumed shows as a step of its clock.
        if isDoubted, nextCounter > 1 { beginIncarnation(&turn) }
        let was = clockJudge.isDoubted
        if clockJudge.isSteppedDoubt != isDoubted {
            turn.effects.append(
                .notice(Notice(isDoubted ? .alarm : .notice, why, kind: isDoubted ? .clockDoubted : .clockBelieved)))
        }
        clockJudge.stepped(isDoubted)
        if clockJudge.isDoubted != was { announceClock(&turn) }
        storeClock(&turn)
        judgeClock(&turn)
    }

    /// A restart does not make a clock right.
    private func storeClock(_ turn: inout Turn) { turn.rows.setNumber(.meta, "clockDoubted", clockJudge.stored) }

    private mutating func announceClock(_ turn: inout Turn) {
        let text = clockJudge.isDoubted ? "expiry is suspended: the clock is doubted" : "the clock is believed again"
        turn.effects.append(
            .notice(
                Notice(
                    clockJudge.isDoubted ? .alarm : .notice, text,
                    kind: clockJudge.isDoubted ? .clockDoubted : .clockBelieved)))
    }
}

extension Int64 {
    fileprivate func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
    fileprivate func subtractingSaturating(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }
}
