// PeerTable: the neighbours and how their links stand: up, backing off, paused, suspended. Kept in the order of the
// configuration, so that no decision depends on hashing.

import RelayModel
import RelayRows

/// How one neighbour stands.
struct PeerState {
    var peer: Peer
    var sessions: [Ticket] = []
    var isDialling = false
    /// Failed dials in a row.
    var failures: UInt32 = 0
    var dialDue: RelayTime
    var pause = Pause()
    /// Since when there is no session; zero while there is one.
    var downSince: RelayTime
    var upSince: RelayTime = .zero
    var lastError = ""
    var isSuspended = false
    /// Bytes of head start for the lower classes: 5 % of what the higher ones were given.
    var credit: [Int64] = Array(repeating: 0, count: Urgency.allCases.count)
    /// From which number on the round over route classes goes on.
    var nextClass: UInt32 = 0
    /// Dials beside a session that stands, in a row, and when the next may be.
    var furtherDials: UInt32 = 0
    var furtherDialDue: RelayTime = .zero
    /// Sessions in a row that ended with transfers unanswered and had none answered; and what that comes to.
    var barrenSessions = 0
    var finding = ""
    /// Urgent envelopes too large for the session that is kept free for small ones, until the other has room.
    var setAside: [QueueKey] = []
    var hasMoreSetAside = false
    /// When a dial failed last.
    var failedAt: RelayTime = .zero
    /// When the last session ended of a link that had stood for a while; zero where it had not.
    var stoodUntil: RelayTime = .zero

    /// What it has said of itself on its last session.
    var greeting: Greeting?
    /// When it was last believed that this node has gone back.
    var numbersBelieved: RelayTime = .zero
    /// It has a session with another one of this identity, and is left alone for so long.
    var twinUntil: RelayTime = .zero

    var isUp: Bool { !sessions.isEmpty }

    /// A first session is to be dialled, at its time.
    @inline(__always) var waitsForDial: Bool { peer.dials && !isUp && !isDialling && !isSuspended }

    /// A session beside those that are there may be dialled.
    @inline(__always) var mayDialFurther: Bool { peer.dials && isUp && !isDialling && !isSuspended }

    /// Something of its may go that stands in no lane.
    @inline(__always) var hasMoreThanLanes: Bool {
        !setAside.isEmpty || hasMoreSetAside || !pause.keepsNothing || credit.contains { $0 > 0 }
    }
}

/// All neighbours.
struct PeerTable {
    var states: ApartArray<PeerState>
    private var index: [NodeID: Int]

    init(_ peers: [Peer], now: RelayTime) {
        states = ApartArray(peers.map { PeerState(peer: $0, dialDue: now, downSince: now) })
        index = [:]
        for (position, peer) in peers.enumerated() { index[peer.node] = position }
    }

    /// So few are compared one by one, which is quicker than to hash a name.
    private static let comparedMax = 8

    func position(_ node: NodeID) -> Int? {
        guard states.count <= Self.comparedMax else { return index[node] }
        return states.firstIndex { $0.peer.node == node }
    }

    subscript(node: NodeID) -> PeerState? { position(node).map { states[$0] } }

    /// Looks at one where it stands: a copy of all of it is not needed for one of its fields.
    @inline(__always)
    func look<Result>(_ node: NodeID, _ body: (borrowing PeerState) -> Result) -> Result? {
        guard let position = position(node) else { return nil }
        return body(states[position])
    }

    mutating func change(_ node: NodeID, _ body: (inout PeerState) -> Void) {
        guard let position = position(node) else { return }
        body(&states[position])
    }

    /// Takes over a new configuration; links of peers that stay keep their state.
    mutating func replace(_ peers: [Peer], now: RelayTime) {
        var next: [PeerState] = []
        for peer in peers {
            if let position = index[peer.node] {
                var state = states[position]
                if state.peer.address != peer.address || state.peer.dials != peer.dials {
                    // Where it was not found says nothing of where it is now.
                    state.isDialling = false
                    state.failures = 0
                    state.dialDue = now
                }
                state.peer = peer
                next.append(state)
            } else {
                next.append(PeerState(peer: peer, dialDue: now, downSince: now))
            }
        }
        states = ApartArray(next)
        index = [:]
        for (position, state) in next.enumerated() { index[state.peer.node] = position }
    }

    /// When the next dial or the end of a pause is due.
    var nextDeadline: RelayTime? {
        var next = RelayTime.never
        // By place, as in all that is done in each batch: what is handed out by a loop over hundreds of values is a copy of each.
        for position in states.indices {
            if states[position].waitsForDial, states[position].dialDue != .zero {
                next = min(next, states[position].dialDue)
            }
            if states[position].pause.until != .zero { next = min(next, states[position].pause.until) }
        }
        return next == .never ? nil : next
    }
}

