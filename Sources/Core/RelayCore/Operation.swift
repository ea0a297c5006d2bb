// Operation: what an operator has the node do, and what it answers. Values that cross the border of the core; what they do is in
// Jobs.swift, DeedSteps.swift, Suspensions.swift and Drain.swift.

import RelayModel
import RelayRows

/// Who does it, by the kernel's word.
public struct Operator: Sendable, Hashable {
    public var uid: UInt32
    public var login: String
    public init(uid: UInt32, login: String) {
        self.uid = uid
        self.login = login
    }

    /// The node itself: what it does when a time is over.
    static let itself = Operator(uid: 0, login: "edocd")
}

/// A deed on a set of pairs, before it is applied.
public struct JobDraft: Sendable {
    public var verb: DeedVerb
    public var selector: Selector
    public var selectorText: String
    public var target: NodeID?
    public var span: Milliseconds
    public var setting: DeedSetting
    public var reason: String
    /// The set, encoded where it was made, off the engine's thread. A suspension needs none.
    public var parts: [[UInt8]]
    public var count: UInt64
    public var bytes: UInt64
    /// When the set was fixed.
    public var fixed: ClockReading

    /// `pairs`: ascending, each once.
    public init(
        verb: DeedVerb, selector: Selector, selectorText: String, target: NodeID? = nil, span: Milliseconds = .zero,
        setting: DeedSetting = .none, reason: String = "", pairs: [PairName], count: UInt64, bytes: UInt64,
        fixed: ClockReading
    ) {
        self.verb = verb
        self.selector = selector
        self.selectorText = selectorText
        self.target = target
        self.span = span
        self.setting = setting
        self.reason = reason
        parts = PairSet.parts(pairs)
        self.count = count
        self.bytes = bytes
        self.fixed = fixed
    }

    public static let pairsMax = 2_000_000
}

/// What an operator wants.
public struct Operation: Sendable {
    public enum Wish: Sendable {
        /// Keep the set under a number; nothing is touched.
        case preview(JobDraft)
        /// With the verb that the operator believes the job to be of, if one was said.
        case apply(UInt64, as: DeedVerb? = nil)
        case cancel(UInt64, as: DeedVerb? = nil)
        case undo(UInt64, as: DeedVerb? = nil)
        /// Stop accepting, empty the queues, and exit; or go on as before.
        case drain(Bool, reason: String)
        /// These bad ends and delays have been seen.
        case acknowledgeOutcomes(OutcomeAcknowledgement)
        /// Look through the whole store, payloads too, at so many octets of them a second.
        case verify(bytesPerSecond: UInt64, reason: String)
    }

    public var ticket: Ticket
    public var caller: Operator
    public var wish: Wish
    public init(ticket: Ticket, caller: Operator, wish: Wish) {
        self.ticket = ticket
        self.caller = caller
        self.wish = wish
    }
}

/// The answer, after its commit.
public enum OperationAnswer: Sendable {
    case job(JobRow)
    case draining(Bool)
    /// So many outcomes; `next`: where the next portion begins, nil at the end.
    case acknowledged(count: UInt64, next: [UInt8]?)
    case verifying
    /// There is no such job.
    case unknown(String)
    /// It cannot be done as things stand.
    case refused(String)
}
