// LinkPolicy: who the neighbours are and how sessions with them are to run. A value, replaced whole on reload: new sessions
// begin with the new one, and living ones are judged by it again.

import BundleProtocol
import NIOCore
import OpenSSLTLS
import RelayModel
import RelaySession
import TCPCL

/// Whether a listener or a dialled link uses TLS.
public enum LinkSecurity: Hashable, Sendable {
    case tls
    /// For interoperability tests, on the loopback interface only.
    case plain
}

/// An address as configured.
public struct LinkAddress: Hashable, Sendable {
    public var host: String
    public var port: Int
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// A neighbour as the links see it.
public struct LinkPeer: Sendable {
    public var identity: PeerIdentity
    /// Where to dial it.
    public var address: LinkAddress?
    public var security: LinkSecurity
    /// The largest segment to send to it; nil: as for all.
    public var segmentBytesMax: Int?
    /// What is announced to it; nil: as for all.
    public var segmentMRU: UInt64?
    public var transferMRU: UInt64?
    public var keepaliveSeconds: UInt16?
    public init(
        identity: PeerIdentity, address: LinkAddress? = nil, security: LinkSecurity = .tls, segmentBytesMax: Int? = nil,
        segmentMRU: UInt64? = nil, transferMRU: UInt64? = nil, keepaliveSeconds: UInt16? = nil
    ) {
        self.keepaliveSeconds = keepaliveSeconds
        self.identity = identity
        self.address = address
        self.security = security
        self.segmentBytesMax = segmentBytesMax
        self.segmentMRU = segmentMRU
        self.transferMRU = transferMRU
    }
}

/// The numbers of a session.
public struct LinkSettings: Sendable {
    public var keepaliveSeconds: UInt16 = 30
    public var segmentMRU: UInt64 = 1 << 20
    public var transferMRU: UInt64 = 1 << 30
    public var segmentBytesMax = 256 * 1_024
    public var idleTimeout = Milliseconds.zero
    public var silenceMin = Milliseconds.seconds(5)
    public var answerTimeout = Milliseconds.minutes(10)
    public var sessionLifetime = Milliseconds.hours(24)
    public var connectTimeout = Milliseconds.seconds(10)
    /// From the connection to an established session, all steps together.
    public var handshakeTimeout = Milliseconds.seconds(30)
    public var terminationTimeout = Milliseconds.seconds(30)
    /// Accepted sessions of proven peers at the same time.
    public var sessionsMax = 1_024
    public var sessionsPerPeer = 8
    /// Accepted connections that have not proven who they are.
    public var strangersMax = 256
    /// Octets that all sessions hold together.
    public var memoryMax = 128 << 20
    public var hopLimit: UInt8 = 32
    public var toleratedIssues: Set<BundleIssue.Code> = []
    public init() {}
}

public struct LinkPolicy: Sendable {
    public var node: NodeID
    /// Nil: no links with TLS are possible.
    public var tls: TLSContext?
    public let peers: [LinkPeer]
    public var settings: LinkSettings
    let judge: IdentityJudge

    public init(node: NodeID, tls: TLSContext?, peers: [LinkPeer], settings: LinkSettings = LinkSettings()) {
        self.node = node
        self.tls = tls
        self.peers = peers
        self.settings = settings
        judge = IdentityJudge(peers.map(\.identity))
    }

    func peer(_ node: NodeID) -> LinkPeer? { peers.first { $0.identity.node == node } }

    /// The one neighbour that a certificate can be of; SESS_INIT has yet to say the same.
    func peer(named names: CertificateNames) -> LinkPeer? {
        let found = peers.filter {
            names.nodes(acceptsURI: $0.identity.acceptsURI).contains($0.identity.node.comparable)
        }
        return found.count == 1 ? found[0] : nil
    }

    func conversation(_ role: SessionRole, _ security: LinkSecurity, _ peer: LinkPeer?) -> ConversationSettings {
        var session = SessionConfiguration(role: role, tls: security == .tls ? .required : .forbidden, nodeID: node)
        session.keepaliveSeconds = peer?.keepaliveSeconds ?? settings.keepaliveSeconds
        session.segmentMRU = peer?.segmentMRU ?? settings.segmentMRU
        session.transferMRU = peer?.transferMRU ?? settings.transferMRU
        session.segmentBytesMax = peer?.segmentBytesMax ?? settings.segmentBytesMax
        session.contactTimeout = settings.handshakeTimeout.count
        session.terminationTimeout = settings.terminationTimeout.count
        session.idleTimeout = settings.idleTimeout.count
        session.answerTimeout = settings.answerTimeout.count
        var conversation = ConversationSettings(session)
        conversation.sessionLifetime = settings.sessionLifetime
        conversation.hopLimit = settings.hopLimit
        conversation.silenceMin = settings.silenceMin
        conversation.toleratedIssues = settings.toleratedIssues
        return conversation
    }

    var places: SessionPlaces.Bounds {
        .init(
            sessionsMax: settings.sessionsMax, perPeer: settings.sessionsPerPeer, strangersMax: settings.strangersMax)
    }

    /// Where peers are dialled, as far as it is no name.
    var addresses: [(node: NodeID, address: String?)] {
        peers.map { peer in
            let numbers = peer.address.flatMap { try? SocketAddress(ipAddress: $0.host, port: 1) }
            return (peer.identity.node, numbers.flatMap(\.ipAddress).map { $0.contains(":") ? "[\($0)]:1" : "\($0):1" })
        }
    }

    var handshakeLimits: TLSHandler.Limits {
        TLSHandler.Limits(handshakeTime: TimeAmount(settings.handshakeTimeout))
    }
}

extension TimeAmount {
    /// A timer of NIO: no longer than a day, so that any configured number fits.
    public init(_ span: Milliseconds) {
        self = .milliseconds(Int64(min(span.count, Milliseconds.hours(24).count)))
    }
}