/// One TLS session with a neighbour.
struct SessionState {
    var peer: NodeID
    var facts: SessionFacts
    var inFlightBytes: UInt64 = 0
    var inFlight: Set<Ticket> = []
    /// When it was established.
    var since: RelayTime = .zero
    /// What the link was measured to carry, in octets a second; nil before it was.
    var bytesPerSecond: UInt64?
    /// Of transfers that are not answered, the octets that are acknowledged.
    var acknowledgedBytes: UInt64 = 0
    /// Nothing is acknowledged for longer than this link should take: nothing new goes on it.
    var isSilent = false
    var silentSince: RelayTime = .zero
    /// When its unanswered transfers are looked at again.
    var silenceDue: RelayTime = .zero
    /// The peer has answered a transfer on it.
    var hasAnswers = false
    /// One side has said that it will end; nothing new goes on it.
    var isEnding = false
    var endingSince: RelayTime = .zero
    /// Envelopes in pieces that this session is sending, by envelope number.
    var streams: [UInt64] = []
    var servedStreamLast = false
    /// What is chosen at this moment is a lower class's share.
    var servesShare = false
    var recalls = RecallBook()
    /// Places of the active set that its copies take.
    var copies = 0
    /// What its open offers have been promised, or have brought, of the peer's share; and of the share of its records.
    var open = OpenStock()
    var openRecords = OpenStock()
}

/// Envelopes and octets that are coming in.
struct OpenStock {
    var count: UInt64 = 0
    var bytes: UInt64 = 0

    mutating func add(_ octets: Int64) {
        if octets >= 0 { bytes += octets.magnitude } else { bytes -= octets.magnitude }
    }
}

extension RelayCore {
    mutating func sessionEstablished(_ session: Ticket, _ facts: SessionFacts, _ turn: inout Turn) {
        guard let state = peers[facts.peer] else {
            turn.effects.append(.endSession(session: session, why: "no such peer in the configuration"))
            return
        }
        let rivals = rivals(of: facts, state)
        if !rivals.isEmpty { return askRivals(rivals, session, facts, &turn) }
        establish(session, facts, &turn)
    }

    mutating func establish(_ session: Ticket, _ facts: SessionFacts, _ turn: inout Turn) {
        guard let state = peers[facts.peer] else { return }
        sessions[session] = SessionState(peer: facts.peer, facts: facts, since: turn.now.relay)
        sessionOrder.append(session)
        let wasUp = state.isUp
        peers.change(facts.peer) {
            $0.sessions.append(session)
            $0.greeting = facts.greeting
            $0.isDialling = false
            // An incoming session proves the way, too: the backoff of dialling is over.
            $0.failures = 0
            $0.pause = Pause()
            if !wasUp {
                // What lower classes have earned on the link that was: the most urgent goes first.
                $0.credit = Array(repeating: 0, count: Urgency.allCases.count)
                $0.upSince = turn.now.relay
                $0.furtherDials = 0
                $0.furtherDialDue = turn.now.relay
            }
            $0.lastError = ""
        }
        networkAnswers(but: facts.peer, turn.now.relay)
        lookAtSilent(facts.peer, turn.now.relay)
        // What others had passed over for this peer's sake (in doubt at it) is its own again.
        reopenLanes()
        if !wasUp {
            noteLinks(&turn)
            ledger.count(.linkUp(facts.peer))
            turn.effects.append(.notice(Notice(.notice, "link up", peer: facts.peer, kind: .linkUp)))
        }
        compareNumbers(facts, &turn)
        clockHeard(of: facts, &turn)
    }

    mutating func sessionEnding(_ session: Ticket, _ now: RelayTime) {
        guard let state = sessions[session], !state.isEnding else { return }
        sessions.change(session) {
            $0.isEnding = true
            $0.endingSince = now
        }
        // Others may take over, should it be the last one and not be followed by another.
        wakeForFailover(now)
    }

    mutating func sessionEnded(_ session: Ticket, sentWhole: [Ticket], reason: String, _ turn: inout Turn) {
        abandonOffers(of: session, &turn)
        if pendingEnded(session, reason, &turn) { return }
        defer { rivalEnded(session, &turn) }
        guard let state = sessions.removeValue(forKey: session) else { return }
        sessionOrder.removeAll { $0 == session }
        let now = turn.now.relay
        // What has stood for a while comes back soon: its node starts anew.
        let hasStood = now.since(state.since) >= Self.standingTime
        let redial = now + (hasStood ? quickRedial : limits.dialBackoffMin)
        peers.change(state.peer) {
            $0.sessions.removeAll { $0 == session }
            if !$0.isUp {
                // A last session that took nothing any more was lost to the queue before it ended.
                $0.downSince = state.isEnding ? state.endingSince : state.isSilent ? state.silentSince : now
                $0.dialDue = max(redial, $0.twinUntil)
                $0.stoodUntil = hasStood ? now : .zero
                $0.lastError = reason
            }
            if now.since(state.since) >= Self.steadySession { $0.furtherDials = 0 }
        }
        offerSetAside(state.peer)
        judgeBarren(state, reason, &turn)
        let whole = Set(sentWhole)
        for ticket in state.inFlight.sorted() {
            if whole.contains(ticket), let dispatch = dispatches[ticket] {
                doubt(dispatch, since: state.isSilent ? state.silentSince : now, &turn)
            }
            noteUnanswered(ticket, reason, &turn)
            returnToQueue(ticket, &turn)
        }
        for number in state.streams { releaseStream(number, session: session, &turn) }
        if let peer = peers[state.peer], !peer.isUp {
            noteLinks(&turn)
            turn.effects.append(.notice(Notice(.notice, "link down: \(reason)", peer: state.peer, kind: .linkDown)))
            // Other links may take over once the fail-over wait is past.
            wakeForFailover(now)
        }
    }

