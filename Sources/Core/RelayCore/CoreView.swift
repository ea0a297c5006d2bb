// CoreView: what operators may see of the decisions. Read-only; computed by the code that decides, so that an explanation
// cannot differ from the behaviour.

import RelayModel
import RelayRouting
import RelayRows

/// How a neighbour stands.
public struct PeerView: Sendable {
    public var node: NodeID
    public var isUp: Bool
    public var sessions: [Ticket]
    public var dials: Bool
    public var isDialling: Bool
    /// Failed dials in a row.
    public var failures: UInt32
    public var nextDial: RelayTime?
    public var pausedUntil: RelayTime?
    /// Payload octets: it has no room for what is as large or larger, and smaller ones go; nil: the pause is for all, or there is none.
    public var pausedFrom: UInt64?
    public var isSuspended: Bool
    /// By whom, until when, why; empty when it is not suspended.
    public var suspension = ""
    public var downSince: RelayTime?
    public var upSince: RelayTime?
    public var lastError: String
    public var transfersInFlight: Int
    public var bytesInFlight: UInt64
    /// Of these, what the other end has not acknowledged in part: what the window bounds.
    public var bytesUnacknowledged: UInt64 = 0
    /// Sent whole, not answered when their session ended, not settled since.
    public var inDoubt: Int
    /// What it has said of itself on its last session; nil of a node that says nothing.
    public var greeting: Greeting?
    /// What is wrong with its link though sessions come up, with the likely cause; empty for nothing.
    public var finding = ""
}

/// Why a waiting recipient waits, from the route down to the limit that binds.
public struct WaitView: Sendable {
    public var state: RecipientState
    /// True while a copy is on a link.
    public var isActive: Bool
    public var hops: [NodeID]
    /// One sentence a step: route → peer → limit or clock.
    public var why: [String]
    public var nextAttempt: RelayTime?
}

/// The live answer to "where would a copy for this agency go?".
public struct RouteView: Sendable {
    public var asked: String
    public var canonical: AgencyCode?
    public var home: NodeID?
    public var match: RouteMatch?
    public var destination: String
    public var hops: [NodeID]
    /// The hop that a copy would take now; nil when none is live.
    public var liveHop: NodeID?
    /// Why the agency's documents wait whatever the hops are like; empty when they do not.
    public var suspension = ""
    /// Why each hop before it was passed over.
    public var notes: [String]
    /// Every hop of the row in its order: taken now or not, and why.
    public var eachHop: [HopView] = []
    /// What its home says that it understands; nil: it has not said.
    public var features: [Feature]?
}

/// What speaks for or against one hop.
public struct HopView: Sendable {
    public var node: NodeID
    public var isTaken: Bool
    public var why: String
}

extension RelayCore {
    public func peerViews(at now: RelayTime) -> [PeerView] {
        var views = peerViews
        for index in views.indices where views[index].isSuspended {
            views[index].suspension = suspensions.of(views[index].node).map { sentence($0, now) } ?? ""
        }
        return views
    }

    public var peerViews: [PeerView] {
        if isOffline { return [] }
        return peers.states.map { state in
            let sessions = state.sessions.compactMap { self.sessions[$0] }
            var view = PeerView(
                node: state.peer.node, isUp: state.isUp, sessions: state.sessions, dials: state.peer.dials,
                isDialling: state.isDialling, failures: state.failures,
                nextDial: state.peer.dials && !state.isUp && !state.isDialling ? state.dialDue : nil,
                pausedUntil: state.pause.until == .zero ? nil : state.pause.until, pausedFrom: state.pause.noRoomFrom,
                isSuspended: state.isSuspended, downSince: state.isUp ? nil : state.downSince,
                upSince: state.isUp ? state.upSince : nil,
                lastError: state.lastError, transfersInFlight: sessions.reduce(0) { $0 + $1.inFlight.count },
                bytesInFlight: sessions.reduce(0) { $0 + $1.inFlightBytes },
                inDoubt: doubts.count(at: state.peer.node), greeting: state.isUp ? state.greeting : nil)
            view.bytesUnacknowledged = sessions.reduce(0) { $0 + $1.unacknowledgedBytes }
            view.finding = state.finding
            return view
        }
    }

