// NodeConfiguration: edocd.yaml as values. Plain data, immutable once loaded; every number is inside the range that
// the key table names, so that the rest of the program need not check again.

import RelayModel
import RelayRouting

/// The settings of one node.
public struct NodeConfiguration: Hashable, Sendable {
    public var node: NodeID
    public var agenciesFile: String
    public var logLevel: LogLevel
    public var store: Store
    public var listen: [HostPort]
    /// Loud and for loopback only.
    public var plainLoopback: Bool
    public var session: Session
    public var tls: TLS
    public var limits: Limits
    public var retry: Retry
    public var report: Report
    public var quotas: Quotas
    public var control: Control
    public var backup: Backup
    /// Where monitors on this machine fetch figures over TCP; nil for nowhere.
    public var metrics: HostPort?
    /// In file order; agencies and directories are unique.
    public var spools: [SpoolConfiguration]
    /// In file order; names and nodes are unique.
    public var peers: [PeerConfiguration]

    /// Pieces of large documents lie on a grid of this many octets on every node (docs/protocol.md): not a setting.
    public static let pieceSize: UInt64 = 4 << 20

    /// The peer with this node ID.
    public func peer(_ node: NodeID) -> PeerConfiguration? { peers.first { $0.node == node } }
}

/// An agency that takes its documents from a directory.
public struct SpoolConfiguration: Hashable, Sendable {
    public var agency: AgencyCode
    public var directory: String
    /// Permission bits.
    public var mode: UInt32
    /// Nil: the daemon's own.
    public var group: String?
    /// Octets.
    public var reserve: UInt64
    public var atOnce: UInt64
    public var answerWithin: Milliseconds
    /// Each file gets another with what the relay has verified.
    public var sidecar = true
    /// Where files say what became of what the agency has sent; nil: nowhere.
    public var receipts: String?
}

/// One neighbour node.
public struct PeerConfiguration: Hashable, Sendable {
    public var name: String
    public var node: NodeID
    public var address: HostPort?
    public var dial: Bool
    public var edoc: Bool
    /// Nil: the operator has not said.
    public var foreign: Bool?
    public var fragments: Bool
    /// Octets.
    public var segmentSize: UInt64
    public var segmentMRU: UInt64
    public var transferMRU: UInt64
    public var keepalive: Milliseconds
    /// A second session for urgent documents.
    public var urgentSession: Bool
    public var acceptURISAN: Bool
    public var rights: SendRights
    /// What of it may wait in the store.
    public var quotaBytes: UInt64
    public var quotaEnvelopes: UInt64
}

/// What `log.level` may be.
public enum LogLevel: String, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error, critical
}

/// What a caller on the control socket may be allowed.
public enum ControlVerb: String, CaseIterable, Sendable {
    case submitAs = "submit_as"
    case inbox
    case see
    case act
    /// Outcomes of what its agencies have sent, and of what is for them; nothing else.
    case seeAgencies = "see_agencies"
}

/// One row of the rights table.
public struct ControlRight: Hashable, Sendable {
    public enum Caller: Hashable, Sendable {
        case user(String)
        case group(String)
    }
    public var caller: Caller
    public var verbs: Set<ControlVerb>
    /// For `submit_as`, `inbox` and `see_agencies`; `own` is the agencies at home here.
    public var agencies: [AgencyPattern]
}

extension NodeConfiguration {
    public struct Store: Hashable, Sendable {
        public var directory: String
        public var mapSize: UInt64
        public var reservePercent: UInt64
        public var reserveMin: UInt64
        public var growthStep: UInt64
        public var transitMemory: Milliseconds
        public var historyMemory: Milliseconds
        public var historyPercent: UInt64
        public var dedupMemory: Milliseconds
        /// Zero is never.
        public var verifyEvery: Milliseconds
        public var verifyRate: UInt64
    }

    public struct Session: Hashable, Sendable {
        /// Whole seconds; 0 is none.
        public var keepalive: Milliseconds
        public var segmentMRU: UInt64
        public var transferMRU: UInt64
        public var segmentSize: UInt64
        public var windowBytes: UInt64
        public var windowTransfers: UInt64
        public var idleTimeout: Milliseconds
        public var sessionLifetime: Milliseconds
        public var connectTimeout: Milliseconds
        public var handshakeTimeout: Milliseconds
        public var sessionsMax: UInt64
        public var sessionsPerPeer: UInt64
        public var strangersMax: UInt64
        public var memoryMax: UInt64
        public var silence: Milliseconds
    }

    public struct TLS: Hashable, Sendable {
        public var ca: String
        public var certificate: String
        public var key: String
        /// The name of the credential that the key is, where none is given because nobody starts the daemon here.
        public var keyCredential: String?
        public var crl: String?
        /// Nil: for ever.
        public var crlGrace: Milliseconds?
        public var keyLog: String?
    }

    public struct Limits: Hashable, Sendable {
        public var lifetimeDefault: Milliseconds
        public var lifetimeMax: Milliseconds
        public var documentMax: UInt64
        public var recipientsMax: UInt64
        public var hopsMax: UInt64
        public var activeMax: UInt64
        public var stagedMax: UInt64
        public var headerMax: UInt64
        public var incomingWait: Milliseconds
        public var recordLifetime: Milliseconds
    }

    public struct Retry: Hashable, Sendable {
        public var dialBackoffMin: Milliseconds
        public var dialBackoffMax: Milliseconds
        public var envelopeBackoffMin: Milliseconds
        public var envelopeBackoffMax: Milliseconds
        public var pauseMin: Milliseconds
        public var pauseMax: Milliseconds
        public var refusalGrace: Milliseconds
        public var inDoubtWait: Milliseconds
        public var inDoubtWaitUrgent: Milliseconds
        public var failoverWait: Milliseconds
    }

    public struct Report: Hashable, Sendable {
        public var gather: Milliseconds
        public var rows: UInt64
        public var delayAfter: Milliseconds
        public var delayAfterUrgent: Milliseconds
        /// RFC status reports for foreign bundles.
        public var statusReports: Bool
    }

    public struct Quotas: Hashable, Sendable {
        public var peerBytes: UInt64
        public var peerEnvelopes: UInt64
        public var senderBytes: UInt64
        public var senderEnvelopes: UInt64
        public var recordBytes: UInt64
        public var recordEnvelopes: UInt64
    }

    public struct Backup: Hashable, Sendable {
        /// Nil: a copy is always given a path.
        public var directory: String?
        /// Zero is for ever.
        public var maxAge: Milliseconds
    }

    public struct Control: Hashable, Sendable {
        public var socket: String
        public var submitSocket: String?
        public var takeSocket: String?
        public var clientTimeout: Milliseconds
        public var bodyTimeout: Milliseconds
        public var connectionsPerUser: UInt64
        public var undoWindow: Milliseconds
        public var rights: [ControlRight]
    }
}

/// Node names as the file spells them.
enum NodeNameText {
    static func isValid(_ text: String) -> Bool { NodeID(name: text) != nil }
    static func isNodeID(_ text: String) -> Bool { NodeID(text: text) != nil }
}