    /// It changes nothing of the peer but what is said of it: who came may be somebody else.
    mutating func contactRefused(_ node: NodeID, _ reason: String) {
        peers.change(node) {
            // Of a peer that is dialled from here, the own dial says more than somebody who gives its name.
            guard !$0.isUp, !($0.peer.dials && $0.failures > 0) else { return }
            $0.lastError = "refused here: \(reason)"
        }
    }

    mutating func dialFailed(_ node: NodeID, _ reason: String, _ turn: inout Turn) {
        let now = turn.now.relay
        var generator = random
        let backoff = Backoff(minimum: limits.dialBackoffMin, maximum: limits.dialBackoffMax)
        if peers.look(node, { $0.isUp }) == true {
            // A further session did not come about; the link is as it was.
            return peers.change(node) { $0.isDialling = false }
        }
        let isNews = peers[node].map { $0.lastError != reason } ?? false
        let quick = Backoff(minimum: quickRedial, maximum: quickRedial)
        peers.change(node) {
            $0.isDialling = false
            $0.failedAt = now
            $0.lastError = reason
            if $0.stoodUntil != .zero, now.since($0.stoodUntil) < Self.quickRedialTime {
                // One failure, however often it is tried: the waits that grow begin behind it.
                $0.failures = max($0.failures, 1)
                $0.dialDue = now + quick.delay(attempt: 1, random: &generator)
            } else {
                $0.failures += 1
                $0.dialDue = now + backoff.delay(attempt: $0.failures, random: &generator)
            }
        }
        random = generator
        if isNews {
            turn.effects.append(
                .notice(Notice(.notice, "cannot reach peer: \(reason)", peer: node, kind: .peerUnreachable)))
        }
    }

    /// A node that was killed or updated listens again within seconds. For so long it is dialled without growing waits; the mail of
    /// a hub stands still meanwhile.
    private static var quickRedialTime: Milliseconds { .seconds(10) }
    /// What ended sooner than this behind its beginning may do so again.
    private static var standingTime: Milliseconds { .seconds(2) }
    private var quickRedial: Milliseconds { min(Milliseconds(250), limits.dialBackoffMin) }

    /// Far beyond all time-outs of making contact.
    private static var diallingMax: Milliseconds { .minutes(15) }

    /// Dials that are due, and pauses that are over.
    mutating func peersDue(_ turn: inout Turn) {
        let now = turn.now.relay
        pausesDue(now)
        for position in peers.states.indices {
            if peers.states[position].isDialling, peers.states[position].dialDue + Self.diallingMax <= now {
                // Whoever was to say what became of it never will.
                peers.states[position].isDialling = false
            }
            dialFurther(position, now, &turn)
            guard peers.states[position].waitsForDial, peers.states[position].dialDue <= now else { continue }
            peers.states[position].isDialling = true
            turn.effects.append(.dial(peer: peers.states[position].peer.node))
        }
    }

    /// May this peer be given envelopes of so many octets at this moment? Zero: any at all. `number`: the one that is to find out whether
    /// there is room may be.
    func isLive(_ node: NodeID, bytes: UInt64 = 0, number: UInt64? = nil) -> Bool {
        peers.look(node) { state in
            !state.isSuspended && hasUsableSession(state)
                && (!state.pause.keeps(bytes) || number != nil && state.pause.probe == number)
        } ?? false
    }

    /// A session that is ending takes nothing more.
    func hasUsableSession(_ state: borrowing PeerState) -> Bool {
        state.sessions.contains { isUsable($0) }
    }

    /// True while a peer that has just been lost may still come back before others take over: for urgent ones a shorter while.
    func isExpectedBack(_ node: NodeID, urgency: Urgency = .normal, now: RelayTime) -> Bool {
        peers.look(node) { state in
            !state.isSuspended && !hasUsableSession(state) && now < lost(state) + failoverWait(urgency)
        } ?? false
    }
}
