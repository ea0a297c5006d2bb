// TestNode: the links of a node, with a small engine behind them that takes what it is offered, and a store for payload.

import Foundation
import NIOCore
import NIOPosix
import OpenSSLTLS
import RelayEngine
import RelayModel
import RelaySession
import RelayStore
import Synchronization

@testable import RelayCore
@testable import RelayLink

/// What a node was told, and who waits for more.
struct Told {
    var established: [Ticket: SessionFacts] = [:]
    var ended: [Ticket: (whole: [Ticket], reason: String)] = [:]
    var ending: Set<Ticket> = []
    var dialFailures: [String] = []
    var offers: [Ticket: Offer] = [:]
    var payloads: [Ticket: [UInt8]] = [:]
    var completed: [Ticket] = []
    var abandoned: [Ticket] = []
    var answers: [Ticket: [Answer]] = [:]
    var notices: [Notice] = []
    var heaviest = 0
    /// Kept back, with its weight, while the engine holds.
    var held: [(inputs: [EngineInput], weight: Int)] = []
    var isHolding = false
    var acknowledges = true

    fileprivate var waiters: [(condition: @Sendable (Told) -> Bool, continuation: CheckedContinuation<Void, Never>)] =
        []
}

final class TestNode: Sendable {
    let name: NodeID
    let group: MultiThreadedEventLoopGroup
    let gauge: Gauge
    let store: LMDBStore
    let links: Links
    private let directory: String
    private let told: Mutex<Told>
    private let engine: Relay

    /// The knot between engine and links.
    private final class Relay: Sendable {
        let take = Mutex<(@Sendable ([EngineInput]) -> Void)?>(nil)
        let log = Mutex<(@Sendable ([Notice]) -> Void)?>(nil)
    }