    public var activeCount: Int { active.count }
    public var stagedOctets: UInt64 { stagedBytes }
    public var isClockDoubted: Bool { clockJudge.isDoubted }
    public var startedAt: RelayTime { started }

    /// The next hops of a route class.
    public func hops(ofClass number: UInt32) -> [NodeID] { classes.hops[number] ?? [] }
    public var classNumbers: [UInt32] { classes.order }

    /// Why one recipient of an envelope waits.
    public func wait(_ row: EnvelopeRow, _ index: Int, now: RelayTime) -> WaitView {
        wait(row, index, active[row.number]?.onLinks ?? [], now: now)
    }

    func wait(_ row: EnvelopeRow, _ index: Int, _ onLinks: [OnLink], now: RelayTime) -> WaitView {
        let recipient = row.recipients[index]
        let copy = recipient.state.isQueued ? onLinks.first { $0.recipients.contains(index) } : nil
        var view = WaitView(
            state: recipient.state, isActive: copy != nil, hops: hops(ofClass: recipient.routeClass), why: [],
            nextAttempt: nil)
        if let copy {
            view.why = ["on the link to \(copy.peer.name), waiting for its answer"]
            return view
        }
        guard recipient.state.isQueued else {
            view.why = spoolSentences(row, recipient) ?? [Self.sentence(recipient)]
            if recipient.state.isAtHome { view.nextAttempt = spoolAttempt(row, recipient) }
            if recipient.state == .held, row.expiry <= now { view.why.append(Self.heldExpired) }
            return view
        }
        if recipient.routeClass == 0 {
            view.why = ["at home here; its digest is being checked before it arrives"]
            return view
        }
        let suspension = suspensions.of(agency: recipient.name)
        for row in suspensions.all(agency: recipient.name) { view.why.append(sentence(row, now)) }
        if let via = recipient.via { view.why.append("an operator has sent it by way of \(via.name)") }
        if case .nowhere(let reason) = destiny(of: recipient, in: row) {
            view.why.append("no route today (\(reason.word)): it keeps the way that it had")
        }
        view.why.append("route: " + view.hops.map(\.name).joined(separator: ", then "))
        if isOffline {
            view.why.append("offline: the daemon does not run; what holds it back shows when it does")
            if recipient.due > now { view.nextAttempt = recipient.due }
            return view
        }
        for hop in view.hops {
            let sentence = self.sentence(hop, now, for: row)
            view.why.append(sentence)
            if isLive(hop, bytes: row.payloadLength, number: row.number) {
                // It is asked again, but the next one may take it first.
                if recipient.refusedBy.contains(hop) { continue }
                break
            }
            if isExpectedBack(hop, urgency: row.urgency, now: now), hop != view.hops.last, let state = peers[hop] {
                view.why.append("\(hop.name) may come back; others take over after the fail-over wait")
                view.nextAttempt = lost(state) + failoverWait(row.urgency)
                break
            }
        }
        if recipient.due > now {
            view.why.append("deferred after \(recipient.attempts) attempts: \(recipient.lastAnswer)")
            view.nextAttempt = recipient.due
        } else if let doubt = doubt(row, index, now: now) {
            // After a crash nobody knows what was on the link.
            view.why.append(
                doubt.recipients.isEmpty
                    ? "in doubt at \(doubt.peer.name): it may have been on the link when this node crashed; others are asked later"
                    : "in doubt at \(doubt.peer.name): it was sent whole and not answered; others are asked later")
            view.nextAttempt = doubt.until
        } else if let attempt = view.hops.compactMap({ attempt(by: $0, row) }).min() {
            view.nextAttempt = view.nextAttempt.map { min($0, attempt) } ?? attempt
        }
        if let suspension {
            // Both must be over: the suspension, and what keeps every hop.
            let isReady =
                recipient.due <= now && view.nextAttempt == nil
                && view.hops.contains { isLive($0, bytes: row.payloadLength, number: row.number) }
            view.nextAttempt =
                suspension.until == .never
                ? nil : isReady ? suspension.until : view.nextAttempt.map { max($0, suspension.until) }
            return view
        }
        if let hop = view.hops.first(where: { isLive($0, bytes: row.payloadLength, number: row.number) }),
            places(for: hop) <= 0
        {
            view.why.append("the active set (\(limits.activeMax)) has no place left for \(hop.name)")
        }
        if recipient.due <= now,
            let hop = bestLiveHop(recipient.routeClass, for: row, now: now),
            doubt(row, index, now: now) == nil
        {
            if let held = heldBack(row, at: hop) {
                view.why.append(
                    "\(held.share) at \(hop.name) is used up: one of it finds out when there is room, the others wait")
                if held.until > now { view.nextAttempt = view.nextAttempt.map { min($0, held.until) } ?? held.until }
            } else {
                view.why.append(lineSentence(row, hop))
            }
        }
        if clockJudge.isDoubted { view.why.append("the clock is doubted: lifetimes do not end meanwhile") }
        return view
    }

