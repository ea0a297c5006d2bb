// Selector: which (envelope, recipient) pairs an operator means. One value for lists and for deeds, so that what is listed is
// what is touched. Pure: it looks at rows that it is handed, and at a context that says what only the core knows. Which index
// finds its pairs is in SelectorScan.swift.

import RelayModel
import RelayRouting
import RelayRows

/// How a pair stands, as operators see it. Some of it is not in the row: what is on a link is known to the core alone.
public enum PairState: String, Sendable, CaseIterable {
    /// Not whole here yet.
    case incoming
    case waiting
    /// On a link at this moment.
    case active
    case deferred
    case held
    /// Held, and its lifetime is over.
    case heldExpired = "held-expired"
    /// Deleted by an operator who may still undo it.
    case deleting
    /// Being moved into its agency's spool.
    case handing
    case arrived, corrupt
    case forwarded, delivered, refused, expired, deleted

    public var isEnd: Bool {
        switch self {
        case .forwarded, .delivered, .refused, .expired, .deleted: true
        default: false
        }
    }
}

/// Pairs by their next hop.
public struct PeerChoice: Sendable, Hashable {
    public var node: NodeID
    /// False: only those for which it is the hop that would be taken now. True: wherever it stands in the list.
    public var isAnyHop: Bool
    public init(node: NodeID, isAnyHop: Bool) {
        self.node = node
        self.isAnyHop = isAnyHop
    }
}

/// What a selector needs to know besides the row.
public struct SelectorContext: Sendable {
    public var now: RelayTime
    /// Next hops by route class.
    public var hops: [UInt32: [NodeID]]
    /// The hop of each class that is live now, or else its first.
    public var bestHops: [UInt32: NodeID]
    /// Recipients on links, by envelope.
    public var active: [UInt64: [Int]]

    public init(
        now: RelayTime, hops: [UInt32: [NodeID]] = [:], bestHops: [UInt32: NodeID] = [:], active: [UInt64: [Int]] = [:]
    ) {
        self.now = now
        self.hops = hops
        self.bestHops = bestHops
        self.active = active
    }

    /// How a pair stands.
    public func state(_ row: EnvelopeRow, _ index: Int) -> PairState {
        let recipient = row.recipients[index]
        switch recipient.state {
        case .waiting, .deferred:
            if active[row.number]?.contains(index) == true { return .active }
            if !row.isComplete { return .incoming }
            return recipient.due > now && recipient.attempts > 0 ? .deferred : .waiting
        case .held: return row.expiry <= now ? .heldExpired : .held
        case .deleting: return .deleting
        case .handing: return .handing
        case .arrived: return .arrived
        case .corrupt: return .corrupt
        case .forwarded: return .forwarded
        case .delivered: return .delivered
        case .refused: return .refused
        case .expired: return .expired
        case .deleted: return .deleted
        }
    }

    /// True when the pair waits for this peer, or was handed to it.
    func concerns(_ choice: PeerChoice, _ recipient: RecipientRow) -> Bool {
        if recipient.state.isEnd { return recipient.peer == choice.node }
        if recipient.state.isAtHome { return false }
        if choice.isAnyHop { return hops[recipient.routeClass]?.contains(choice.node) ?? false }
        return bestHops[recipient.routeClass] == choice.node
    }
}

/// Which pairs are meant. Everything that is set must hold; nothing set means whatever is in the store.
public struct Selector: Sendable, Hashable {
    /// Envelopes by their number here, ascending; nil: any.
    public var numbers: [UInt64]?
    public var peer: PeerChoice?
    /// The sender: an agency or a subtree.
    public var from: AgencyPattern?
    /// The recipient: an agency or a subtree.
    public var to: AgencyPattern?
    /// Empty: any.
    public var urgencies: Set<Urgency> = []
    /// Empty: every state of what is in the store, that is, not ended here.
    public var states: Set<PairState> = []
    /// Accepted here at least so long ago.
    public var olderThan: Milliseconds?
    /// Accepted here less than so long ago.
    public var newerThan: Milliseconds?
    public var bytesMin: UInt64?
    public var bytesMax: UInt64?
    /// A text in the last answer or in the reason of its end; case does not matter. Lower case here.
    public var answer: String?
    public var documentID: String?
    /// Reports and other administrative records, too. Otherwise they are meant only when they are named.
    public var withRecords = false
    /// Of what was handed in here: what is known of its end. Which rows fit is read beside the envelope's own (SelectorScan).
    public var outcome: OutcomeChoice?