    init(
        _ name: String, peers: [LinkPeer], tls: TLSContext?, highWater: Int = 64 << 20,
        settings: LinkSettings = LinkSettings()
    ) throws {
        self.name = NodeID(name: name)!
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("node-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var storeSettings = StoreSettings(node: "dtn://\(name)/")
        storeSettings.mapBytes = 256 << 20
        storeSettings.growthBytes = 8 << 20
        storeSettings.aheadBytes = 4 << 20
        storeSettings.reserveBytes = 2 << 20
        storeSettings.ballastBytes = 1 << 20
        store = try LMDBStore(directory: directory, settings: storeSettings)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        gauge = Gauge(highWater: highWater, lowWater: highWater / 2)
        told = Mutex(Told())
        let engine = Relay()
        self.engine = engine
        let start = ContinuousClock.now
        let border = EngineBorder(
            deliver: { inputs in engine.take.withLock { $0 }?(inputs) }, gauge: gauge, payload: PayloadSource(store),
            now: {
                let span = (ContinuousClock.now - start).components
                return RelayTime(
                    milliseconds: 1_000_000 + UInt64(span.seconds) * 1_000
                        + UInt64(span.attoseconds / 1_000_000_000_000_000))
            },
            log: { notices in engine.log.withLock { $0 }?(notices) })
        links = Links(
            group: group, border: border,
            policy: LinkPolicy(node: self.name, tls: tls, peers: peers, settings: settings), tickets: TicketSource())
        engine.take.withLock { $0 = { [weak self] in self?.deliver($0) } }
        engine.log.withLock { $0 = { [weak self] notices in self?.change { $0.notices += notices } } }
    }

    deinit {
        try? group.syncShutdownGracefully()
        try? FileManager.default.removeItem(atPath: directory)
    }

    static func peer(_ name: String, port: Int? = nil, _ security: LinkSecurity = .tls) -> LinkPeer {
        LinkPeer(
            identity: PeerIdentity(node: NodeID(name: name)!),
            address: port.map { LinkAddress(host: "127.0.0.1", port: $0) }, security: security)
    }

    func listen(_ security: LinkSecurity = .tls) async throws -> Int {
        let listener = try await links.listen(on: LinkAddress(host: "127.0.0.1", port: 0), security).get()
        return listener.address.port!
    }

    // MARK: - What the engine sees

    var now: Told { told.withLock { $0 } }

    func change(_ body: (inout Told) -> Void) {
        let ready = told.withLock { told in
            body(&told)
            let all = told.waiters
            told.waiters = []
            let ready = all.filter { $0.condition(told) }
            told.waiters = all.filter { !$0.condition(told) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    func wait(for condition: @escaping @Sendable (Told) -> Bool) async {
        await withCheckedContinuation { continuation in
            change { $0.waiters.append((condition, continuation)) }
        }
    }

    private func deliver(_ inputs: [EngineInput]) {
        let weight = Gauge.weight(of: inputs)
        var isHeld = false
        change { told in
            told.heaviest = max(told.heaviest, gauge.bytes)
            isHeld = told.isHolding
            if isHeld { told.held.append((inputs, weight)) }
        }
        if !isHeld { run(inputs, weight) }
    }

    /// Goes on after holding.
    func takeHeld() {
        var held: [(inputs: [EngineInput], weight: Int)] = []
        change { told in
            held = told.held
            told.held = []
            told.isHolding = false
        }
        for (inputs, weight) in held { run(inputs, weight) }
    }

    private func run(_ inputs: [EngineInput], _ weight: Int) {
        var effects: [Effect] = []
        change { told in
            for input in inputs { Self.take(input, &told, &effects) }
        }
        gauge.release(weight)
        links.perform(effects)
    }

    private static func take(_ input: EngineInput, _ told: inout Told, _ effects: inout [Effect]) {
        switch input {
        case .offered(let offer):
            told.offers[offer.ticket] = offer
            told.payloads[offer.ticket] = []
        case .offerBytes(let ticket, let buffer): told.payloads[ticket]! += Array(buffer.readableBytesView)
        case .offerCompleted(let ticket, _):
            told.completed.append(ticket)
            if told.acknowledges {
                effects.append(.acknowledge(session: told.offers[ticket]!.session, offer: ticket))
            }
        case .offerAbandoned(let ticket): told.abandoned.append(ticket)
        case .event(.sessionEstablished(let session, let facts)): told.established[session] = facts
        case .event(.sessionEnding(let session)): told.ending.insert(session)
        case .event(.sessionEnded(let session, let whole, let reason)):
            precondition(told.ended[session] == nil, "a session ends once")
            told.ended[session] = (whole, reason)
        case .event(.dialFailed(_, let reason)): told.dialFailures.append(reason)
        case .event(.refusedOutside), .event(.recordHeard), .event(.featuresHeard), .event(.sessionMeasured),
            .event(.sessionSilent), .event(.sessionAcknowledgesAgain), .event(.contactRefused):
            break
        case .event(.transferAnswered(_, let dispatch, let answer)): told.answers[dispatch, default: []].append(answer)
        default: preconditionFailure("not expected here: \(input)")
        }
    }

    // MARK: - What the engine wants

    /// Stores a payload under a number.
    func keep(_ payload: [UInt8], as number: UInt64) {
        let result = store.batch { transaction in
            var cursor = ExtentCursor(extent: number)
            PayloadWriter.append(ByteBuffer(bytes: payload), to: &cursor, in: transaction)
            _ = PayloadWriter.finish(cursor, in: transaction)
        }
        precondition(result.released != nil, "the payload is in the store")
    }

    /// A dispatch of the payload that was stored under a number.
    func dispatch(_ number: UInt64, _ length: Int, on session: Ticket, to peer: NodeID) -> Dispatch {
        let code = AgencyCode("H29")!
        return Dispatch(
            ticket: Ticket(number), session: session, peer: peer, number: number,
            bundle: BundleID(source: name.endpoint, creationTime: 800_000_000_000, sequence: 7 << 32 | number),
            kind: .document, lifetime: .days(30), age: .seconds(5), decided: RelayTime(milliseconds: 1_000_000),
            header: [],
            document: DocumentDescription(
                sender: AgencyCode("G22")!, recipients: [code], urgency: .normal, documentID: "\(number)",
                payloadLength: UInt64(length), digest: .zero),
            copy: CopyDescription(recipients: [code], path: [PathStop(node: name, time: WallTime(milliseconds: 1))]),
            destination: .none, piece: nil,
            payload: [ExtentRange(extent: number, offset: 0, length: UInt64(length))], payloadLength: UInt64(length),
            urgency: .normal)
    }

    func send(_ numbers: [(number: UInt64, length: Int)], on session: Ticket, to peer: NodeID) {
        links.perform(numbers.map { .send(dispatch($0.number, $0.length, on: session, to: peer)) })
    }

    func stop() async throws {
        try await links.terminateAll(why: "the test is over", within: .seconds(1)).get()
    }
}

/// Two nodes with a session between them.
struct TestPair {
    let a: TestNode
    let b: TestNode
    let sessionOfA: Ticket
    let sessionOfB: Ticket

    static func make(
        _ authority: Authority?, highWaterOfB: Int = 64 << 20, settings: LinkSettings = LinkSettings(),
        through proxy: Proxy? = nil
    ) async throws -> TestPair {
        let security: LinkSecurity = authority == nil ? .plain : .tls
        let b = try TestNode(
            "b", peers: [TestNode.peer("a"), TestNode.peer("c")], tls: authority?.context("b"),
            highWater: highWaterOfB, settings: settings)
        var port = try await b.listen(security)
        if let proxy { port = try await proxy.start(to: port, on: b.group) }
        let a = try TestNode(
            "a", peers: [TestNode.peer("b", port: port, security)], tls: authority?.context("a"), settings: settings)
        a.links.dial(b.name)
        await a.wait { !$0.established.isEmpty || !$0.dialFailures.isEmpty }
        await b.wait { !$0.established.isEmpty }
        return TestPair(
            a: a, b: b, sessionOfA: a.now.established.keys.first!, sessionOfB: b.now.established.keys.first!)
    }

    func stop() async throws {
        try await a.stop()
        try await b.stop()
    }
}

/// A wire that can be cut: carries octets between two sockets, from the first to the second only so many.
final class Proxy: Sendable {
    private let limit: Int
    private let channels = Mutex<[any Channel]>([])

    init(limit: Int) { self.limit = limit }

    func start(to port: Int, on group: any EventLoopGroup) async throws -> Int {
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { [self] inner in
                let promise = inner.eventLoop.makePromise(of: Void.self)
                ClientBootstrap(group: inner.eventLoop)
                    .channelInitializer { outer in
                        outer.eventLoop.makeCompletedFuture {
                            try outer.pipeline.syncOperations.addHandler(Glue(to: inner, limit: .max))
                        }
                    }
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { outer in
                        self.channels.withLock { $0 += [inner, outer] }
                        try inner.pipeline.syncOperations.addHandler(Glue(to: outer, limit: self.limit))
                    }
                    .cascade(to: promise)
                return promise.futureResult
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return listener.localAddress!.port!
    }

    func cut() {
        for channel in channels.withLock({ $0 }) { channel.close(promise: nil) }
    }

    private final class Glue: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private var room: Int
        init(to other: any Channel, limit: Int) {
            self.other = other
            room = limit
        }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = Self.unwrapInboundIn(data)
            room -= buffer.readableBytes
            if room < 0 { try? context.channel.syncOptions?.setOption(.autoRead, value: false) }
            other.writeAndFlush(buffer, promise: nil)
        }
    }
}