    /// When a hop that takes nothing at this moment may take something; nil when that is not known.
    private func attempt(by hop: NodeID, _ row: EnvelopeRow) -> RelayTime? {
        guard let state = peers[hop], !isLive(hop, bytes: row.payloadLength, number: row.number) else { return nil }
        if state.isSuspended {
            guard let until = suspensions.of(hop)?.until, until != .never else { return nil }
            if state.isUp { return max(until, state.pause.until) }
            return state.peer.dials ? max(until, state.dialDue) : nil
        }
        if !state.isUp { return state.peer.dials ? state.dialDue : nil }
        return state.pause.until == .zero ? nil : state.pause.until
    }

    /// What a due copy waits for though its next hop is live.
    private func lineSentence(_ row: EnvelopeRow, _ hop: NodeID) -> String {
        if !row.isComplete, peers.look(hop, { $0.peer.takesFragments }) == false {
            return "\(hop.name) takes no pieces: it waits until the whole is here"
        }
        guard sessions.values.contains(where: { $0.peer == hop && hasRoomNow($0) }) else {
            return "it waits for a free place in the window to \(hop.name)"
        }
        return "it is in line for \(hop.name); what is more urgent or older goes first"
    }

    private static let heldExpired =
        "its lifetime is over: release ends it as expired; at its home node, resubmit makes a new envelope of it"

    private func sentence(_ row: SuspensionRow, _ now: RelayTime) -> String {
        let until = row.until == .never ? "until resumed" : "for another \(row.until.since(now).nearestText)"
        return "\(row.subject.text) is suspended by \(row.login) \(until): \(row.reason)"
    }

    private static func sentence(_ recipient: RecipientRow) -> String {
        switch recipient.state {
        case .arrived: "in the agency's inbox, not yet taken"
        case .handing: "handing over to the agency's spool"
        case .held: recipient.heldBecause.isEmpty ? "held by an operator" : recipient.heldBecause
        case .deleting: "deleted by an operator, who may still undo it"
        // What was done with the copy says what of it is damaged.
        case .corrupt: recipient.lastAnswer.isEmpty ? "its record in the store cannot be read" : recipient.lastAnswer
        case .forwarded: "taken by \(recipient.peer?.name ?? "the next hop")"
        case .delivered: "the agency has taken it"
        case .refused: "refused: \(recipient.reason.word)"
        case .expired:
            recipient.reason == .transmissionCancelled
                ? "an operator has ended it before its lifetime was over" : "its lifetime ended"
        case .deleted: "deleted by an operator"
        case .waiting, .deferred: "waits"
        }
    }

    private func sentence(_ hop: NodeID, _ now: RelayTime, for row: EnvelopeRow? = nil) -> String {
        guard let state = peers[hop] else { return "\(hop.name) is no longer a peer" }
        if state.isSuspended {
            return suspensions.of(hop).map { sentence($0, now) } ?? "\(hop.name) is suspended"
        }
        if state.pause.keeps(row?.payloadLength ?? 0) {
            guard let from = state.pause.keptFrom else {
                return "\(hop.name) has no resources and is left alone for a while"
            }
            return
                "\(hop.name) has no room for \(from) bytes or more; smaller ones go, and it is asked again in a while"
        }
        if state.isUp {
            if state.sessions.contains(where: { sessions.look($0, { $0.isSilent }) == true }), !hasUsableSession(state)
            {
                return "\(hop.name) acknowledges nothing at present; another session is tried"
            }
            if state.sessions.allSatisfy({ sessions[$0]?.isEnding != false }) {
                return "\(hop.name)'s session is ending; the next one is awaited"
            }
            return sessions.values.contains { $0.peer == hop && hasRoomNow($0) }
                ? "\(hop.name) is up" : windowSentence(hop)
        }
        let since = "down for \(now.since(state.downSince).text)"
        let error = state.lastError.isEmpty ? "" : ": \(state.lastError)"
        if !state.peer.dials { return "\(hop.name) is \(since); it dials us\(error)" }
        return "\(hop.name) is \(since), \(state.failures == 1 ? "1 dial" : "\(state.failures) dials") failed\(error)"
    }

