// Links: all sessions of a node with its neighbours. Composition owns one. It listens, dials, carries effects to the sessions,
// takes a new policy at run time, tells operators what there is, and stops in order. Any thread; the work is done on the event
// loops of the group, which is the caller's.

import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel
import RelaySession
import Synchronization

public final class Links: Sendable {
    private let group: any EventLoopGroup
    private let border: EngineBorder
    private let registry: LinkRegistry
    private let tickets: TicketSource
    private let listeners = Mutex<[LinkListener]>([])

    public init(group: any EventLoopGroup, border: EngineBorder, policy: LinkPolicy, tickets: TicketSource) {
        self.group = group
        self.border = border
        self.tickets = tickets
        let registry = LinkRegistry(policy)
        self.registry = registry
        border.gauge.onLowWater { registry.onLoops { $0.resume() } }
    }

    // MARK: - Beginning sessions

    /// Opens a listening socket; port 0 is one of the system's choice, which the listener tells.
    public func listen(on address: LinkAddress, _ security: LinkSecurity = .tls) -> EventLoopFuture<LinkListener> {
        let exhausted = self.exhausted
        return listen(security) {
            LinkListener.open(address, security, group: $0, exhausted: exhausted, makeHandler: $1)
        }
    }

    /// Takes over a socket that listens already, such as one of the service manager.
    public func listen(adopting descriptor: Int32, _ security: LinkSecurity = .tls) -> EventLoopFuture<LinkListener> {
        let exhausted = self.exhausted
        return listen(security) {
            LinkListener.adopt(descriptor, security, group: $0, exhausted: exhausted, makeHandler: $1)
        }
    }

    /// Connections wait to be taken because the system gives no descriptor.
    private var exhausted: @Sendable (String) -> Void {
        let border = self.border
        return { why in
            border.log([
                Notice(
                    .alarm, "connections of peers wait: the system gives nothing to take them with: \(why)",
                    kind: .descriptorsExhausted)
            ])
        }
    }

    private func listen(
        _ security: LinkSecurity,
        _ open: (any EventLoopGroup, @escaping @Sendable () -> LinkHandler?) -> EventLoopFuture<LinkListener>
    ) -> EventLoopFuture<LinkListener> {
        guard security == .plain || registry.policy.tls != nil else {
            return group.any().makeFailedFuture(LinkError.noTLSSettings)
        }
        return open(group) { [border, registry, tickets] in
            guard !registry.isStopping else { return nil }
            return LinkHandler(
                session: tickets.take(), policy: registry.policy, security: security, dialled: nil, border: border,
                registry: registry, tickets: tickets)
        }.map { listener in
            self.listeners.withLock { $0.append(listener) }
            return listener
        }
    }

    /// Opens a session with a peer. The engine hears of it by `sessionEstablished` or `dialFailed`.
    public func dial(_ node: NodeID) {
        let policy = registry.policy
        guard let peer = policy.peer(node), let address = peer.address else {
            return dialFailed(node, "no address is configured")
        }
        guard !registry.isStopping else { return dialFailed(node, "this node is stopping") }
        guard peer.security == .plain || policy.tls != nil else {
            return dialFailed(node, LinkError.noTLSSettings.description)
        }
        LinkDialler.dial(
            address, peer.security, timeout: policy.settings.connectTimeout, group: group,
            makeHandler: { [border, registry, tickets] in
                LinkHandler(
                    session: tickets.take(), policy: policy, security: peer.security, dialled: peer, border: border,
                    registry: registry, tickets: tickets)
            },
            failed: { [weak self] why in self?.dialFailed(node, why) })
    }

    private func dialFailed(_ node: NodeID, _ why: String) {
        let inputs: [EngineInput] = [.event(.dialFailed(peer: node, reason: why))]
        border.gauge.add(Gauge.weight(of: inputs))
        border.deliver(inputs)
    }

    // MARK: - From the engine

    /// Does what the engine decided in one batch: everything for sessions, and dials. Other effects are not looked at.
    public func perform(_ effects: [Effect]) {
        registry.perform(effects)
        for case .dial(let peer) in effects { dial(peer) }
    }

    // MARK: - Reload, operators, stop

    /// New sessions begin with this policy. Sessions whose peer it does not accept (removed, revoked, expired) end by SESS_TERM;
    /// the others stay as they are.
    public func replacePolicy(_ policy: LinkPolicy) {
        registry.replacePolicy(policy)
        recheckSessions()
    }

    /// Judges those peers again whose certificate has ended, by the time in Unix seconds.
    public func endExpired(at time: Int64) {
        let policy = registry.policy
        let ended = registry.entries.filter { ($0.record.current.certificateNotAfter ?? .max) <= time }
        guard !ended.isEmpty else { return }
        // Once each: an end that is under way has its time.
        for entry in ended { entry.record.update { $0.certificateNotAfter = nil } }
        registry.onLoops(of: ended) { $0.recheck(policy) }
    }

    /// Judges all peers again, for instance because certificates expire.
    public func recheckSessions() {
        let policy = registry.policy
        registry.onLoops { $0.recheck(policy) }
    }

    /// Shows what passes on a peer's sessions, those that begin later included, until `unwatch`.
    public func watch(_ tap: WireTap) { registry.add(tap) }

    public func unwatch(_ tap: WireTap) { registry.remove(tap) }

    /// The certificates and trust with which new sessions begin; nil without TLS.
    public var tls: TLSContext? { registry.policy.tls }

    /// Ends all sessions at once, without waiting for what is under way; new ones may begin.
    public func endAll(why: String) { registry.onLoops { $0.end(why: why, timeout: .zero) } }

    /// What there is now, in the order in which it began.
    public var sessions: [SessionInfo] { registry.records }

    /// What the kernel measures of each connection's way there and back, in microseconds. Connections that it cannot be asked
    /// about are left out.
    public func roundTrips() async -> [Ticket: UInt64] {
        var asked: [(Ticket, EventLoopFuture<UInt64>)] = []
        for entry in registry.entries {
            guard let options = entry.channel as? any SocketOptionProvider else { continue }
            asked.append((entry.record.current.session, options.getTCPInfo().map { UInt64($0.tcpi_rtt) }))
        }
        var result: [Ticket: UInt64] = [:]
        for (session, future) in asked { result[session] = try? await future.get() }
        return result
    }

    /// Who holds how much of what sessions share.
    public var shares: LinkShares {
        let (places, memory) = (registry.places, registry.memory.picture)
        return LinkShares(
            sessions: places.sessionCount, sessionsMax: places.bounds.sessionsMax, mostOfOnePeer: places.mostOfOnePeer,
            sessionsPerPeer: places.bounds.perPeer, strangers: places.strangerCount,
            strangersMax: places.bounds.strangersMax, heldBytes: memory.held, heldBytesMax: memory.max,
            mostBytesOfOne: memory.mostOfOne)
    }

    /// Accepts and dials no more, and ends all sessions: what is under way is finished, at most for `timeout`, and not with a peer
    /// that is silent. The future is there when all connections are closed.
    public func terminateAll(why: String, within timeout: Milliseconds) -> EventLoopFuture<Void> {
        let listening = listeners.withLock { listeners in
            defer { listeners = [] }
            return listeners.map { $0.close() }
        }
        let entries = registry.stop()
        registry.onLoops(of: entries) { $0.endSoon(why: why, timeout: timeout) }
        return EventLoopFuture.andAllComplete(listening + entries.map(\.channel.closeFuture), on: group.any())
    }
}
