// AgencyRow: what an edition says of one agency, with the moments from which it is so. A value. Its lists are in the one order of the
// format: aliases by their text, what is dated by its moments.

import RelayModel

/// Where an agency stands. `closed` is the last.
public enum AgencyState: String, Hashable, Sendable, CaseIterable {
    case planned, joined, suspended, closed
}

public struct DatedState: Hashable, Sendable {
    public var state: AgencyState
    public var from: Moment

    public init(_ state: AgencyState, from: Moment) {
        self.state = state
        self.from = from
    }
}

/// The node where an agency's documents are delivered, until the next one's moment.
public struct DatedHome: Hashable, Sendable {
    public var node: NodeID
    public var from: Moment

    public init(_ node: NodeID, from: Moment) {
        self.node = node
        self.from = from
    }
}

/// Who takes the documents of an agency from a moment on.
public struct Successor: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Into another agency.
        case merged
        /// The same agency under another code.
        case renamed
        /// Into several.
        case split
    }

    /// What one of the parts of a split takes, in words for people; documents go to it when they are addressed to it.
    public struct Part: Hashable, Sendable {
        public var agency: AgencyCode
        public var takes: String

        public init(_ agency: AgencyCode, takes: String) {
            self.agency = agency
            self.takes = takes
        }
    }

    public var kind: Kind
    public var from: Moment
    /// Who takes what is addressed to the old code; of a split, the one that takes by default.
    public var to: AgencyCode
    /// Of a split: the others, in the order of their codes.
    public var parts: [Part]

    public init(_ kind: Kind, from: Moment, to: AgencyCode, parts: [Part] = []) {
        self.kind = kind
        self.from = from
        self.to = to
        self.parts = parts
    }
}

/// Whom people write or call. Empty where nothing is said.
public struct Contact: Hashable, Sendable {
    public var mail: String
    public var phone: String

    public init(mail: String = "", phone: String = "") {
        self.mail = mail
        self.phone = phone
    }
}

public struct AgencyRow: Hashable, Sendable {
    public var code: AgencyCode
    /// The name in Vietnamese; never empty.
    public var vietnamese: String
    /// The name in English; empty where there is none.
    public var english: String
    public var parent: AgencyCode?
    /// Other spellings, old codes among them.
    public var aliases: [AgencyCode]
    public var contact: Contact
    public var homes: [DatedHome]
    public var states: [DatedState]
    public var successor: Successor?

    public init(
        code: AgencyCode, vietnamese: String, english: String = "", parent: AgencyCode? = nil,
        aliases: [AgencyCode] = [], contact: Contact = Contact(), homes: [DatedHome] = [], states: [DatedState] = [],
        successor: Successor? = nil
    ) {
        self.code = code
        self.vietnamese = vietnamese
        self.english = english
        self.parent = parent
        self.aliases = aliases
        self.contact = contact
        self.homes = homes
        self.states = states
        self.successor = successor
    }
}

/// What is so of an agency at a moment.
public struct AgencyStanding: Hashable, Sendable {
    /// Nil before the first of its states.
    public var state: AgencyState?
    public var home: NodeID?
    /// In force at the moment.
    public var successor: Successor?

    public init(state: AgencyState?, home: NodeID?, successor: Successor?) {
        self.state = state
        self.home = home
        self.successor = successor
    }
}

extension AgencyRow {
    public func at(_ moment: Moment) -> AgencyStanding {
        AgencyStanding(state: state(at: moment), home: home(at: moment), successor: successor(at: moment))
    }

    public func state(at moment: Moment) -> AgencyState? { states.last { $0.from <= moment }?.state }

    public func home(at moment: Moment) -> NodeID? { homes.last { $0.from <= moment }?.node }

    public func successor(at moment: Moment) -> Successor? {
        guard let successor, successor.from <= moment else { return nil }
        return successor
    }

    /// When it closes; nil while nothing is said of that.
    public var closed: Moment? { states.last.flatMap { $0.state == .closed ? $0.from : nil } }

    /// The moments at which something of it changes, ascending.
    public var moments: [Moment] {
        Set(states.map(\.from) + homes.map(\.from) + [successor?.from].compactMap { $0 }).sorted()
    }
}