    private func windowSentence(_ hop: NodeID) -> String {
        let open = sessions.values.filter { $0.peer == hop && !$0.isEnding }
        if open.isEmpty { return "\(hop.name) is up, and its session is ending" }
        let transfers = open.reduce(0) { $0 + $1.inFlight.count }
        let bytes = open.reduce(0) { $0 + $1.inFlightBytes }
        return "\(hop.name) is up, and its window is full: \(transfers) of \(limits.windowTransfers * open.count) "
            + "transfers, \(bytes) of \(open.reduce(0) { $0 + windowBytes($1) }) bytes not answered"
    }

    func hasRoomNow(_ state: SessionState) -> Bool {
        !state.isEnding && !state.isSilent && state.inFlight.count < limits.windowTransfers
            && state.unacknowledgedBytes < windowBytes(state)
    }

    /// Runs the live routing code for an agency or a node.
    public func explainRoute(_ asked: String, now: RelayTime) -> RouteView {
        var view = RouteView(
            asked: asked, canonical: nil, home: nil, match: nil, destination: "", hops: [], liveHop: nil, notes: [])
        let destiny: Destiny
        if let code = configuration.directory.canonical(asked) {
            view.canonical = code
            view.home = configuration.directory.home(of: code)
            view.match = configuration.routes.lookup(code, in: configuration.directory)
            destiny = self.destiny(of: code, avoiding: [], origin: nil)
        } else if let node = NodeID(shortName: asked) ?? NodeID(text: asked),
            peers.position(node) != nil
                || configuration.directory.homeNodes.contains(node)
        {
            view.home = node
            view.match = configuration.routes.lookup(node: node)
            destiny = self.destiny(ofNode: node, avoiding: [], origin: nil)
        } else {
            view.destination = "unknown: no such agency or node in the directory"
            return view
        }
        view.features = view.home.flatMap { features(of: $0) }
        switch destiny {
        case .home: view.destination = "at home on this node"
        case .nowhere(let reason): view.destination = "refused: \(reason.word)"
        case .away(let hops):
            view.destination = "forwarded"
            view.hops = hops
            for hop in view.match?.route.via ?? hops { view.eachHop.append(hopView(hop, hops, now)) }
            if let suspension = view.canonical.flatMap({ suspensions.of(agency: $0.text) }) {
                view.suspension = sentence(suspension, now)
                for index in view.eachHop.indices { view.eachHop[index].isTaken = false }
                return view
            }
            for hop in hops {
                view.notes.append(sentence(hop, now))
                if isLive(hop) {
                    view.liveHop = hop
                    break
                }
                if isExpectedBack(hop, now: now) {
                    view.notes.append("\(hop.name) has just been lost; others take over after the fail-over wait")
                    break
                }
            }
        }
        return view
    }

    /// One hop of the row: the one that `bestLiveHop` would take, or why it is not that one.
    private func hopView(_ hop: NodeID, _ usable: [NodeID], _ now: RelayTime) -> HopView {
        guard usable.contains(hop) else {
            return HopView(node: hop, isTaken: false, why: "\(hop.name) is no peer of this node")
        }
        var taken: NodeID?
        for candidate in usable {
            if isLive(candidate) {
                taken = candidate
                break
            }
            if isExpectedBack(candidate, now: now) { break }
        }
        var why = sentence(hop, now)
        if isLive(hop), let taken, taken != hop { why += ", and comes after \(taken.name)" }
        if isLive(hop), taken == nil {
            why += ", and waits for one before it that has just been lost"
        } else if isExpectedBack(hop, now: now) {
            why += "; it may come back before others take over"
        }
        return HopView(node: hop, isTaken: taken == hop, why: why)
    }

    /// What came and went in the last minutes.
    public func lately(_ now: RelayTime) -> [AgePlace: (came: UInt64, left: UInt64)] { ledger.flows.lately(now) }
}