    public init() {}

    public static let numbersMax = 1_000

    /// True when an ended pair can be meant.
    public var meansEnded: Bool { outcome != nil && states.isEmpty || states.contains { $0.isEnd } }

    /// Does the envelope as a whole fit? By its row, or by a glance at its record.
    public func matches(envelope row: some EnvelopeOutline, _ context: SelectorContext) -> Bool {
        if let numbers, !numbers.contains(row.number) { return false }
        if row.kind == .administrative, !withRecords, numbers == nil { return false }
        if let from {
            guard let sender = row.sender, from.covers(sender) else { return false }
        }
        if !urgencies.isEmpty, !urgencies.contains(row.urgency) { return false }
        let age = context.now.since(row.arrival)
        if let olderThan, age < olderThan { return false }
        if let newerThan, age >= newerThan { return false }
        if let bytesMin, row.payloadLength < bytesMin { return false }
        if let bytesMax, row.payloadLength > bytesMax { return false }
        if let documentID, row.documentID != documentID { return false }
        return true
    }

    /// Does one recipient of an envelope that fits?
    public func matches(_ row: EnvelopeRow, recipient index: Int, _ context: SelectorContext) -> Bool {
        let recipient = row.recipients[index]
        if recipient.isDuplicate { return false }
        let state = context.state(row, index)
        if states.isEmpty {
            if state.isEnd, outcome == nil { return false }
        } else if !states.contains(state), !(state == .heldExpired && states.contains(.held)) {
            return false
        }
        if let to {
            guard let agency = AgencyCode(recipient.name), to.covers(agency) else { return false }
        }
        if let peer, !context.concerns(peer, recipient) { return false }
        if let answer {
            let isAnswered =
                recipient.lastAnswer.lowercased().contains(answer)
                || recipient.reason != .none && recipient.reason.word.lowercased().contains(answer)
            if !isAnswered { return false }
        }
        return true
    }

    /// False when none of its recipients can fit: most have ended, or are other agencies. What is left is decided by the row.
    func mayMatchRecipient(of glance: EnvelopeGlance) -> Bool {
        glance.hasRecipient { name, state in
            if state.isEnd, !meansEnded { return false }
            guard let code = to?.code else { return true }
            return name.starts(with: code.text.utf8)
        }
    }

    /// The recipients of an envelope that are meant.
    public func matches(_ row: EnvelopeRow, _ context: SelectorContext) -> [Int] {
        matches(envelope: row, context) ? recipients(of: row, context) : []
    }

    /// Those of an envelope that as a whole fits.
    func recipients(of row: EnvelopeRow, _ context: SelectorContext) -> [Int] {
        row.recipients.indices.filter { matches(row, recipient: $0, context) }
    }
}

extension AgencyPattern {
    /// What every code that is covered begins with; nil: any.
    var code: AgencyCode? {
        switch self {
        case .any, .own: nil
        case .agency(let code), .subtree(let code): code
        }
    }

    /// For patterns that name agencies; `own` covers nothing here.
    func covers(_ agency: AgencyCode) -> Bool {
        switch self {
        case .any: true
        case .own: false
        case .agency(let code): code == agency
        case .subtree(let code): code == agency || agency.text.hasPrefix(code.text + ".")
        }
    }
}

extension RelayCore {
    /// What selectors need to know of the core at this moment. `withActive`: also what is on links, at the cost of the active set.
    public func selectorContext(now: RelayTime, withActive: Bool) -> SelectorContext {
        var context = SelectorContext(now: now, hops: classes.hops)
        for number in classes.order {
            context.bestHops[number] = bestLiveHop(number, now: now) ?? classes.hops[number]?.first
        }
        if withActive {
            context.active = active.mapValues { $0.copies.flatMap(\.recipients) }
        }
        return context
    }
}
